"""The load test with what users of ERPNext ask for. Only Python's own library."""

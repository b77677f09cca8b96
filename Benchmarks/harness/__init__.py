"""The load test: who is measured, how, and how the result is shown. Only Python's own library."""

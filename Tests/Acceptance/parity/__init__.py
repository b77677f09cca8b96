"""Martlet beside the nginx of frappe_docker's `frontend`: the same requests to both, every answer compared."""

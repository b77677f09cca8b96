"""Faults made on purpose, a load that knows what was lost, and the proxies that it goes through."""

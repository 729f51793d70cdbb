"""Fits a fleet profile to the executions of a past deployment, real or rehearsed. No NumPy."""

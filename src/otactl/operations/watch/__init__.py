"""Watches jobs: selects them, finds their location, and polls them in a thread."""

"""The device as a state machine: it decides what to do next, and never does it. Pure."""

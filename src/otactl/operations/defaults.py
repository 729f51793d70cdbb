"""Defaults that commands and the Python API share."""

#: From one poll of a running job to the next.
DEFAULT_POLL_SECONDS = 5.0
#: Failed things that are queried for their reasons.
DEFAULT_DETAILS = 250

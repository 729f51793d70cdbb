"""Defaults that several parts share: commands, the Python API, the queue, forecasts."""

#: Between two polls of a running job.
DEFAULT_POLL_SECONDS = 5.0
#: Failed things that are queried for their reasons.
DEFAULT_DETAILS = 250
#: Parts of an image that are uploaded at once.
DEFAULT_UPLOAD_CONCURRENCY = 4

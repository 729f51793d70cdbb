"""One snapshot of a job, from polling or from events. Uses AWS only by Protocols."""

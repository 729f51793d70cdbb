"""One snapshot of a job, from polling or from events. Knows AWS only by Protocols."""

"""What the commands that look at jobs share: monitor, report, cancel, retry-failed."""

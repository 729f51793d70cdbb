"""How long to wait before trying again: longer each time, up to a limit.

For whole operations that found AWS out of reach after botocore's own retries were spent; those
have their own backoff with jitter. One process waits here, not a fleet, so there is no jitter.
"""

from __future__ import annotations

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
#: How long a network may be away before a waiting process gives up.
MAX_UNREACHABLE_SECONDS = 900.0


def pause_seconds(failures: int) -> float:
    """The pause after N failures in a row, N from 1: 1, 2, 4 … 60 seconds."""
    doublings = min(failures - 1, 10)
    return min(FIRST_PAUSE_SECONDS * float(1 << doublings), LONGEST_PAUSE_SECONDS)

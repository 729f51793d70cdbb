"""The time by which workers on several machines agree on leases.

Machines whose clocks differ by no more than half a minute use their own. One whose clock is further
from AWS's (the Date of its last answer, counted on) uses AWS's: it would take a lease for over
that is not, or wait an hour for a gate. A local cloud's clock may be a fast one, so there the
machine's own always counts.
"""

from __future__ import annotations

from collections.abc import Callable

from otactl.jobqueue.lease_policy import CLOCK_SKEW_MS


def queue_time(
    own_ms: Callable[[], int], aws_now_ms: Callable[[], int | None]
) -> Callable[[], int]:
    """A clock, epoch milliseconds; AWS's is None before its first answer."""

    def now_ms() -> int:
        own, aws = own_ms(), aws_now_ms()
        return own if aws is None or abs(aws - own) <= CLOCK_SKEW_MS else aws

    return now_ms

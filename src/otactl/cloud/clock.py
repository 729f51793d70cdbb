"""The cloud's clock: the same as ours, or a faster one.

A rollout of AWS IoT Jobs releases things once a minute and a timeout takes at least one; to
rehearse an hour in two minutes, the whole server process lives in a faster time. That needs no
private part of MiniStack: ``time.time`` is replaced before MiniStack is imported, and the event
loop's own clock and its waiting run at the same speed (see ``loop``), so ``asyncio.sleep(60)``
takes ``60 / speed`` seconds of ours.

Not scaled, on purpose: ``time.monotonic`` and ``time.sleep`` (worker threads and Lambda measure
real work with them) and ``datetime.now`` and ``time.gmtime`` (signatures of requests carry the
caller's real time; what S3 says of an object's age is not part of a rollout).
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CloudClock:
    """Maps this machine's time to the cloud's; both show the same at the origin.

    Attributes:
        origin: Epoch seconds.
        speed: Seconds there for each second here.
    """

    origin: float
    speed: float

    def at(self, now: float) -> float:
        """What the cloud's clock shows when ours shows ``now`` (epoch seconds)."""
        return self.origin + (now - self.origin) * self.speed


def install(clock: CloudClock) -> None:
    """Make ``time.time`` and ``time.time_ns`` of this process show the cloud's time.

    For the server process only, before MiniStack is imported.
    """
    real_time = time.time

    def cloud_time() -> float:
        return clock.at(real_time())

    def cloud_time_ns() -> int:
        return int(cloud_time() * 1e9)

    time.time = cloud_time
    time.time_ns = cloud_time_ns

"""How fast a job runs and how long the rest will take, from a few minutes of counts.

The ETA assumes that the rest runs at the rate of the last minutes. Executions that end are counted
like arrivals, so n of them give the rate to within about 1/sqrt(n) of itself; the end is in the
range nine times out of ten if the assumption holds. Things not notified yet cannot end before the
rollout reaches them, at any rate: that is a separate lower bound.
"""

from __future__ import annotations

import math
from collections import deque

from otactl.model.job_configuration import Rollout
from otactl.model.progress import Eta, Pace
from otactl.rules.rollout import MINUTE_MS, RolloutState, missing_for_raise, next_release

#: The time over which rates are computed.
WINDOW_MS = 5 * MINUTE_MS
#: Counts closer together than this are one: a burst of events must not fill the window.
_RESOLUTION_MS = 1000
#: The shortest time that gives a rate.
_LEAST_MS = 2000
#: Standard deviations of a normal distribution within which nine out of ten lie.
_SIGMAS = 1.645
_SECONDS_PER_MINUTE = 60.0
#: The loop over the minutes of a rollout stops here: no user waits longer.
_MAX_ROLLOUT_MINUTES = 100_000


class PaceMeter:
    """Keeps the counts of the last minutes and computes rates from them."""

    def __init__(self) -> None:
        self._counts: deque[tuple[int, int, int]] = deque()

    def note(self, now_ms: int, *, notified: int, finished: int) -> None:
        """Add the current counts; both only grow within one job."""
        counts = self._counts
        if counts and now_ms - counts[-1][0] < _RESOLUTION_MS and len(counts) > 1:
            counts[-1] = (counts[-1][0], notified, finished)
            return
        counts.append((now_ms, notified, finished))
        while len(counts) > 2 and counts[1][0] <= now_ms - WINDOW_MS:  # noqa: PLR2004 - a rate needs two
            counts.popleft()

    def pace(self, now_ms: int) -> Pace | None:
        """The rates over the window before now; None if the time is too short."""
        if not self._counts:
            return None
        first_ms, notified, finished = self._counts[0]
        elapsed_ms = now_ms - first_ms
        if elapsed_ms < _LEAST_MS:
            return None
        minutes = elapsed_ms / MINUTE_MS
        return Pace(
            notified_per_minute=max(0, self._counts[-1][1] - notified) / minutes,
            finished_per_minute=max(0, self._counts[-1][2] - finished) / minutes,
            window_seconds=elapsed_ms / 1000,
            finished=max(0, self._counts[-1][2] - finished),
        )


def estimate(
    pace: Pace | None,
    *,
    remaining: int,
    unnotified: int,
    rollout: Rollout | None,
    notified: int,
    succeeded: int,
) -> Eta | None:
    """How long the rest takes; None if nothing is left, or nothing ended in the window.

    ``remaining`` are executions and things that are not over, ``unnotified`` those of them that AWS
    has not notified.
    """
    if remaining <= 0 or pace is None or pace.finished <= 0:
        return None
    likely = remaining / pace.finished_per_minute * _SECONDS_PER_MINUTE
    spread = _SIGMAS / math.sqrt(pace.finished)
    floor = rollout_seconds(rollout, unnotified=unnotified, notified=notified, succeeded=succeeded)
    high = likely / (1 - spread) if spread < 1 else None
    return Eta(
        low_seconds=max(floor, likely / (1 + spread)),
        likely_seconds=max(floor, likely),
        high_seconds=None if high is None else max(floor, high),
    )


def rollout_seconds(
    rollout: Rollout | None, *, unnotified: int, notified: int, succeeded: int
) -> float:
    """The least time until the last thing is notified, if all that are notified succeed."""
    minutes, waiting = 0, unnotified
    while waiting > 0 and minutes < _MAX_ROLLOUT_MINUTES:
        state = RolloutState(waiting=waiting, notified=notified, succeeded=succeeded)
        batch = next_release(rollout, state)
        if batch <= 0:
            break
        if missing_for_raise(rollout, state) is None:
            # The rate stays: no loop over the years of a slow rollout to a million things.
            minutes += -(-waiting // batch)
            break
        waiting -= batch
        notified += batch
        succeeded += batch
        minutes += 1
    # The first batch may come at once, the others a minute apart.
    return max(0, minutes - 1) * _SECONDS_PER_MINUTE

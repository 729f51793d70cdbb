"""A fleet whose every thing is told what it does: nothing is drawn.

For scenarios that are also rehearsed with devices told the same, and for tests with a known
answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otactl.forecast.attempts import CODES, NEVER, Attempts
from otactl.model.status import ExecutionStatus

if TYPE_CHECKING:
    from otactl.forecast.attempts import Codes, Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a thing does with one execution.

    Attributes:
        starts_after_ms: From queued to IN_PROGRESS; None when it never starts.
        reports_after_ms: From the start to its report; None when it goes silent.
        status: What it reports.
        download_ms: How long it downloads, from the start on.
        breaks_after_ms: From the start to the moment it is bricked; None when it is not.
    """

    starts_after_ms: int | None = 0
    reports_after_ms: int | None = 1000
    status: ExecutionStatus = ExecutionStatus.SUCCEEDED
    download_ms: int = 0
    breaks_after_ms: int | None = None


class ListedFleet:
    """Things by a list of what each does.

    Args:
        acts: For each thing in the order in which things are notified, what it does in each
            attempt; the last one is repeated when there are more attempts.
    """

    def __init__(self, acts: Sequence[Sequence[Act]]) -> None:
        self._acts = [tuple(of_thing) for of_thing in acts]
        self._tried = [0] * len(self._acts)

    @property
    def things(self) -> int:
        """How many there are."""
        return len(self._acts)

    def first(self, start: int, queued_ms: Integers) -> Attempts:
        """The first attempts of the things from ``start`` on."""
        for thing in range(start, start + len(queued_ms)):
            self._tried[thing] = 0
        return self._attempts(np.arange(start, start + len(queued_ms)), queued_ms)

    def again(self, earlier: Attempts, ended: Codes, queued_ms: Integers) -> Attempts:
        """The next attempts of these things, whatever way the earlier ones ended."""
        del ended
        return self._attempts(earlier.thing, queued_ms)

    def _attempts(self, things: Integers, queued_ms: Integers) -> Attempts:
        acts = [self._next_act(int(thing)) for thing in things]
        starts = np.array([_or_never(act.starts_after_ms) for act in acts], dtype=np.int64)
        return Attempts(
            thing=things,
            group=np.zeros(len(things), dtype=np.int8),
            queued_ms=queued_ms,
            started_ms=np.where(starts >= NEVER, NEVER, queued_ms + starts),
            reports_after_ms=np.array(
                [_or_never(act.reports_after_ms) for act in acts], dtype=np.int64
            ),
            reported=np.array([CODES[act.status] for act in acts], dtype=np.int8),
            download_ms=np.array([act.download_ms for act in acts], dtype=np.int64),
            breaks_after_ms=np.array(
                [_or_never(act.breaks_after_ms) for act in acts], dtype=np.int64
            ),
            gone=starts >= NEVER,
            unproven=np.zeros(len(starts), dtype=np.bool_),
        )

    def _next_act(self, thing: int) -> Act:
        acts, tried = self._acts[thing], self._tried[thing]
        self._tried[thing] += 1
        return acts[min(tried, len(acts) - 1)]


def _or_never(duration_ms: int | None) -> int:
    return NEVER if duration_ms is None else duration_ms

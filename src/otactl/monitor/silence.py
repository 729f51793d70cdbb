"""Things that are IN_PROGRESS and have not reported for too long.

A report changes ``lastUpdatedAt``, which only a page of executions shows. So a thing is silent
if a page that was fetched longer than the limit after its last report still shows that report,
never because no page was fetched.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from otactl.model.progress import SilentThing
from otactl.model.status import ExecutionStatus
from otactl.monitor.execution_table import ExecutionTable

#: Silent things that are named; the table has them all.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Silence:
    """The silent things.

    Attributes:
        longest: Those that are silent the longest.
        count: How many are silent.
        suspects: Things that may be silent: their last known report is too long ago, but no page
            was fetched since.
    """

    longest: tuple[SilentThing, ...]
    count: int
    suspects: int


def find_silence(table: ExecutionTable, now_ms: int, limit_ms: int) -> Silence:
    """The things that are silent for longer than the limit."""
    silent: list[tuple[int, int]] = []
    suspects = 0
    updated = table.updated
    for row in table.rows_with(ExecutionStatus.IN_PROGRESS):
        last_ms = updated[row]
        if not last_ms or now_ms - last_ms <= limit_ms:
            continue
        if table.seen_ms(row) - last_ms > limit_ms:
            silent.append((last_ms, row))
        else:
            suspects += 1
    return Silence(
        tuple(
            SilentThing(
                thing_name=table.names[row],
                silent_seconds=(now_ms - last_ms) / 1000,
                step=table.outcome(row).progress.step,
            )
            for last_ms, row in heapq.nsmallest(NAMED, silent)
        ),
        len(silent),
        suspects,
    )

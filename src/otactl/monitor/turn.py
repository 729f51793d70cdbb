"""One job in the loop of a watch: when it is looked at next, and what was shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otactl.monitor.job_watcher import JobWatcher


@dataclass(slots=True)
class Turn:
    """One job in the loop of a watch.

    Attributes:
        due_ms: When it is looked at next.
        answered_ms: When the service last answered; at the start, when the watch began.
        quiet_seconds: How long no event may come before the next look.
        is_answered: Whether the service answered at all.
        doubt: Whether something seems to have happened that no event told.
        failures: Looks in a row that failed.
        trouble: Why the last look failed.
        closing: Whether the job is over and only the picture is being completed.
        ended: Whether nothing more is done about it.
        beats: Grows with what a snapshot shows and the state of the job does not hold.
        shown_ms, shown: When something was shown last, and what differed then.
    """

    watcher: JobWatcher
    due_ms: int
    answered_ms: int
    quiet_seconds: float
    is_answered: bool = False
    doubt: bool = False
    failures: int = 0
    trouble: str = ""
    closing: bool = False
    ended: bool = False
    beats: int = 0
    shown_ms: int = 0
    shown: tuple[object, ...] = ()

"""One job in the loop of a watch: when it is looked at next, and what was shown of it."""

from __future__ import annotations

from dataclasses import dataclass

from otactl.monitor.job_watcher import JobWatcher


@dataclass(slots=True)
class WatchState:
    """One job in the loop of a watch.

    Attributes:
        due_ms: When it is looked at next, by the monotonic clock, as all times here.
        answered_ms: When the service last answered; at the start, when the watch began.
        polled_ms, poll: When the job was last polled, and that by the wall clock.
        silent_after_seconds: How long no event may come before the next look.
        is_answered: Whether the service answered at all.
        doubt: Whether something seems to have happened that no event reported.
        failures: Looks in a row that failed.
        failing_since_ms: When the first of them did.
        last_error: Why the last look failed.
        closing: Whether the job is over and only the picture is being completed.
        ended: Whether nothing more is done about it.
        beats: Grows with what a snapshot shows and the state of the job does not hold.
        shown_ms, shown: When something was shown last, and what differed then.
    """

    watcher: JobWatcher
    due_ms: int
    answered_ms: int
    silent_after_seconds: float
    is_answered: bool = False
    polled_ms: int = 0
    poll: int = 0
    doubt: bool = False
    failures: int = 0
    failing_since_ms: int = 0
    last_error: str = ""
    closing: bool = False
    ended: bool = False
    beats: int = 0
    shown_ms: int = 0
    shown: tuple[object, ...] = ()

    def note_poll(self, now_ms: int) -> None:
        """Note when the job was looked at, if that is news."""
        if self.poll != self.watcher.state.polled_ms:
            self.poll, self.polled_ms = self.watcher.state.polled_ms, now_ms

"""One job in the loop of a watch: when it is polled next, and what was shown of it."""

from __future__ import annotations

from dataclasses import dataclass

from otactl.monitor.job_watcher import JobWatcher


@dataclass(slots=True)
class WatchState:
    """One job in the loop of a watch.

    Attributes:
        due_ms: When it is polled next, by the monotonic clock, as all times here.
        answered_ms: When the service last answered; before that, when the watch began.
        polled_ms, poll: When the job was last polled; ``poll`` is the same by the wall clock.
        silent_after_seconds: The next poll is due after this time without an event.
        is_answered: Whether the service answered at all.
        doubt: Whether something seems to have happened that no event reported.
        failures: Failed polls in a row.
        failing_since_ms: When the first of them failed.
        last_error: Why the last poll failed.
        closing: Whether the job is over and only its table is being completed.
        ended: Whether the watch of this job has ended.
        beats: Grows when a snapshot may change though the state of the job did not.
        shown_ms, shown: When a snapshot was last shown, and the value of ``_news`` then.
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
        """Note when the job was polled, if it was since the last note."""
        if self.poll != self.watcher.state.polled_ms:
            self.poll, self.polled_ms = self.watcher.state.polled_ms, now_ms

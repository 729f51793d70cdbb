"""What the views read while a watch runs in another thread.

The watch puts snapshots in; a view reads the newest, waits for the next, and queries the watchers'
tables for single things. Nothing here waits for AWS.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobSnapshot
from otactl.model.status import ExecutionStatus
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.percentile import Bin, histogram
from otactl.monitor.progress import Progress
from otactl.monitor.table_query import TablePage, TableQuery, select, select_all


class Board:
    """The newest snapshot of each job, in the order they are shown in, and the things behind it."""

    def __init__(self, watchers: Sequence[JobWatcher]) -> None:
        self._watchers = {watcher.job_id: watcher for watcher in watchers}
        self._snapshots: dict[str, JobSnapshot] = {}
        self._changed = threading.Condition()
        #: The jobs, in order.
        self.job_ids = tuple(self._watchers)
        #: Grows with each change.
        self.version = 0
        #: Whether the watch has ended, and the error that ended it.
        self.is_finished = False
        self.failure: BaseException | None = None

    @contextmanager
    def _watcher(self, job_id: str) -> Iterator[JobWatcher]:
        watcher = self._watchers[job_id]
        with watcher.lock:
            yield watcher

    def put(self, job_id: str, snapshot: JobSnapshot) -> None:
        """Set the newest snapshot of a job."""
        with self._changed:
            self._snapshots[job_id] = snapshot
            self.version += 1
            self._changed.notify_all()

    def finish(self, failure: BaseException | None = None) -> None:
        """Record that the watch has ended, and with which error."""
        with self._changed:
            self.is_finished, self.failure = True, failure
            self.version += 1
            self._changed.notify_all()

    def snapshot(self, job_id: str) -> JobSnapshot | None:
        """The newest snapshot of a job; None before its first poll."""
        return self._snapshots.get(job_id)

    def wait(self, version: int, timeout_seconds: float) -> int:
        """Wait until something is newer than ``version``. Returns the current version."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != version, timeout_seconds)
            return self.version

    def things(self, job_id: str, query: TableQuery) -> TablePage:
        """A page of those things of a job that are known one by one."""
        with self._watcher(job_id) as watcher:
            return select(watcher.state.table, query)

    def all_things(self, job_id: str, query: TableQuery) -> tuple[ThingOutcome, ...]:
        """Every thing of a job that matches a query."""
        with self._watcher(job_id) as watcher:
            return select_all(watcher.state.table, query)

    def thing(self, job_id: str, thing_name: str) -> ThingOutcome | None:
        """One thing of a job; None if it is unknown."""
        with self._watcher(job_id) as watcher:
            return watcher.state.table.get(thing_name)

    def take(self, job_id: str, outcome: ThingOutcome, now_ms: int) -> None:
        """Add what AWS answered when a view asked for a thing."""
        with self._watcher(job_id) as watcher:
            watcher.state.see_execution(outcome, now_ms)

    def want(self, job_id: str, status: ExecutionStatus) -> None:
        """List the things in this status from now on: a user wants to see them."""
        with self._watcher(job_id) as watcher:
            watcher.want(status)

    def downloads(self, job_id: str) -> tuple[Bin, ...]:
        """The download times that devices reported, as a histogram."""
        with self._watcher(job_id) as watcher:
            seconds = list(watcher.state.table.downloads())
        return histogram(seconds)

    def progress(self, job_id: str) -> Progress:
        """The counts over time."""
        with self._watcher(job_id) as watcher:
            points = list(watcher.progress.points)
        snapshot = self._snapshots.get(job_id)
        if points and snapshot is not None and not watcher.state.is_over:
            # Show also that nothing has changed since the last point.
            points.append((max(snapshot.at_ms, points[-1][0]), points[-1][1]))
        return Progress(points)

"""Watches a real job from both sources at once, for tests that require them to agree."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otactl.aws.event_configuration import enable_events
from otactl.aws.job_events import JobEvents
from otactl.aws.jobs import IotJobs
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.message_queue import MessageQueue
from otactl.monitor.watch import Watch
from otactl.monitor.watch_policy import WatchPolicy
from otactl.operations.clock import CommandClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otactl.aws.clients import AwsClients
    from otactl.model.snapshot import JobSnapshot
    from otactl.monitor.ports import Message

    Post = Callable[[Message], None]
    Fate = Callable[[Post], Post]

_DEADLINE_SECONDS = 90


@dataclass
class Watched:
    """One watch of a job, in a thread of its own."""

    clients: AwsClients
    watcher: JobWatcher
    message_queue: MessageQueue
    thread: threading.Thread | None = None
    shown: list[JobSnapshot] = field(default_factory=list)
    failure: BaseException | None = None

    @property
    def last(self) -> JobSnapshot:
        return self.shown[-1]

    def wait(self) -> JobSnapshot:
        """Wait until the watch has ended by itself."""
        self.thread.join(_DEADLINE_SECONDS)
        assert not self.thread.is_alive(), "the job was never over"
        if self.failure is not None:
            raise self.failure
        return self.last

    def wait_for(self, condition) -> JobSnapshot:
        """Wait until a snapshot is like this."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            found = next((one for one in reversed(self.shown) if condition(one)), None)
            if found is not None:
                return found
            time.sleep(0.05)
        raise AssertionError("no snapshot ever was like that")


def is_over(_job_id, snapshot) -> bool:
    """Nothing can change any more."""
    job = snapshot.job
    return job is not None and (
        snapshot.gone
        or (
            job.status in (JobStatus.COMPLETED, JobStatus.CANCELED)
            and not job.counts[ExecutionStatus.IN_PROGRESS]
        )
    )


@contextlib.contextmanager
def watching(
    clients: AwsClients,
    job_id: str,
    *,
    events: bool,
    policy: WatchPolicy | None = None,
    fate: Fate = lambda post: post,
) -> Iterator[Watched]:
    """Watch a job in the background; ``fate`` is what becomes of events on their way."""
    policy = policy or WatchPolicy(interval_seconds=0.5, details=1000, sample=1000)
    clock, message_queue = CommandClock(), MessageQueue()
    watched = Watched(clients, JobWatcher(job_id, IotJobs(clients), clock, policy), message_queue)
    watch = Watch(
        [watched.watcher],
        message_queue,
        clock,
        policy,
        on_snapshot=lambda _, snapshot: watched.shown.append(snapshot),
        is_over=is_over,
        expects_events=events,
    )

    def run() -> None:
        try:
            watch.run()
        except BaseException as error:  # noqa: BLE001 - raised in the test
            watched.failure = error

    with contextlib.ExitStack() as stack:
        if events:
            enable_events(clients)
            stack.enter_context(JobEvents(clients, [job_id], post=fate(message_queue.post)))
        watched.thread = threading.Thread(target=run, daemon=True)
        watched.thread.start()
        yield watched
        message_queue.stop()
        watched.thread.join(10)


def known(watched: Watched) -> dict[str, object]:
    """What must not depend on the source."""
    snapshot, table = watched.last, watched.watcher.state.table
    return {
        "status": snapshot.job.status,
        "counts": {status: snapshot.job.counts[status] for status in ExecutionStatus},
        "failures": [(group.status, group.reason, group.count) for group in snapshot.failures],
        "downloads": snapshot.download_seconds,
        "retries": snapshot.retries,
        "things": {
            name: (table.get(name).status, dict(table.get(name).status_details))
            for name in table.names
            if name
        },
    }

"""Builds a watch and runs it in a thread, while views show its board in others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from otactl.aws.event_configuration import NEEDED_EVENTS, enable_events, enabled_events
from otactl.aws.job_events import JobEvents
from otactl.aws.target_reader import RenewableReader
from otactl.deploy.watched_job import WatchedJob
from otactl.errors import OtactlError, UserMistake
from otactl.model.snapshot import JobSnapshot
from otactl.model.wave import Act
from otactl.monitor.board import Board
from otactl.monitor.followed import FollowedThings
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.message_queue import MessageQueue
from otactl.monitor.watch import Watch
from otactl.monitor.watch_policy import WatchPolicy
from otactl.operations.deciding import decide_at
from otactl.operations.watch.actions import WatchActions
from otactl.operations.watch.location import JobLocation
from otactl.rules.backoff import MAX_UNREACHABLE_SECONDS

#: How long to wait at the end for a running call to AWS.
_LEAVE_SECONDS = 2.0
_WAIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSession:
    """Everything needed to watch jobs.

    Attributes:
        watchers: One for each job, in the order of ``jobs``.
        board: Has the snapshots that the views show.
        actions: What the views offer.
        is_elsewhere: Whether awaited jobs began in another cloud; None if none are awaited.
    """

    location: JobLocation
    jobs: tuple[WatchedJob, ...]
    reader: RenewableReader
    watchers: tuple[JobWatcher, ...]
    board: Board
    message_queue: MessageQueue
    actions: WatchActions
    policy: WatchPolicy
    is_elsewhere: Callable[[], bool] | None = None

    @property
    def words(self) -> str:
        """Where the jobs are, for messages."""
        settings = self.location.clients.settings
        region = self.location.clients.region or "no region"
        return region if settings.endpoint_url is None else f"{region} at {settings.endpoint_url}"

    def failure(self) -> OtactlError | None:
        """The failure of the first job that failed."""
        for job in self.jobs:
            snapshot = self.board.snapshot(job.job_id)
            failure = None if snapshot is None else job.failure(snapshot, self.words)
            if failure is not None:
                return failure
        return None


def build_session(
    location: JobLocation,
    jobs: Sequence[WatchedJob],
    policy: WatchPolicy,
    *,
    followed: Sequence[str] = (),
    is_elsewhere: Callable[[], bool] | None = None,
) -> WatchSession:
    """Build a session; AWS is not called yet."""
    reader = RenewableReader(location.clients)
    watchers = tuple(
        JobWatcher(
            job.job_id,
            reader,
            location.clock,
            policy,
            things=job.things,
            rounds=job.rounds,
            gate=job.gate,
            followed=FollowedThings(followed) if followed else None,
            alarms=reader,
            alarm_names=job.alarm_names(),
        )
        for job in jobs
    )
    board = Board(watchers)
    message_queue = MessageQueue(location.speed)
    return WatchSession(
        location=location,
        jobs=tuple(jobs),
        reader=reader,
        watchers=watchers,
        board=board,
        message_queue=message_queue,
        actions=WatchActions(
            reader,
            board,
            location.clock,
            lambda: message_queue.post(None),
            decide=partial(_decide, location, {job.job_id: job for job in jobs}),
        ),
        policy=policy,
        is_elsewhere=is_elsewhere,
    )


def _decide(
    location: JobLocation, jobs: Mapping[str, WatchedJob], job_id: str, act: Act, comment: str
) -> str:
    """Record a decision at the gate of a wave, with the session's credentials."""
    journal = jobs[job_id].journal
    if journal is None:
        raise UserMistake(f"job {job_id} was not deployed from this machine")
    decision = decide_at(
        journal.path,
        act,
        clients=location.clients,
        now_ms=location.clock.now_ms(),
        wave=None,
        comment=comment,
    )
    return f"{decision.act} as {decision.identity}; the process that deploys or resumes acts on it"


@contextmanager
def watching(
    session: WatchSession, *, events: bool, gives_up: bool, thing_names: Sequence[str] = ()
) -> Iterator[None]:
    """Watch in another thread while the block runs; the board has the snapshots.

    Args:
        session: From ``build_session``.
        events: Whether to subscribe to events, which must be switched on.
        gives_up: Whether the watch ends if AWS is unreachable for MAX_UNREACHABLE_SECONDS.
        thing_names: Things that are followed.
    """
    by_id = {job.job_id: job for job in session.jobs}
    watch = Watch(
        session.watchers,
        session.message_queue,
        session.location.clock,
        session.policy,
        on_snapshot=session.board.put,
        is_over=lambda job_id, snapshot: by_id[job_id].is_over(snapshot),
        expects_events=events,
        renew=session.reader.renew,
        recorded_result=lambda job_id: by_id[job_id].recorded_result(),
        is_endpoint_gone=session.location.is_gone,
        is_elsewhere=session.is_elsewhere,
        max_unreachable_seconds=MAX_UNREACHABLE_SECONDS if gives_up else None,
    )
    with ExitStack() as stack:
        if events:
            source = JobEvents(
                session.location.clients,
                [job.job_id for job in session.jobs],
                post=session.message_queue.post,
                thing_names=thing_names,
                now_ms=session.location.clock.now_ms,
            )
            stack.enter_context(source)
        thread = threading.Thread(
            target=_run, args=(watch, session.board), name="watch", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            session.message_queue.stop()
            thread.join(_LEAVE_SECONDS)


def _run(watch: Watch, board: Board) -> None:
    try:
        watch.run()
    except BaseException as error:  # noqa: BLE001 - raised in the thread that waits for the board
        board.finish(error)
    else:
        board.finish()


def agree_on_events(location: JobLocation, ask: Callable[[str], bool]) -> bool:
    """Whether events are on, after asking the user to switch them on."""
    missing = [kind for kind in NEEDED_EVENTS if kind not in enabled_events(location.clients)]
    if not missing:
        return True
    if not ask(
        f"{' and '.join(missing)} events are off in this account and region. They cost one"
        " message each and stay on for all users. Switch them on?"
    ):
        return False
    enable_events(location.clients, missing)
    return True


def poll_once(session: WatchSession, extra_calls: int) -> dict[str, JobSnapshot]:
    """Poll each job once."""
    found = {}
    for job, watcher in zip(session.jobs, session.watchers, strict=True):
        watcher.poll(extra_calls=extra_calls)
        snapshot = watcher.snapshot()
        job.see(snapshot)
        session.board.put(job.job_id, snapshot)
        found[job.job_id] = snapshot
    return found


def snapshots(session: WatchSession) -> Iterator[JobSnapshot]:
    """Poll the jobs of a session to their end, and yield each new snapshot.

    Raises:
        OtactlError: AWS refused, or stayed unreachable.
    """
    board, version = session.board, -1
    last: dict[str, JobSnapshot | None] = {}
    with watching(session, events=False, gives_up=True):
        while True:
            version = board.wait(version, _WAIT_SECONDS)
            is_finished = board.is_finished
            for job_id in board.job_ids:
                snapshot = board.snapshot(job_id)
                if snapshot is not None and snapshot is not last.get(job_id):
                    last[job_id] = snapshot
                    yield snapshot
            if is_finished:
                if board.failure is not None:
                    raise board.failure
                return

"""Puts a watch together and runs it in a thread, while views show its board in others."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otactl.aws.event_configuration import NEEDED_EVENTS, enable_events, enabled_events
from otactl.aws.job_events import JobEvents
from otactl.aws.renewable_reader import RenewableReader
from otactl.cli.watching.actions import CommandActions
from otactl.monitor.board import Board
from otactl.monitor.followed import FollowedThings
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.message_queue import MessageQueue
from otactl.monitor.watch import Watch
from otactl.rules.backoff import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from otactl.cli.watching.place import Place
    from otactl.deploy.watched_job import WatchedJob
    from otactl.errors import OtactlError
    from otactl.model.snapshot import JobSnapshot
    from otactl.monitor.watch_policy import WatchPolicy

#: A call to AWS that is under way when the command ends is not waited for longer than this.
_LEAVE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRoom:
    """Everything a command that watches has at hand.

    Attributes:
        watchers: One for each job, in the order of ``subjects``.
        board: What the views read.
        actions: What they may ask for.
        is_elsewhere: Given when jobs are waited for: whether they began in another cloud.
    """

    place: Place
    subjects: tuple[WatchedJob, ...]
    reader: RenewableReader
    watchers: tuple[JobWatcher, ...]
    board: Board
    message_queue: MessageQueue
    actions: CommandActions
    policy: WatchPolicy
    is_elsewhere: Callable[[], bool] | None = None

    @property
    def words(self) -> str:
        """Where is looked, for messages."""
        settings = self.place.clients.settings
        region = self.place.clients.region or "no region"
        return region if settings.endpoint_url is None else f"{region} at {settings.endpoint_url}"

    def failure(self) -> OtactlError | None:
        """How the jobs failed: the first one that did."""
        for subject in self.subjects:
            snapshot = self.board.snapshot(subject.job_id)
            failure = None if snapshot is None else subject.failure(snapshot, self.words)
            if failure is not None:
                return failure
        return None


def furnish(
    place: Place,
    subjects: Sequence[WatchedJob],
    policy: WatchPolicy,
    *,
    followed: Sequence[str] = (),
    is_elsewhere: Callable[[], bool] | None = None,
) -> WatchRoom:
    """Put everything together; nothing is called yet."""
    reader = RenewableReader(place.clients)
    watchers = tuple(
        JobWatcher(
            subject.job_id,
            reader,
            place.clock,
            policy,
            things=subject.things,
            rounds=subject.rounds,
            followed=FollowedThings(followed) if followed else None,
            alarms=reader,
            alarm_names=subject.alarm_names(),
        )
        for subject in subjects
    )
    board = Board(watchers)
    message_queue = MessageQueue(place.speed)
    return WatchRoom(
        place=place,
        subjects=tuple(subjects),
        reader=reader,
        watchers=watchers,
        board=board,
        message_queue=message_queue,
        actions=CommandActions(reader, board, place.clock, lambda: message_queue.post(None)),
        policy=policy,
        is_elsewhere=is_elsewhere,
    )


@contextmanager
def watching(
    room: WatchRoom, *, events: bool, gives_up: bool, thing_names: Sequence[str] = ()
) -> Iterator[None]:
    """Watch in another thread for as long as the block lasts; the board shows it.

    Args:
        room: From ``furnish``.
        events: Whether to listen to events, which must be switched on.
        gives_up: Whether AWS staying away for long ends the watch.
        thing_names: Things that are followed.
    """
    by_id = {subject.job_id: subject for subject in room.subjects}
    watch = Watch(
        room.watchers,
        room.message_queue,
        room.place.clock,
        room.policy,
        on_snapshot=room.board.put,
        is_over=lambda job_id, snapshot: by_id[job_id].is_over(snapshot),
        expects_events=events,
        renew=room.reader.renew,
        last_word=lambda job_id: by_id[job_id].last_word(),
        is_place_gone=room.place.is_gone,
        is_elsewhere=room.is_elsewhere,
        patience_seconds=PATIENCE_SECONDS if gives_up else None,
    )
    with ExitStack() as stack:
        if events:
            source = JobEvents(
                room.place.clients,
                [subject.job_id for subject in room.subjects],
                post=room.message_queue.post,
                thing_names=thing_names,
                now_ms=room.place.clock.now_ms,
            )
            stack.enter_context(source)
        thread = threading.Thread(target=_run, args=(watch, room.board), name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            room.message_queue.stop()
            thread.join(_LEAVE_SECONDS)


def _run(watch: Watch, board: Board) -> None:
    try:
        watch.run()
    except BaseException as error:  # noqa: BLE001 - told in the thread that waits for the board
        board.finish(error)
    else:
        board.finish()


def agree_on_events(place: Place, ask: Callable[[str], bool]) -> bool:
    """Whether events come: they are on, or the user agrees to switch them on.

    Args:
        place: Where.
        ask: Puts a question to the user.
    """
    missing = [kind for kind in NEEDED_EVENTS if kind not in enabled_events(place.clients)]
    if not missing:
        return True
    if not ask(
        f"{' and '.join(missing)} events are off in this account and region. They cost one"
        " message each and stay on for everybody. Switch them on?"
    ):
        return False
    enable_events(place.clients, missing)
    return True


def first_look(room: WatchRoom, extra_calls: int) -> dict[str, JobSnapshot]:
    """Look at each job once, and say how it stands."""
    found = {}
    for subject, watcher in zip(room.subjects, room.watchers, strict=True):
        watcher.look(extra_calls=extra_calls)
        snapshot = watcher.snapshot()
        subject.see(snapshot)
        room.board.put(subject.job_id, snapshot)
        found[subject.job_id] = snapshot
    return found

"""What a job of 100,000 executions costs the monitor: microseconds, milliseconds, bytes.

    python benchmarks/monitor_size.py [THINGS]

Events are fed as the broker delivers them, topic and bytes, into the parts the command is made of:
the decoder, the watcher, the watch with its messages, the board, the frame of a terminal, the page
behind its guard, asked over loopback. Two of a hundred things fail. Part of ``monitor.py``.
"""

from __future__ import annotations

import gc
import json
import random
import statistics
import sys
import threading
import time
import tracemalloc
from collections import Counter
from http.client import HTTPConnection
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.deploy.watched_job import WatchedJob
from otactl.model.progress import Source
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.message_queue import MessageQueue
from otactl.monitor.ports import Connected
from otactl.monitor.table_query import SortBy, TableQuery
from otactl.monitor.watch import Watch
from otactl.monitor.watch_policy import WatchPolicy
from otactl.operations.clock import CommandClock
from otactl.operations.watch.location import JobLocation
from otactl.operations.watch.session import build_session
from otactl.views.monitor_terminal.frame import draw
from otactl.views.monitor_terminal.screen import Mode, Screen
from otactl.views.page.server import serving_page
from otactl.views.snapshot_fields import snapshot_fields
from otactl.wire.job_event import decode_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from otactl.model.snapshot import JobSnapshot
    from otactl.operations.watch.session import WatchSession
    from otactl.wire.job_event import ExecutionEvent

JOB = "large"
THINGS = 100_000
ONE_FAILS_IN = 50
WIDTH, HEIGHT = 120, 40
REPEATS = 7
MIB = 1024 * 1024
PACED_SECONDS = 5


def a_job(things: int, now_ms: int, ended: Iterable[ExecutionEvent] = ()) -> JobDescription:
    """A job of an hour ago as DescribeJob shows it when so much has ended."""
    counts = Counter(event.status for event in ended if event.status is not None)
    counts[ExecutionStatus.QUEUED] = things - counts.total()
    return JobDescription(
        job_id=JOB,
        status=JobStatus.IN_PROGRESS,
        counts=JobCounts(counts),
        created_at_ms=now_ms - 3_600_000,
    )


def messages(
    things: int, at_ms: int, *, first: int = 0, hostile: bool = False
) -> Iterator[tuple[str, bytes]]:
    """The events of so many executions, as the broker delivers them.

    Args:
        things: How many, each of another thing.
        at_ms: When they ended.
        first: The number of the first thing.
        hostile: Whether all fail, each for a reason of its own, in as many words as AWS takes.
    """
    order = list(range(first, first + things))
    random.Random(1).shuffle(order)  # noqa: S311  # no secret hangs on it
    for number in order:
        fails = hostile or number % ONE_FAILS_IN == 0
        event = "failed" if fails else "succeeded"
        details = {"downloadTime": f"{20 + number % 977 / 10}", "retryCount": str(number % 3)}
        if fails:
            details["reason"] = ("flash full", "bad signature", "block 4711 never came")[number % 3]
        if hostile:
            words = f"{number:b}".replace("0", "no ").replace("1", "yes ")
            details = {f"{each}-{words}"[:128]: words * 20 for each in range(9)}
            details["reason"] = f"{words}, whatever you say. " * 20
        fields = {
            "eventType": "JOB_EXECUTION",
            "eventId": f"{number:032x}",
            "timestamp": at_ms // 1000,
            "operation": event,
            "jobId": JOB,
            "thingArn": f"arn:aws:iot:eu-west-1:123456789012:thing/thing-{number:07}",
            "status": event.upper(),
            "statusDetails": details,
        }
        yield f"$aws/events/jobExecution/{JOB}/{event}", json.dumps(fields).encode()


class OneJob:
    """A service that knows one job, whose counts it is told."""

    def __init__(self, job: JobDescription) -> None:
        self.job = job

    def describe(self, _job_id: str) -> JobDescription:
        """The job."""
        return self.job


def watcher_of(things: int) -> JobWatcher:
    """A watcher that has looked at the job once."""
    clock = CommandClock()
    reader = OneJob(a_job(things, clock.now_ms()))
    watcher = JobWatcher(JOB, reader, clock, WatchPolicy(), things=lambda: things)  # type: ignore[arg-type]  # it lists nothing
    watcher.poll(extra_calls=0)
    return watcher


def milliseconds(act: Callable[[], object]) -> float:
    """The median of a few runs."""
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def notify(name: str, figure: str) -> None:
    """One line."""
    print(f"  {name:<58} {figure:>12}", flush=True)


def require(watcher: JobWatcher, things: int) -> None:
    """What was measured must have happened."""
    if len(watcher.state.table) != things:
        raise SystemExit(f"{len(watcher.state.table):,} things are known, not {things:,}")


def update_events(things: int) -> None:
    """Decoding and taking in, event by event, first and last tenth apart."""
    now_ms = time.time_ns() // 1_000_000
    received = list(messages(things, now_ms))
    watcher = watcher_of(things)
    decoded, spent = [], []
    begun = time.perf_counter()
    for topic, body in received:
        decoded.append(decode_event(topic, body))
    decoding = time.perf_counter() - begun
    for first in range(0, things, things // 10):
        begun = time.perf_counter()
        for event in decoded[first : first + things // 10]:
            watcher.take(event)  # type: ignore[arg-type]  # all are events
        spent.append((time.perf_counter() - begun) / (things // 10))
    require(watcher, things)
    notify("decode one event", f"{decoding / things * 1e6:.1f} us")
    notify("take one event in: the first tenth", f"{spent[0] * 1e6:.1f} us")
    notify("take one event in: the last tenth", f"{spent[-1] * 1e6:.1f} us")
    notify("one snapshot when nothing moved", f"{milliseconds(watcher.snapshot):.2f} ms")

    more = (decode_event(topic, body) for topic, body in messages(200, now_ms, first=things))

    def moved() -> None:
        for event in islice(more, 20):
            watcher.take(event)  # type: ignore[arg-type]  # all are events
        watcher.snapshot()

    notify("one snapshot after 20 more events", f"{milliseconds(moved):.1f} ms")
    require(watcher, things + 20 * REPEATS)


def watch_events(things: int, pace: int) -> None:
    """The whole loop, when a large job is nearly over: so many events a second, one by one."""
    clock, message_queue = CommandClock(), MessageQueue()
    last = pace * PACED_SECONDS
    stream = messages(things, clock.now_ms())
    events: list[ExecutionEvent] = [decode_event(topic, body) for topic, body in stream]  # type: ignore[misc]  # all are events of executions
    reader = OneJob(a_job(things, clock.now_ms(), events[:-last]))
    shown: list[tuple[float, float]] = []
    watcher = JobWatcher(JOB, reader, clock, WatchPolicy(), things=lambda: things)  # type: ignore[arg-type]  # it lists nothing
    for event in events[:-last]:
        watcher.take(event)

    def is_over(_job_id: str, snapshot: JobSnapshot) -> bool:
        if snapshot.source is Source.EVENTS and poster.ident is None:
            # Everything that is done once is done.
            poster.start()
        shown.append((time.perf_counter(), time.process_time()))
        return len(watcher.state.table) == things

    watch = Watch(
        [watcher],
        message_queue,
        clock,
        WatchPolicy(),
        on_snapshot=lambda *_: None,
        is_over=is_over,
        expects_events=True,
    )
    message_queue.post(Connected())

    began: list[float] = []

    def post() -> None:
        begun = time.perf_counter()
        began.append(begun)
        for number, event in enumerate(events[-last:]):
            time.sleep(max(0.0, begun + number / pace - time.perf_counter()))
            message_queue.post(event)

    poster = threading.Thread(target=post, daemon=True)
    watch.run()
    shown = [each for each in shown if each[0] >= began[0]]
    seconds, used = (last - first for first, last in zip(shown[0], shown[-1], strict=True))
    notify(f"{pace} events a second: processor, snapshots included", f"{used / seconds:.0%}")
    notify("  snapshots made meanwhile", f"{len(shown)} in {seconds:.1f} s")


def filled(things: int, *, hostile: bool = False) -> JobWatcher:
    """A watcher that has taken in every event."""
    watcher = watcher_of(things)
    for topic, body in messages(things, time.time_ns() // 1_000_000, hostile=hostile):
        watcher.take(decode_event(topic, body))  # type: ignore[arg-type]  # all are events
    require(watcher, things)
    return watcher


def a_room() -> WatchSession:
    """What the command puts together for one job; nobody is asked."""
    nobody = AwsSettings(region="eu-west-1", access_key_id="a", secret_access_key="b")  # noqa: S106  # no secret
    location = JobLocation(clients=AwsClients(nobody), clock=CommandClock())
    return build_session(location, [WatchedJob(JOB)], WatchPolicy())


def views(things: int) -> None:
    """What people wait for: a page of the table, a frame of the terminal, an answer of the page."""
    height = a_room()
    (watcher,) = height.watchers
    source = filled(things)
    watcher.state, watcher.progress = source.state, source.progress
    board = height.board
    board.put(JOB, watcher.snapshot())
    queries = {
        "all, by name": TableQuery(),
        "the failures, by name": TableQuery(statuses=frozenset((ExecutionStatus.FAILED,))),
        "all, by time": TableQuery(sort=SortBy.UPDATED, descending=True),
        "all, searched for a name": TableQuery(search="0042"),
    }
    for name, query in queries.items():
        taken = milliseconds(lambda query=query: board.things(JOB, query))  # type: ignore[misc]  # bound
        notify(f"a page of the table: {name}", f"{taken:.1f} ms")
    screens = {
        "the overview": Screen(),
        "the list of all": Screen(mode=Mode.THINGS),
        "the list of failures": Screen(mode=Mode.THINGS, status=ExecutionStatus.FAILED),
    }
    for name, screen in screens.items():
        taken = milliseconds(lambda screen=screen: draw(board, screen, width=WIDTH, height=HEIGHT))  # type: ignore[misc]  # bound
        notify(f"a frame of the terminal: {name}", f"{taken:.1f} ms")
    with serving_page(height.board, height.actions, 0) as address:
        for name, path in {
            "the table": f"things?job={JOB}&limit=50",
            "the table, searched": f"things?job={JOB}&limit=50&search=0042",
            "progress over time, drawn": f"chart/progress?job={JOB}&width=640",
            "download times, drawn": f"chart/downloads?job={JOB}&width=640",
        }.items():
            taken = milliseconds(lambda path=path: fetch(address + path))  # type: ignore[misc]  # bound
            notify(f"an answer of the page: {name}", f"{taken:.1f} ms")
        taken = milliseconds(lambda: first_message(address))
        notify("an answer of the page: the first message of its stream", f"{taken:.1f} ms")


def fetch(url: str) -> bytes:
    """Ask the page."""
    location = urlsplit(url)
    connection = HTTPConnection(location.hostname or "", location.port, timeout=30)
    connection.request("GET", f"{location.path}?{location.query}")
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"the page answered {answer.status} to {location.path}")
    return body


def first_message(address: str) -> int:
    """The bytes of the first snapshot that the stream of the page tells."""
    location = urlsplit(address)
    connection = HTTPConnection(location.hostname or "", location.port, timeout=30)
    connection.request("GET", f"{location.path}events")
    answer = connection.getresponse()
    line = next(line for line in iter(answer.readline, b"") if line.startswith(b"data:"))
    connection.close()
    return len(line)


def memory(things: int) -> None:
    """Bytes a thing takes, at most, and how long a message is that tells how the job stands."""
    ways = {"as devices report": False, "all fail, each with 10 KB of its own": True}
    for name, hostile in ways.items():
        gc.collect()
        tracemalloc.start()
        watcher = filled(things, hostile=hostile)
        gc.collect()
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        notify(f"memory, {name}", f"{used / MIB:.0f} MiB")
        notify("  of each thing", f"{used / things:,.0f} bytes")
        height = a_room()
        (height.watchers[0].state, height.watchers[0].progress) = (watcher.state, watcher.progress)
        height.board.put(JOB, watcher.snapshot())
        with serving_page(height.board, height.actions, 0) as address:
            notify("  a message of the page's stream", f"{first_message(address):,} bytes")
        line = json.dumps(snapshot_fields(JOB, watcher.snapshot()))
        notify("  a line of --follow", f"{len(line):,} bytes")


def measure(things: int) -> None:
    """Everything, printed."""
    print(f"{things:,} executions, one of {ONE_FAILS_IN} failed", flush=True)
    update_events(things)
    watch_events(things, 20)
    watch_events(things, 500)
    views(things)
    memory(things)


def main() -> None:
    """Measure as many as was said."""
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else THINGS)


if __name__ == "__main__":
    main()

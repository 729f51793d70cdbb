"""What watching costs: API calls for 1,000 things, and time and memory for 100,000 executions.

    python benchmarks/monitor.py [THINGS [EXECUTIONS]]

The calls are those of the watch that `otactl monitor` runs, against a local cloud, counted where
they leave the process (``aws.clients.CallCounter``), retries included. 20 looks each:

- nothing moves;
- all things finish, spread over the looks, one of ten by failing;
- all things finish between the first look and the second;
- events are on: nothing is asked after the start, while all things finish;
- beside them what one call per thing and look would cost, of which one look is really made.

How long a job of 100,000 executions takes is measured by ``monitor_size.py``, which runs next.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import monitor_size
from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.event_configuration import enable_events
from otactl.aws.job_events import JobEvents
from otactl.aws.jobs import IotJobs
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.model.progress import Source
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.message_queue import MessageQueue
from otactl.monitor.watch import Watch
from otactl.monitor.watch_policy import WatchPolicy
from otactl.operations.clock import CommandClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.model.snapshot import JobSnapshot

THINGS = 1000
LOOKS = 20
EXTRA_CALLS = 5
#: AWS answers so many calls of one kind a second for a whole account (aws-facts, quotas of Jobs).
CALLS_PER_SECOND = 10
GROUP = "benchmark"


class Site:
    """A local cloud with things, and jobs for all of them."""

    def __init__(self, clients: AwsClients, count: int) -> None:
        self.clients = clients
        self.names = [f"thing-{number:04}" for number in range(count)]
        iot = clients.iot
        self.group_arn = iot.create_thing_group(thingGroupName=GROUP)["thingGroupArn"]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._make, self.names))

    def _make(self, name: str) -> None:
        self.clients.iot.create_thing(thingName=name)
        self.clients.iot.add_thing_to_thing_group(thingName=name, thingGroupName=GROUP)

    def job(self, job_id: str) -> str:
        """A job for all things, of which all are notified."""
        document = json.dumps({"command": "fota"})
        self.clients.iot.create_job(jobId=job_id, targets=[self.group_arn], document=document)
        while True:
            details = self.clients.iot.describe_job(jobId=job_id)["job"]["jobProcessDetails"]
            if details["numberOfQueuedThings"] == len(self.names):
                return job_id
            time.sleep(0.2)

    def finish(self, job_id: str, names: list[str]) -> None:
        """Let things end their executions: one of ten fails."""

        def one(name: str) -> None:
            fails = name.endswith("7")
            details = {"reason": "flash full"} if fails else {"downloadTime": "2.5"}
            self.clients.iot_jobs_data.update_job_execution(
                jobId=job_id,
                thingName=name,
                status="FAILED" if fails else "SUCCEEDED",
                statusDetails=details,
            )

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, names))


@dataclass
class Watching:
    """One watch of a job, with its own clients: what it asks is all that they count."""

    site: Site
    job_id: str
    policy: WatchPolicy
    clock: CommandClock = field(default_factory=CommandClock)
    message_queue: MessageQueue = field(default_factory=MessageQueue)
    shown: list[JobSnapshot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clients = AwsClients(self.site.clients.settings)
        self.watcher = JobWatcher(
            self.job_id, IotJobs(self.clients), self.clock, self.policy, things=lambda: THINGS
        )

    @property
    def calls(self) -> Counter[str]:
        """What was asked so far, by operation."""
        return Counter(self.clients.calls.snapshot())

    def watch(
        self, is_over: Callable[[str, JobSnapshot], bool], *, expects_events: bool = False
    ) -> Watch:
        """The watch, not begun."""
        return Watch(
            [self.watcher],
            self.message_queue,
            self.clock,
            self.policy,
            on_snapshot=lambda _, snapshot: self.shown.append(snapshot),
            is_over=is_over,
            expects_events=expects_events,
        )


def poll(site: Site, job_id: str, between: Callable[[int], None]) -> Watching:
    """Look so many times; something happens between any two looks. Tells what each look cost."""
    watching = Watching(site, site.job(job_id), WatchPolicy(interval_seconds=3600))
    spent: list[int] = []

    def is_over(_job_id: str, _snapshot: JobSnapshot) -> bool:
        total = watching.calls.total()
        if total == sum(spent):
            return False  # shown once more, without a look
        spent.append(total - sum(spent))
        if len(spent) == LOOKS:
            return True
        between(len(spent))
        watching.message_queue.post(None)  # look now
        return False

    watching.watch(is_over).run()
    notify(f"calls of {LOOKS} looks", f"{sum(spent)}")
    notify("  of the look that cost most", f"{max(spent)}")
    closing = watching.calls.total() - sum(spent)
    if closing:
        notify("  afterwards, to complete the picture of a job that is over", f"{closing}")
    if max(spent) > 1 + EXTRA_CALLS:
        raise SystemExit("a look cost more than it may")
    return watching


def require(watching: Watching, finished: int) -> None:
    """What was shown last must be what happened."""
    counts = watching.shown[-1].job.counts if watching.shown[-1].job else None
    if counts is None or counts.terminal != finished:
        raise SystemExit(f"it knows of {counts}, and {finished} have finished")


def polling(site: Site) -> None:
    """The three ways to poll."""
    count = len(site.names)
    print(f"polling, {count:,} things, {LOOKS} looks: nothing moves")
    watching = poll(site, "still", lambda _poll: None)
    require(watching, 0)
    if watching.calls != {"iot:DescribeJob": LOOKS}:
        raise SystemExit(f"it asked {watching.calls}")

    print("polling: all finish, a twentieth between any two looks")
    share = -(-count // (LOOKS - 1))
    watching = poll(
        site,
        "spread",
        lambda poll: site.finish("spread", site.names[(poll - 1) * share : poll * share]),
    )
    require(watching, count)

    print("polling: all finish between the first look and the second")
    watching = poll(
        site, "burst", lambda poll: site.finish("burst", site.names) if poll == 1 else None
    )
    require(watching, count)


def events(site: Site) -> None:
    """With events on."""
    print("events: all finish")
    enable_events(site.clients)
    watching = Watching(site, site.job("told"), WatchPolicy())
    at_start: Counter[str] = Counter()

    def is_over(_job_id: str, snapshot: JobSnapshot) -> bool:
        if snapshot.source is Source.EVENTS and not at_start:
            at_start.update(watching.calls)
            threading.Thread(target=site.finish, args=("told", site.names), daemon=True).start()
        return snapshot.job is not None and snapshot.job.status is JobStatus.COMPLETED

    listening = JobEvents(watching.clients, ["told"], post=watching.message_queue.post)
    with listening:
        watching.watch(is_over, expects_events=True).run()
    require(watching, len(site.names))
    last = watching.shown[-1]
    notify("calls at the start", f"{at_start.total()}")
    notify("calls after the start", f"{(watching.calls - at_start).total()}")
    notify("  what failed, by reason", f"{sum(group.count for group in last.failures)}")
    notify("  download times known", f"{last.download_seconds.count}")
    if watching.calls != at_start:
        raise SystemExit(f"it asked {watching.calls - at_start}")


def quiet(site: Site) -> None:
    """With events on, and nothing happening: now and then somebody must ask whether it is so."""
    print(f"events: nothing moves, for {LOOKS} intervals of 5 s and for an hour")
    speed = 360.0
    watching = Watching(
        site,
        site.job("quiet"),
        WatchPolicy(),
        clock=CommandClock(speed=speed),
        message_queue=MessageQueue(speed),
    )
    calls_at: dict[int, int] = {}
    begun_ms = 0

    def is_over(_job_id: str, snapshot: JobSnapshot) -> bool:
        nonlocal begun_ms
        if snapshot.source is not Source.EVENTS:
            return False
        begun_ms = begun_ms or snapshot.at_ms
        seconds = (snapshot.at_ms - begun_ms) // 1000
        for limit in (0, LOOKS * 5, 3600):
            if seconds >= limit:
                calls_at.setdefault(limit, watching.calls.total())
        return seconds >= 3600

    with JobEvents(watching.clients, ["quiet"], post=watching.message_queue.post):
        watching.watch(is_over, expects_events=True).run()
    for limit in (LOOKS * 5, 3600):
        notify(f"calls in {limit:,} s", f"{calls_at[limit] - calls_at[0]}")


def per_thing(site: Site) -> None:
    """One look that asks about each thing."""
    count = len(site.names)
    print("beside it: one call per thing and look, as the manual's monitor.py makes them")
    clients = AwsClients(site.clients.settings)
    jobs = IotJobs(clients)
    begun = time.perf_counter()
    jobs.describe("still")
    found = [jobs.execution("still", name) for name in site.names]
    seconds = time.perf_counter() - begun
    if any(one is None or one.status is not ExecutionStatus.QUEUED for one in found):
        raise SystemExit("some things were not found")
    calls = Counter(clients.calls.snapshot()).total()
    notify("calls of one look, made", f"{calls:,}")
    notify("  it took here", f"{seconds:.1f} s")
    notify(
        f"  it takes at least, at {CALLS_PER_SECOND} calls a second",
        f"{count / CALLS_PER_SECOND:.0f} s",
    )
    notify(f"calls of {LOOKS} looks, computed", f"{calls * LOOKS:,}")
    notify("  to those of polling when nothing moves", f"{calls:,} : 1")


def notify(name: str, figure: str) -> None:
    """One line."""
    print(f"  {name:<58} {figure:>12}", flush=True)


def main() -> None:
    """Count the calls, then measure the size."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else THINGS
    size = int(sys.argv[2]) if len(sys.argv) > 2 else monitor_size.THINGS
    with start_local_cloud(CloudSettings(log_level="WARNING")) as cloud:
        site = Site(AwsClients(AwsSettings.for_local_cloud(cloud.address)), count)
        polling(site)
        events(site)
        quiet(site)
        per_thing(site)
    monitor_size.measure(size)


if __name__ == "__main__":
    main()

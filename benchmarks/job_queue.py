"""What a claim costs, beside the manual's way: query, delete, put.

    python benchmarks/job_queue.py [REQUESTS] [WORKERS]

Both empty a table on the local cloud, alone and with several workers, with no deployment in
between: claim and record as otactl does; query, delete and put as the manual's script does, without
conditions. Then otactl again with a third of all calls to DynamoDB throttled. Counted are requests
taken twice, requests lost when a worker dies in the middle of every 50th, and the capacity units
that DynamoDB charges (the local cloud computes them by AWS's rules).
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.queue_item import item_of
from otactl.aws.queue_setup import TableSettings, make_table
from otactl.aws.queue_table import DynamoRequestTable
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.claiming import Claimer
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.order import Priority, job_id_of, new_stamp, order_key
from otactl.jobqueue.request import JobRequest, Outcome, Targets
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.stored_file import FileRole, StoredFile, release_key
from otactl.jobqueue.target_set import TargetSet
from otactl.operations.clock import CommandClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.cloud import RunningCloud

#: In the middle of how many requests one worker dies.
ONE_DIES_IN = 50
POLICY = LeasePolicy(lease_ms=3_000, max_attempts=10)


@dataclass
class Figures:
    """What one run came to."""

    seconds: float = 0.0
    taken: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    deaths: int = 0

    def watch(self, clients: AwsClients, *, throttle: float = 0.0) -> None:
        """Count what a client's calls to DynamoDB cost, and throttle a share of them."""
        events = clients.dynamodb.meta.events
        chance = random.Random(1)  # noqa: S311  # no secret hangs on it

        def ask(params: dict[str, Any], model: Any, **_: Any) -> None:
            if "ReturnConsumedCapacity" in model.input_shape.members:
                params["ReturnConsumedCapacity"] = "TOTAL"

        def count(parsed: dict[str, Any], model: Any, **_: Any) -> None:
            self.calls[model.name] += 1
            if "CancellationReasons" in parsed:
                self.calls["…of which cancelled"] += 1
            reported = parsed.get("ConsumedCapacity", [])
            reads = model.name in ("Query", "GetItem", "BatchGetItem")
            for each in reported if isinstance(reported, list) else [reported]:
                self.units["read" if reads else "write"] += each["CapacityUnits"]

        def refuse(request: Any, **_: Any) -> AWSResponse | None:
            if chance.random() >= throttle:
                return None
            self.throttled += 1
            kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
            body = f'{{"__type":"{kind}","message":"too fast"}}'.encode()
            return _answer(request.url, body)

        events.register("before-parameter-build.dynamodb", ask)
        events.register("after-call.dynamodb", count)
        events.register("before-send.dynamodb", refuse)


def _answer(url: str, body: bytes) -> AWSResponse:
    class Raw:
        def stream(self, *_: Any, **__: Any) -> Any:
            yield body

    return AWSResponse(url, 400, {}, Raw())


def requests(count: int) -> list[JobRequest]:
    """So many pending requests, each for ten things of its own."""
    now_ms = time.time_ns() // 1_000_000
    made = []
    for number in range(count):
        key = order_key(new_stamp(now_ms + number, number.to_bytes(3, "big")), Priority.NORMAL)
        job_id = job_id_of(key)
        files = {
            role: StoredFile(
                key=release_key(role, job_id, "file.bin"), sha256="0" * 64, size_bytes=100_000
            )
            for role in (FileRole.IMAGE, FileRole.CONFIGURATION, FileRole.THING_LIST)
        }
        things = TargetSet.of(f"thing-{number}-{each}" for each in range(10))
        made.append(
            JobRequest(
                job_id=job_id,
                order_key=key,
                state=RequestState.PENDING,
                bucket="bucket",
                image=files[FileRole.IMAGE],
                configuration=files[FileRole.CONFIGURATION],
                thing_list=files[FileRole.THING_LIST],
                targets=Targets(count=10, inline=things.packed),
            )
        )
    return made


class InlineTargets:
    """Knows whom requests are for: what their items say."""

    def targets_of(self, request: JobRequest) -> TargetSet:
        """The targets in the item."""
        return TargetSet((request.targets.inline or b"") if request.targets else b"")


def ours(clients: AwsClients, name: str, figures: Figures, worker: int) -> None:
    """Claim and record until nothing is left; die now and then in between."""
    table = DynamoRequestTable(clients, name)
    clock = CommandClock()
    claimer = Claimer(
        table, InlineTargets(), clock,
        owner=f"worker-{worker}", policy=POLICY, draw=random.random,
    )  # fmt: skip
    while True:
        request = claimer.claim()
        if request is None:
            if not table.active().requests:
                return
            time.sleep(0.2)
            continue
        if request.attempt == 1 and dies(request.job_id):
            figures.deaths += 1
            continue
        figures.taken[request.job_id] += 1
        with suppress(LeaseLost):
            held = ClaimedRequest(table, request, clock, POLICY)
            held.succeed(Outcome(things=10, succeeded=10, rounds=1))


def manual(clients: AwsClients, name: str, figures: Figures, _worker: int) -> None:
    """Query, delete, put: as the manual's script does it."""
    dynamodb = clients.dynamodb
    while True:
        found = dynamodb.query(
            TableName=name,
            KeyConditionExpression="jobStatus = :s",
            ExpressionAttributeValues={":s": {"S": "PendingDeployment"}},
            Limit=1,
        )["Items"]
        if not found:
            return
        item = found[0]
        job_id = item["jobId"]["S"]
        key = {each: item[each] for each in ("jobStatus", "timestamp")}
        dynamodb.delete_item(TableName=name, Key=key)
        if dies(job_id) and not figures.taken[job_id]:
            figures.deaths += 1
            continue
        figures.taken[job_id] += 1
        dynamodb.put_item(TableName=name, Item=item | {"jobStatus": {"S": "Deployed"}})


def dies(job_id: str) -> bool:
    """Whether the first worker on a request dies."""
    return int(job_id[-6:], 16) % ONE_DIES_IN == ONE_DIES_IN - 1


def measure(
    cloud: RunningCloud,
    title: str,
    way: Callable[[AwsClients, str, Figures, int], None],
    *,
    count: int,
    workers: int,
    throttle: float = 0.0,
) -> Figures:
    """Let workers empty a table, and say what it took."""
    name = "queue-" + "".join(sign for sign in title if sign.isalnum())
    settings = AwsSettings.for_local_cloud(cloud.address, max_attempts=12)
    setup = AwsClients(settings)
    make_table(setup, TableSettings(name=name))
    made = requests(count)
    for start in range(0, count, 25):
        batch = [{"PutRequest": {"Item": item_of(each)}} for each in made[start : start + 25]]
        setup.dynamodb.batch_write_item(RequestItems={name: batch})
    figures = Figures()
    threads = []
    for number in range(workers):
        clients = AwsClients(settings)
        figures.watch(clients, throttle=throttle)
        threads.append(threading.Thread(target=way, args=(clients, name, figures, number)))
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures.seconds = time.perf_counter() - started
    notify(title, figures, made)
    return figures


def notify(title: str, figures: Figures, made: list[JobRequest]) -> None:
    """Print the figures of a run."""
    count = len(made)
    twice = sum(1 for times in figures.taken.values() if times > 1)
    lost = sum(1 for each in made if not figures.taken[each.job_id])
    print(f"{title}")
    print(f"  {count / figures.seconds:6.1f} requests/s, {figures.seconds:.1f} s for {count}")
    print(
        f"  {figures.units['read'] / count:6.2f} read and {figures.units['write'] / count:.2f}"
        f" write units per request, done transactions and other calls"
    )
    calls = ", ".join(f"{name} {number}" for name, number in figures.calls.most_common())
    print(f"  calls answered: {calls}; throttled: {figures.throttled}")
    print(f"  {figures.deaths} workers died: {lost} requests lost, {twice} taken twice", flush=True)


def main() -> None:
    """Run them all."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    with start_local_cloud(CloudSettings(log_level="WARNING")) as cloud:

        def run(
            title: str,
            way: Callable[[AwsClients, str, Figures, int], None],
            size: int,
            throttle: float = 0,
        ) -> Figures:
            return measure(
                cloud, title, way,
                count=count // 5 if throttle else count, workers=size, throttle=throttle,
            )  # fmt: skip

        mine = run("otactl, one worker", ours, 1)
        theirs = run("manual, one worker", manual, 1)
        many = run(f"otactl, {workers} workers", ours, workers)
        manual_many = run(f"manual, {workers} workers", manual, workers)
        run(f"otactl, {workers} workers, a third of all calls throttled", ours, workers, 1 / 3)
    for kind in ("read", "write"):
        ratio = mine.units[kind] / theirs.units[kind]
        print(f"{kind} units of one worker, otactl to manual: {ratio:.1f}")
    print(f"throughput of one worker, otactl to manual: {theirs.seconds / mine.seconds:.2f}")
    print(f"of {workers} workers: {manual_many.seconds / many.seconds:.2f}")


if __name__ == "__main__":
    main()

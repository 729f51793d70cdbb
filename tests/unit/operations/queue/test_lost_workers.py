"""Workers lost at any instant: the next one, on another machine, brings waves to the same end.

Nothing of a lost worker's machine is there: only the request's item, its checkpoint and its file of
waves. Each visit to a gate is a machine of its own, too. The engine and the keeper of checkpoints
are the real ones, AWS IoT, the table and the bucket are in memory, so that every instant there is
can be died at: those of the observer, and before and after each object that is written.
"""

from __future__ import annotations

import hashlib

import pytest
from tests.support.memory_queue import MemoryTable, request_for
from tests.unit.deploy.test_waves_killed import (
    SCENARIOS,
    Killed,
    Killer,
    began,
    remember_began,
    site_of,
)

from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal
from otactl.deploy.step_run import WaitOptions
from otactl.deploy.targeting import deal_again
from otactl.errors import GateFailed, GateWaits
from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.stored_file import StoredFile
from otactl.jobqueue.transition import taken
from otactl.model.thing_list import ThingList
from otactl.operations.queue.checkpoint import (
    Checkpoint,
    CheckpointKeeper,
    read_checkpoint,
    restore,
)
from otactl.operations.queue.wave_file import read_waves

#: The quick run takes every 97th instant; a prime, so that scenarios differ in what they meet.
QUICK = 97
#: The full series is done in so many parts, side by side: every instant is in one of them.
PARTS = 3


class Bucket:
    """The objects of requests; a write is two instants."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.tick = lambda: None

    def write(self, bucket: str, key: str, content: bytes) -> StoredFile:
        self.tick()
        self.objects[key] = content
        self.tick()
        digest = hashlib.sha256(content).hexdigest()
        return StoredFile(key=key, sha256=digest, size_bytes=len(content))

    def read(self, bucket: str, file: StoredFile, *, limit_bytes: int) -> bytes:
        content = self.objects[file.key]
        assert hashlib.sha256(content).hexdigest() == file.sha256
        return content


class Machines:
    """The request of a deployment in waves, and machines that visit it."""

    def __init__(self, scenario, folder) -> None:
        self.it = site_of(scenario, folder)
        remember_began(self.it)
        self.it.journal.close()
        self.folder = folder
        self.table, self.bucket = MemoryTable(), Bucket()
        self.table.add([request_for(*self.it.names)])
        self.number = 0
        self.failure = None

    def claim(self) -> ClaimedRequest:
        (before,) = self.table.items.values()
        mine = taken(before, owner=f"m{self.number}", now_ms=0, lease_ms=10**9)
        if before.state is RequestState.PENDING:
            self.table.claim(before, mine, gate=self.table.active().gate)
        else:
            # The time of the next poll has come, or the lost worker's lease is over.
            del self.table.items[before.state, before.order_key]
            self.table.items[mine.state, mine.order_key] = mine
        return ClaimedRequest(self.table, mine, self.it.aws.clock, LeasePolicy(lease_ms=10**12))

    def visit(self, observer) -> None:
        """Go on from what is in the queue, until the end or a gate that waits."""
        self.number += 1
        claimed = self.claim()
        plan, request = self.it.plan, claimed.request
        checkpoint = read_checkpoint(request, self.bucket)
        is_new = checkpoint is None
        if not is_new:
            self.check_waves(read_waves(request, self.bucket).names)
        self.bucket.tick = getattr(observer, "_tick", lambda: None)
        keeper = CheckpointKeeper(
            claimed,
            self.bucket,
            checkpoint or Checkpoint.of(plan, planned_ms=0),
            plan,
            retry=lambda act: act(),
            monotonic_ms=self.it.aws.clock.monotonic_ms,
        )
        if is_new:
            keeper.keep()
        path = self.folder / f"{self.number}.sqlite"
        self.it.journal = journal = Journal.create(path, plan, now_ms=0, about={})
        try:
            journal.enter_waves(plan.wave_things)
            restore(journal, checkpoint or Checkpoint.of(plan, planned_ms=0), now_ms=0)
            keeper.watch(journal)
            executor = Executor(
                journal,
                self.it.aws.services,
                observer,
                dict,
                releases=True,
                waiting=WaitOptions(leaves=True),
            )
            executor.run()
            self.failure = executor.failure
            if isinstance(self.failure, LeaseLost):
                raise self.failure
            if isinstance(self.failure, GateWaits):
                keeper.keep_waves(at_gate=True)
                claimed.leave(after_ms=1, gate=journal.gates[-1], words=str(self.failure))
        finally:
            journal.close()
            path.unlink()

    def work(self, observer) -> None:
        """Visit until it is over."""
        self.visit(observer)
        while isinstance(self.failure, GateWaits):
            self.it.aws.clock.sleep(20)
            self.visit(observer)

    def check_waves(self, kept) -> None:
        listed = ThingList(file_name="list", things=tuple(self.arns()))
        again = deal_again(
            self.it.configuration.waves,
            listed,
            kept,
            excepted=(),
            image_sha256=self.it.plan.image_sha256,
        )
        assert [things for _, things in again] == list(self.it.plan.wave_things)

    def arns(self):
        return (f"arn:aws:iot:us-east-1:123456789012:thing/{name}" for name in self.it.names)


@pytest.mark.parametrize(
    ("first", "stride"),
    [
        (1, QUICK),
        *(pytest.param(part, PARTS, marks=pytest.mark.slow) for part in range(1, PARTS + 1)),
    ],
)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.timeout(3600)
def test_a_worker_lost_at_any_instant_is_made_up_for_elsewhere(scenario, first, stride, tmp_path):
    undisturbed = Machines(scenario, tmp_path / "undisturbed")
    counter = Killer()
    undisturbed.work(counter)
    assert isinstance(undisturbed.failure, GateFailed) == scenario.fails
    expected = began(undisturbed.it)

    for at in range(first, counter.instants + 1, stride):
        machines = Machines(scenario, tmp_path / str(at))
        with pytest.raises(Killed):
            machines.work(Killer(at))
        machines.it.aws.clock.sleep(1)
        machines.work(Killer())

        assert isinstance(machines.failure, GateFailed) == scenario.fails, at
        assert began(machines.it) == expected, at
        created = machines.it.jobs.created
        assert sorted(created) == sorted(undisturbed.it.jobs.created), at
        if scenario.clean_up == "True":
            assert machines.it.aws.is_empty, at


def test_a_worker_that_lost_its_lease_after_a_verdict_creates_no_job(tmp_path):
    machines = Machines(SCENARIOS[0], tmp_path / "one")

    class Overtaken(Killer):
        """Another worker goes on, to the end, as soon as the first gate's pass is kept."""

        def on_gate(self, status, *, written):
            if status.verdict == "pass" and written and not machines.failure_of_the_other:
                journal = machines.it.journal
                machines.work(Killer())
                machines.failure_of_the_other.append(machines.failure)
                machines.it.journal = journal

    machines.failure_of_the_other = []
    with pytest.raises(LeaseLost):
        machines.work(Overtaken())

    assert machines.failure_of_the_other == [None]
    assert len(machines.it.jobs.created) == len(set(machines.it.jobs.created)) == 3
    assert set(began(machines.it).values()) == {1}


def test_what_is_kept_is_small_and_written_only_when_something_happened(tmp_path):
    machines = Machines(SCENARIOS[0], tmp_path / "one")
    machines.visit(Killer())
    machines.visit(Killer())
    assert isinstance(machines.failure, GateWaits)
    files = len(machines.bucket.objects)
    machines.visit(Killer())

    # Nothing ended between the two polls.
    assert isinstance(machines.failure, GateWaits)
    assert len(machines.bucket.objects) == files
    (request,) = machines.table.items.values()
    assert request.waves.key in machines.bucket.objects
    assert len(machines.bucket.objects[request.checkpoint.key]) < 10_000

"""A worker lost while it verifies versions: the next one verifies them, and infers no success."""

from __future__ import annotations

from contextlib import closing

import pytest
from tests.support.memory_queue import ManualTime, MemoryTable, request_for
from tests.support.version_world import DARK, LOOPING, REVERTED
from tests.unit.deploy.test_versions_without_waves import OneJob
from tests.unit.deploy.test_wave_versions import VersionSite
from tests.unit.deploy.test_waves import ARN
from tests.unit.deploy.test_waves_killed import Killed
from tests.unit.operations.queue.test_lost_workers import Bucket

from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal
from otactl.deploy.observer import Observer
from otactl.deploy.step_run import WaitOptions
from otactl.errors import GateFailed, GateWaits, ThingsFailed
from otactl.jobqueue.claimed_request import ClaimedRequest
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.state import RequestState
from otactl.model.verify import VersionVerdict
from otactl.operations.queue.checkpoint import Checkpoint, CheckpointKeeper, restore


class KilledAt(Observer):
    """The process is gone when it notes something."""

    def __init__(self, words: str) -> None:
        self._words = words

    def on_note(self, message: str) -> None:
        if message.startswith(self._words):
            raise Killed


def keeper_of(machines, claimed: ClaimedRequest) -> CheckpointKeeper:
    return CheckpointKeeper(
        claimed,
        Bucket(),
        machines.checkpoint,
        machines.plan,
        retry=lambda act: act(),
        monotonic_ms=machines.it.aws.clock.monotonic_ms,
    )


class Machines:
    """The request of a deployment of one job, and machines that visit it."""

    def __init__(self, folder, **default) -> None:
        self.it = OneJob(folder, **default)
        self.plan, self.folder, self.number = self.it.journal.plan, folder, 0
        self.it.journal.close()
        table, policy = MemoryTable(), LeasePolicy(lease_ms=10**12)
        request = request_for("t1", state=RequestState.DEPLOYING, fence=1)
        table.add([request])
        self.claimed = ClaimedRequest(table, request, ManualTime(), policy)
        self.checkpoint = Checkpoint.of(self.plan, planned_ms=0)

    def visit(self, observer):
        self.number += 1
        keeper = keeper_of(self, self.claimed)
        path = self.folder / f"machine-{self.number}.sqlite"
        with closing(Journal.create(path, self.plan, now_ms=0, about={})) as journal:
            journal.enter_targets([ARN + name for name in self.it.names])
            restore(journal, self.checkpoint, now_ms=0)
            keeper.watch(journal)
            executor = Executor(journal, self.it.aws.services, observer, dict, releases=True)
            try:
                return executor, executor.run()
            finally:
                self.checkpoint = keeper.checkpoint


def test_the_next_worker_verifies_what_the_lost_one_did_not(tmp_path):
    machines = Machines(tmp_path)
    machines.it.states.returns |= {"t2": REVERTED}
    with pytest.raises(Killed):
        machines.visit(KilledAt("waiting for the version"))

    executor, result = machines.visit(Observer())

    assert type(executor.failure) is ThingsFailed
    assert "t2 old" in str(executor.failure)
    assert result.versions.counts == {VersionVerdict.VERIFIED: 4, VersionVerdict.OLD: 1}


def test_what_is_verified_is_kept_before_the_job_is_deleted(tmp_path):
    machines = Machines(tmp_path, cleanUpCfg="True")
    executor, _ = machines.visit(Observer())
    assert executor.failure is None
    assert machines.it.aws.jobs.jobs == {}

    # Lost before it recorded the end: the next one makes no other job.
    executor, result = machines.visit(Observer())

    assert executor.failure is None
    assert result.rounds[-1].succeeded == 5
    assert machines.it.aws.jobs.jobs == {}


@pytest.mark.parametrize(
    ("back", "verdict"), [(LOOPING, VersionVerdict.FLAPPING), (DARK, VersionVerdict.DARK)]
)
def test_what_was_seen_in_earlier_visits_counts_at_a_gate(tmp_path, back, verdict):
    """Boots before the update, and the first poll of a thing that is gone, are seen only once."""
    machines = WaveMachines(tmp_path, back)
    failure = machines.visit()
    while isinstance(failure, GateWaits):
        machines.it.aws.clock.sleep(20)
        failure = machines.visit()

    assert machines.number > 2
    assert type(failure) is GateFailed
    assert f"(4 verified, 1 {verdict})" in str(failure)


class WaveMachines:
    """The request of a deployment in waves, and machines that visit its gate."""

    def __init__(self, folder, back) -> None:
        self.it = VersionSite(folder)
        names = tuple(map(tuple, self.it.waves.values()))
        self.plan = self.it.journal.plan.model_copy(update={"wave_things": names})
        self.it.journal.close()
        self.it.states.returns[names[0][0]] = back
        self.folder, self.number = folder, 0
        self.checkpoint = Checkpoint.of(self.plan, planned_ms=0)

    def visit(self):
        self.number += 1
        table, request = MemoryTable(), request_for("t1", state=RequestState.DEPLOYING, fence=1)
        table.add([request])
        policy = LeasePolicy(lease_ms=10**12)
        keeper = keeper_of(self, ClaimedRequest(table, request, ManualTime(), policy))
        path = self.folder / f"machine-{self.number}.sqlite"
        with closing(Journal.create(path, self.plan, now_ms=0, about={})) as journal:
            journal.enter_waves(self.plan.wave_things)
            restore(journal, self.checkpoint, now_ms=0)
            keeper.watch(journal)
            executor = Executor(
                journal,
                self.it.aws.services,
                Observer(),
                dict,
                releases=True,
                waiting=WaitOptions(leaves=True),
            )
            executor.run()
            if isinstance(executor.failure, GateWaits):
                keeper.keep_waves(at_gate=True)
        stored = keeper.checkpoint.model_dump_json()
        self.checkpoint = Checkpoint.model_validate_json(stored)
        return executor.failure

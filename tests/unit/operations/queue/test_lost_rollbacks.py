"""A rollback out of the queue: workers lost at any instant, each visit on another machine.

Nothing of a lost worker's machine is there: only the request's item, its checkpoint and what lies
beside it. AWS IoT, the table and the bucket are in memory, the engine and what is kept are real.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.memory_queue import MemoryTable, request_for
from tests.support.rollback_world import FAILED_EARLY, SUCCEEDED, RollbackSite, sha256_of
from tests.support.wave_world import NEVER, Fate
from tests.unit.deploy.test_waves_killed import Killed, Killer
from tests.unit.operations.queue.test_lost_workers import Bucket

from otactl.aws.release_store import FileRefused
from otactl.deploy.eligibility import Choice
from otactl.deploy.planner import PlanOptions, Request
from otactl.deploy.preparation import prepare, prepare_again
from otactl.deploy.recorded_result import recorded_failure
from otactl.deploy.step_run import WaitOptions
from otactl.deploy.store import DeploymentStore
from otactl.deploy.wave_closing import close, left_by_rollbacks
from otactl.errors import GateFailed, GateWaits, RollbackFailed
from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.request import Failure
from otactl.jobqueue.state import FailureKind, RequestState
from otactl.jobqueue.transition import retried, taken
from otactl.model.status import ExecutionStatus
from otactl.model.wave import Act, Decision
from otactl.operations.deployment import begin, run_deployment
from otactl.operations.queue.checkpoint import (
    Checkpoint,
    CheckpointKeeper,
    read_checkpoint,
    restore,
)
from otactl.operations.queue.queued_rollback import QueuedRollback, is_filling
from otactl.operations.queue.recorder import outcome_of
from otactl.operations.queue.wave_file import KeptThings, read_waves, write_kept
from otactl.operations.stored_deployment import executor_of, rolls_back

#: The quick run takes every 61st instant.
QUICK = 61
NAMES = [f"t{number:02}" for number in range(30)]
TWO_VERSIONS = dict.fromkeys(NAMES[::2], "1.0") | dict.fromkeys(NAMES[1::2], "0.9")


class Decided(list[Decision]):
    """What people decided, in memory."""

    def read(self):
        return tuple(self)


class Machines:
    """The request of a deployment that rolls back, and machines that visit it."""

    def __init__(self, folder, former=None, fates=(), **options) -> None:
        options = {"waveList": "canary:12"} | options
        self.it = RollbackSite(folder, former or TWO_VERSIONS, **options)
        self.folder = folder
        self.table, self.bucket = MemoryTable(), Bucket()
        self.table.add([request_for(*self.it.names)])
        self.fates, self.number, self.failure = list(fates), 0, None
        self.decisions, self.reports = Decided(), True
        self.checked = []

    def claim(self) -> ClaimedRequest:
        (before,) = self.table.items.values()
        mine = taken(before, owner=f"m{self.number}", now_ms=0, lease_ms=10**9)
        if before.state is RequestState.PENDING:
            self.table.claim(before, mine, gate=self.table.active().gate)
        else:
            del self.table.items[before.state, before.order_key]
            self.table.items[mine.state, mine.order_key] = mine
        return ClaimedRequest(self.table, mine, self.it.clock, LeasePolicy(lease_ms=10**12))

    def plan(self, request, checkpoint):
        services = self.it.aws.services
        wanted = Request(
            configuration=self.it.loaded.configuration,
            thing_list=self.it.loaded.thing_list,
            custom_document=None,
            account="123456789012",
            deployment_id=request.deployment_id,
            options=PlanOptions(),
        )
        if checkpoint is None:
            return prepare(wanted, services)
        kept = read_waves(request, self.bucket)
        return prepare_again(
            wanted,
            services,
            document=checkpoint.document,
            things=checkpoint.things,
            kept=kept.names,
            choice=Choice(thing_list=self.it.loaded.thing_list, former=kept.former),
        )

    def visit(self, observer) -> None:
        """Go on from what is in the queue, until the end or a gate that waits."""
        self.number += 1
        claimed = self.claim()
        request = claimed.request
        checkpoint = read_checkpoint(request, self.bucket)
        is_new = checkpoint is None
        self.bucket.tick = getattr(observer, "_tick", lambda: None)
        self.it.clock.renewed()
        environment = replace(
            self.it.environment,
            state_dir=self.folder / f"machine-{self.number}",
            releases=True,
            waiting=WaitOptions(leaves=True),
            observer=observer,
            decisions=self.decisions,
        )
        plan = self.plan(request, checkpoint)
        if is_new:
            names = dict(zip(plan.things_by_wave["canary"], self.fates, strict=False))
            self.it.jobs.fates_of["TestJob1234-canary"] = names
            checkpoint = Checkpoint.of(plan, planned_ms=0)
        keeper = CheckpointKeeper(
            claimed,
            self.bucket,
            checkpoint,
            plan,
            retry=lambda act: act(),
            monotonic_ms=self.it.clock.monotonic_ms,
        )
        if is_new:
            keeper.keep()
        journal = begin(self.it.loaded, plan, environment)
        try:
            restore(journal, checkpoint, now_ms=0)
            keeper.watch(journal)
            if rolls_back(journal):
                result = executor_of(journal, environment).result()
                failure = recorded_failure(journal)
            else:
                result, failure = run_deployment(journal, environment)
            self.report()
            if rolls_back(journal):
                rollback = QueuedRollback(
                    request,
                    self.bucket,
                    keeper,
                    journal=journal,
                    loaded=self.it.loaded,
                    environment=environment,
                    check_document=self.checked.append,
                )
                result, failure = rollback.run(result, failure)
            self.result, self.failure = result, failure
            if isinstance(failure, LeaseLost):
                raise failure
            if isinstance(failure, GateWaits):
                keeper.keep_waves(at_gate=True)
                gate = keeper.checkpoint.rollback_gate
                claimed.leave(after_ms=1, gate=gate, words=str(failure))
                self.is_filling = is_filling(DeploymentStore(environment.state_dir))
        finally:
            journal.close()

    def report(self) -> None:
        """Things that succeeded report the new version."""
        jobs = self.it.jobs
        if not self.reports:
            return
        for one in jobs.all_of("TestJob1234-canary") if "TestJob1234-canary" in jobs.jobs else ():
            if one.status is ExecutionStatus.SUCCEEDED:
                self.it.took(one.thing_name)

    def work(self, observer) -> None:
        """Visit until it is over."""
        self.visit(observer)
        while isinstance(self.failure, GateWaits):
            self.it.clock.sleep(20)
            self.report()
            self.visit(observer)

    @property
    def request(self):
        (found,) = self.table.items.values()
        return found

    @property
    def taken_back(self):
        """The things whose rollback succeeded, by the document of its job."""
        jobs = self.it.jobs
        return {
            (job_id.rpartition("-")[0], one.thing_name)
            for job_id in jobs.jobs
            if "-rb-" in job_id
            for one in jobs.all_of(job_id)
            if one.status is ExecutionStatus.SUCCEEDED
        }


def bad_canary(folder, **options) -> Machines:
    return Machines(folder, fates=[FAILED_EARLY, FAILED_EARLY, *[SUCCEEDED] * 10], **options)


def test_a_bad_canary_is_taken_back_in_visits_and_told(tmp_path):
    machines = bad_canary(tmp_path)
    gates = []

    machines.visit(Killer())
    while isinstance(machines.failure, GateWaits):
        gates.append(machines.request.gate)
        machines.it.clock.sleep(20)
        machines.visit(Killer())

    canary = set(machines.it.jobs.began)
    assert len(canary) == 12
    assert type(machines.failure) is GateFailed
    assert "; rolled back: 10 of 10 things got back what they had" in str(machines.failure)
    assert sorted(machines.it.jobs.began.values()) == [1, 1, *[2] * 10]
    assert {name for _, name in machines.taken_back} <= canary
    assert any(gate.startswith("rolling back: wave first: wait") for gate in gates)
    outcome = outcome_of(machines.result)
    assert (outcome.to_roll_back, outcome.rolled_back) == (10, 10)
    # Images of former versions went to the bucket, and the documents were checked.
    objects = machines.it.aws.objects.stored
    assert {sha256_of(one) for one in ("1.0", "0.9")} <= {
        key.split("/")[1] for _, key in objects if key.startswith("firmware/")
    }
    assert {plan.image_version for plan in machines.checked} == {"1.0", "0.9"}


@pytest.mark.parametrize("stride", [QUICK, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.timeout(3600)
def test_a_worker_lost_at_any_instant_is_made_up_for_elsewhere(stride, tmp_path):
    undisturbed = bad_canary(tmp_path / "undisturbed")
    count = Killer()
    undisturbed.work(count)

    for at in range(1, count.instants + 1, stride):
        machines = bad_canary(tmp_path / str(at))
        with pytest.raises(Killed):
            machines.work(Killer(at))
        machines.it.clock.sleep(1)
        machines.work(Killer())

        assert type(machines.failure) is GateFailed, at
        assert "rolled back: 10 of 10" in str(machines.failure), at
        assert machines.it.jobs.began == undisturbed.it.jobs.began, at
        assert machines.taken_back == undisturbed.taken_back, at
        created = machines.it.jobs.created
        assert sorted(created) == sorted(undisturbed.it.jobs.created), at


def test_two_machines_at_once_never_begin_two_rollbacks(tmp_path):
    machines = bad_canary(tmp_path)
    others = []

    class Overtaken(Killer):
        """Another machine takes the request as soon as the first rollback is about to begin."""

        def on_step(self, moment):
            of_rollback = any("-rb-" in job_id for job_id in machines.it.jobs.jobs)
            if not others and machines.checked and not of_rollback:
                others.append(True)
                machines.work(Killer())
                others.append(machines.failure)

    with pytest.raises(LeaseLost):
        machines.work(Overtaken())

    assert type(others[1]) is GateFailed
    assert sorted(machines.it.jobs.began.values()) == [1, 1, *[2] * 10]
    created = machines.it.jobs.created
    assert len(created) == len(set(created))


def test_things_in_the_middle_of_the_update_are_seen_by_later_visits(tmp_path):
    slow = Fate(takes_s=200, step="downloading")
    fates = [FAILED_EARLY, FAILED_EARLY, *[SUCCEEDED] * 9, slow]
    machines = Machines(tmp_path, fates=fates, requiredEndedPercentage="80")
    gates = set()

    machines.visit(Killer())
    while isinstance(machines.failure, GateWaits):
        gates.add(machines.request.gate)
        machines.it.clock.sleep(20)
        machines.report()
        machines.visit(Killer())

    assert "rolled back: 10 of 10" in str(machines.failure)
    assert sorted(machines.it.jobs.began.values()) == [1, 1, *[2] * 10]
    assert "rolling back: 1 things are in the middle of the update" in gates


def test_things_that_have_just_ended_are_given_a_minute_to_report(tmp_path):
    machines = bad_canary(tmp_path)
    machines.reports = False
    gates = []

    machines.visit(Killer())
    while isinstance(machines.failure, GateWaits):
        gates.append(machines.request.gate)
        machines.it.clock.sleep(20)
        machines.visit(Killer())

    assert "rolling back: things that have just ended are given a minute to report" in gates
    assert "rolled back: 10 of 10" in str(machines.failure)


def test_what_people_decided_before_is_about_the_deployment(tmp_path):
    machines = bad_canary(tmp_path)
    machines.visit(Killer())

    def decide(act) -> None:
        at_ms = machines.it.clock.now_ms()
        machines.decisions.append(Decision(act=act, identity="a", host="h", at_ms=at_ms))

    decide(Act.PAUSE)
    machines.work(Killer())

    # A pause holds no failure back, and none of the rollback's waves.
    assert "rolled back: 10 of 10" in str(machines.failure)

    machines = bad_canary(tmp_path / "rejected")
    machines.visit(Killer())
    while "rolling back" not in machines.request.gate:
        machines.it.clock.sleep(20)
        machines.visit(Killer())
    decide(Act.REJECT)
    machines.work(Killer())
    assert "rolled back: " in str(machines.failure)
    assert machines.failure.exit_code == 9
    assert len(machines.taken_back) < 10


def test_a_rollback_that_fails_ends_the_request_with_its_own_exit_code(tmp_path):
    machines = bad_canary(tmp_path, former=dict.fromkeys(NAMES, "1.0"))
    machines.visit(Killer())
    bad = dict.fromkeys(machines.it.names, FAILED_EARLY)
    machines.it.jobs.fates_of["TestJob1234-rb-1-first"] = bad

    machines.work(Killer())

    assert type(machines.failure) is RollbackFailed
    assert machines.failure.exit_code == 11
    assert "rolled back: 0 of 10 things got back what they had" in str(machines.failure)
    assert outcome_of(machines.result).rolled_back == 0


def test_things_without_a_former_image_stay_and_are_counted(tmp_path):
    machines = bad_canary(tmp_path, images=["1.0"], rollback={"withoutFormerImage": "stop"})
    machines.work(Killer())

    assert "stay as they are, without a former version or its image" in str(machines.failure)
    assert set(machines.it.jobs.began.values()) == {1, 2}


def kept_rollback(folder) -> Machines:
    """A request left in the middle of its rollback."""
    machines = bad_canary(folder)
    machines.visit(Killer())
    while not read_checkpoint(machines.request, machines.bucket, before=99).rollbacks:
        machines.it.clock.sleep(20)
        machines.visit(Killer())
    assert isinstance(machines.failure, GateWaits)
    return machines


@pytest.mark.parametrize("change", ["stranger", "other version", "twice", "document", "state"])
def test_a_rollback_that_somebody_changed_is_refused(tmp_path, change):
    machines = kept_rollback(tmp_path)
    request, bucket = machines.request, machines.bucket
    checkpoint = read_checkpoint(request, bucket, before=99)
    first, *rest = checkpoint.rollbacks
    wrong = {
        "stranger": lambda: with_things(machines, first, ("stranger",)),
        "other version": lambda: first.model_copy(update={"version": "1.1"}),
        "twice": lambda: rest[0].model_copy(update={"number": first.number}),
        "document": lambda: first.model_copy(update={"document": "{}"}),
        "state": lambda: first.model_copy(
            update={"waves": first.waves.model_copy(update={"filled": {9: "t01"}})}
        ),
    }[change]()
    changed = checkpoint.model_copy(update={"rollbacks": (wrong, *rest)})
    key = f"release/checkpointFile_{request.aws_job_id}_{request.fence}-99.json"
    file = bucket.write("", key, changed.model_dump_json().encode())
    machines.table.items = {(request.state, request.order_key): replace(request, checkpoint=file)}
    jobs = set(machines.it.jobs.jobs)

    try:
        machines.visit(Killer())
    except FileRefused:
        machines.failure = RollbackFailed("not rolled back: refused")

    assert type(machines.failure) is RollbackFailed
    assert "not rolled back" in str(machines.failure)
    assert set(machines.it.jobs.jobs) == jobs


def with_things(machines, kept, names):
    things = KeptThings(names=names)
    file = write_kept(machines.request, machines.bucket, things, rollback=50)
    return kept.model_copy(update={"things_key": file.key, "things_sha256": file.sha256})


def test_what_is_open_is_what_people_are_asked_about(tmp_path):
    machines = kept_rollback(tmp_path)
    checkpoint = read_checkpoint(machines.request, machines.bucket, before=99)
    assert [gate.name for gate in checkpoint.open_gates] == ["first"]
    assert checkpoint.created_jobs == 2
    assert not machines.is_filling


def test_what_rollbacks_leave_open_is_closed_when_open_days_are_over(tmp_path):
    machines = bad_canary(tmp_path, former=dict.fromkeys(NAMES, "1.0"))
    machines.visit(Killer())
    gone = machines.it.jobs.fates_of["TestJob1234-canary"]
    offline = [name for name, fate in gone.items() if fate is SUCCEEDED][-1]
    machines.it.states.report(offline, is_connected=False)
    machines.it.jobs.fates_of["TestJob1234-rb-1-rest"] = {offline: NEVER}
    machines.work(Killer())
    assert "rolled back: 9 of 10" in str(machines.failure)

    store = DeploymentStore(machines.folder / f"machine-{machines.number}")
    journals = (journal for _, journal in store.journals())
    left, until_ms = left_by_rollbacks(machines.request.deployment_id, journals)
    (wave,) = left.waves
    assert wave.job_id == "TestJob1234-rb-1-rest"
    assert until_ms > machines.it.clock.now_ms() + 29 * 86_400_000
    claimed = machines.claim()
    claimed.fail(Failure(kind=FailureKind.DEPLOYMENT, reason="bad"), None, (left, until_ms))
    assert machines.request.open_until_ms == until_ms
    (entry,) = machines.table.due(until_ms)
    # It is a rollback's job, and carries that deployment's id, not the request's.
    assert wave.deployment_id != entry.jobs.deployment_id == machines.request.deployment_id
    jobs, registry = machines.it.jobs, machines.it.aws.registry
    assert close(replace(left, waves=(replace(wave, deployment_id=""),)), jobs, registry) == 0
    assert jobs.jobs[wave.job_id].canceled_ms is None
    assert close(entry.jobs, jobs, registry) == 0
    assert jobs.jobs[wave.job_id].reason_code == "OTACTL_CLOSE_CANCEL"
    assert retried(machines.request).open_until_ms is None

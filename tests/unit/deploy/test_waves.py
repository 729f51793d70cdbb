"""A deployment in waves from end to end against AWS in memory: gates, stops, people, groups."""

from __future__ import annotations

import itertools
import json

import pytest
from tests.support.dev_ini import configuration_of
from tests.support.wave_world import NEVER, Fate, a_wave_world
from tests.unit.model.configuration.test_wave_section import wave_ini

from otactl.deploy.consent import Consent
from otactl.deploy.decision_file import DecisionFile
from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Outcome, Phase, StepState
from otactl.deploy.observer import Observer
from otactl.deploy.planner import Planner, PlanOptions, Request
from otactl.deploy.step_run import WaitOptions
from otactl.deploy.targeting import deal_waves
from otactl.errors import (
    AwsRefused,
    DeploymentRejected,
    GateFailed,
    GateWaits,
    JobCanceled,
    UserMistake,
)
from otactl.model.firmware import Firmware
from otactl.model.status import ExecutionStatus
from otactl.model.thing_list import ThingList
from otactl.model.wave import Act, Decision, Question, Verdict

DEPLOYMENT = "20261123T120000Z-abcdef"
ARN = "arn:aws:iot:us-east-1:123456789012:thing/"
FIRMWARE = Firmware(path="fw.bin", name="fw.bin", size_bytes=10, md5="0" * 32, sha256="ab" * 32)
FAILED = Fate(status=ExecutionStatus.FAILED)


class Site:
    """One deployment, its world and its journal."""

    def __init__(
        self,
        folder,
        things=30,
        sections=(),
        clean_up="False",
        default=None,
        excepted=frozenset(),
        **keys,
    ) -> None:
        keys = {
            "waveList": "canary:5, early:30%",
            "soakMinutes": "1",
            "maximumMinutes": "10",
        } | keys
        text = wave_ini(*sections, default={"cleanUpCfg": clean_up} | (default or {}), **keys)
        self.configuration = configuration_of(text)
        self.aws = a_wave_world()
        self.jobs = self.aws.jobs
        self.names = [f"t{number:04}" for number in range(things)]
        listed = ThingList(file_name="list", things=tuple(ARN + name for name in self.names))
        dealt = deal_waves(
            self.configuration.waves,
            listed,
            self.aws.registry,
            excepted=excepted,
            image_sha256=FIRMWARE.sha256,
        )
        request = Request(
            configuration=self.configuration,
            thing_list=listed,
            custom_document=None,
            account="123456789012",
            deployment_id=DEPLOYMENT,
            options=PlanOptions(),
            excepted=excepted,
        )
        self.plan = Planner(request, FIRMWARE, "{}").wave_plan(dealt)
        self.waves = {
            wave.name: list(names)
            for wave, names in zip(self.plan.waves, self.plan.wave_things, strict=True)
        }
        self.path = folder / f"{DEPLOYMENT}.sqlite"
        self.journal = Journal.create(self.path, self.plan, now_ms=0, about={})
        self.journal.enter_waves(self.plan.wave_things)
        self.journal.enter_excepted(self.plan.excepted)
        self.decisions = DecisionFile(self.path)

    def executor(self, observer=None, **waiting) -> Executor:
        return Executor(
            self.journal,
            self.aws.services,
            observer or Observer(),
            dict,
            waiting=WaitOptions(**waiting),
        )

    def run(self, observer=None, **waiting):
        executor = self.executor(observer, **waiting)
        return executor, executor.run()

    def resume(self, observer=None, **waiting):
        self.journal.close()
        self.journal = Journal.open(self.path)
        return self.run(observer, **waiting)

    def decide(self, act, **changes) -> None:
        self.decisions.append(Decision(act=act, identity="ann", host="h", at_ms=0, **changes))

    def verdicts(self) -> dict[str, Verdict]:
        return {status.name: status.verdict for status in self.journal.gates}


@pytest.fixture
def site(tmp_path):
    sites = []

    def build(**options) -> Site:
        sites.append(Site(tmp_path, **options))
        return sites[-1]

    yield build
    for one in sites:
        one.journal.close()


class At(Observer):
    """Does something when the gate of a wave is looked at so often."""

    def __init__(self, wave, times, act) -> None:
        self._wave, self._times, self._act = wave, times, act

    def on_gate(self, status, *, written):
        if status.name == self._wave and written:
            self._times -= 1
            if self._times == 0:
                self._act(status)


class Looks(Observer):
    """Remembers when each gate was looked at."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self.at_ms: dict[str, list[int]] = {}

    def on_gate(self, status, *, written):
        if written:
            self.at_ms.setdefault(status.name, []).append(self._clock.span_ms)


def test_a_good_image_passes_every_gate_and_reaches_each_thing_once(site):
    it = site()

    executor, result = it.run()

    assert executor.failure is None
    assert result.is_success
    assert result.is_complete
    assert it.verdicts() == dict.fromkeys(("canary", "early", "rest"), Verdict.PASS)
    assert it.jobs.created == ["TestJob1234-canary", "TestJob1234-early", "TestJob1234-rest"]
    assert [len(names) for names in it.jobs.targets.values()] == [5, 9, 16]
    assert it.jobs.began == dict.fromkeys(it.names, 1)


def test_the_json_keeps_its_sums_and_tells_each_wave_beside_them(site):
    it = site()
    it.jobs.fates[it.waves["rest"][0]] = NEVER

    fields = it.run()[1].to_fields()

    (only,) = fields["rounds"]
    assert (only["succeeded"], only["queued"], fields["complete"]) == (29, 1, False)
    canary, _, rest = fields["waves"]
    assert canary["jobId"] == "TestJob1234-canary"
    assert canary["counts"] == {"ended": 5, "succeeded": 5, "failed": 0, "notReached": 0}
    assert canary["gate"]["verdict"] == "pass"
    assert canary["gate"]["decidedAt"] is not None
    assert rest["counts"]["notReached"] == 1
    assert json.dumps(fields)


def test_a_bad_image_stops_at_the_canary_and_nobody_else_is_told(site):
    it = site()
    it.jobs.fates |= dict.fromkeys(it.waves["canary"], FAILED)

    executor, result = it.run()

    assert type(executor.failure) is GateFailed
    assert "5 of 5 things failed; at most 0 may" in str(executor.failure)
    assert "25 things of later waves were never notified" in str(executor.failure)
    assert it.jobs.created == ["TestJob1234-canary"]
    assert set(it.jobs.began) == set(it.waves["canary"])
    assert not result.is_success
    assert it.journal.outcome is Outcome.FAILED


def test_a_stop_cancels_the_open_jobs_of_earlier_waves_too(site):
    it = site(requiredEndedPercentage="60")
    offline = it.waves["canary"][0]
    it.jobs.fates |= {offline: Fate(online_at_s=10**6)}
    it.jobs.fates |= dict.fromkeys(it.waves["early"], FAILED)

    executor, _ = it.run()
    it.aws.clock.ms += 10**10

    assert type(executor.failure) is GateFailed
    assert it.jobs.jobs["TestJob1234-canary"].reason_code == "OTACTL_GATE_STOP"
    assert offline not in it.jobs.began
    assert not any(name in it.jobs.began for name in it.waves["rest"])


def test_a_device_that_dies_while_installing_fails_the_canary(site):
    it = site(soakMinutes="6")
    it.jobs.fates[it.waves["canary"][0]] = Fate(takes_s=300, status=ExecutionStatus.TIMED_OUT)

    executor, _ = it.run()

    assert type(executor.failure) is GateFailed


def test_an_offline_canary_is_inconclusive_only_when_the_time_is_over_since_one_began(site):
    it = site()
    it.jobs.fates |= dict.fromkeys(it.waves["canary"][:2], NEVER)

    executor, _ = it.run(max_wait_seconds=700)

    assert isinstance(executor.failure, GateWaits)
    (status,) = it.journal.gates
    assert (status.verdict, status.question) == (Verdict.INCONCLUSIVE, Question.INCONCLUSIVE)
    assert executor.goes_on
    it.decide(Act.APPROVE, wave="canary", answers=Question.INCONCLUSIVE, comment="they are off")
    executor, result = it.resume()
    assert executor.failure is None
    assert result.is_success
    assert not result.is_complete


def test_an_approval_of_another_process_opens_a_gate_that_asks_for_one(site):
    it = site(approval="True")
    approve = At(
        "canary",
        30,
        lambda status: it.decide(Act.APPROVE, wave="canary", answers=status.question),
    )

    executor, _ = it.run(approve, max_wait_seconds=1000)

    assert isinstance(executor.failure, GateWaits)
    assert it.verdicts() == {"canary": Verdict.PASS, "early": Verdict.WAIT}
    assert it.journal.gates[1].question is Question.APPROVAL
    assert it.jobs.created == ["TestJob1234-canary", "TestJob1234-early"]


def test_a_rejection_ends_it_with_an_exit_code_of_its_own(site):
    it = site()
    reject = At("early", 2, lambda _: it.decide(Act.REJECT, comment="I saw smoke"))

    executor, _ = it.run(reject)

    assert type(executor.failure) is DeploymentRejected
    assert executor.failure.exit_code == 9
    assert "rejected by ann: I saw smoke" in str(executor.failure)
    assert "TestJob1234-rest" not in it.jobs.created
    assert it.jobs.describe("TestJob1234-early").counts.pending == 0


def test_a_pause_in_a_wave_leaves_the_next_uncreated_until_continue(site):
    it = site()

    executor, _ = it.run(At("early", 1, lambda _: it.decide(Act.PAUSE)), max_wait_seconds=2000)

    assert isinstance(executor.failure, GateWaits)
    assert "TestJob1234-rest" not in it.jobs.created
    it.decide(Act.CONTINUE)
    executor, result = it.resume()
    assert executor.failure is None
    assert result.is_complete


def test_leaving_at_a_gate_that_waits_holds_no_process_and_goes_on_later(site):
    it = site()
    visits = 0
    executor, result = it.run(leaves=True)
    while isinstance(executor.failure, GateWaits):
        visits += 1
        it.aws.clock.sleep(30)
        executor, result = it.resume(leaves=True)

    assert executor.failure is None
    assert 6 <= visits <= 12
    assert result.is_complete
    assert it.jobs.began == dict.fromkeys(it.names, 1)


def test_late_failures_of_an_earlier_wave_hold_the_next_one_until_a_person_knows(site):
    it = site(requiredEndedPercentage="60")
    it.jobs.fates |= {
        name: Fate(online_at_s=1200, status=ExecutionStatus.FAILED)
        for name in it.waves["canary"][:1]
    }
    it.jobs.fates |= dict.fromkeys(it.waves["early"], Fate(begins_s=200))

    executor, _ = it.run(max_wait_seconds=2000)

    status = it.journal.gates[1]
    assert isinstance(executor.failure, GateWaits)
    assert status.question is Question.STRAGGLERS
    assert status.failed_since == {"canary": 1}
    it.decide(
        Act.APPROVE,
        wave="early",
        answers=Question.STRAGGLERS,
        failed=status.failed_since,
    )
    executor, result = it.resume()
    assert executor.failure is None
    assert result.is_success


def test_a_job_that_somebody_cancels_stops_all_with_the_exit_code_of_a_cancel(site):
    it = site()
    cancel = At(
        "canary",
        2,
        lambda _: it.jobs.cancel("TestJob1234-canary", reason_code="ME", comment=""),
    )

    executor, _ = it.run(cancel)

    assert type(executor.failure) is JobCanceled
    assert it.jobs.created == ["TestJob1234-canary"]


def test_an_alarm_for_a_minute_between_two_polls_fails_the_gate(site):
    it = site(alarmList="crashes")
    start = it.aws.clock.ms
    it.aws.alarms.in_alarm["crashes"] = [(start + 33_000, start + 33_500)]
    it.aws.clock.sleep(1)

    executor, _ = it.run()

    assert type(executor.failure) is GateFailed
    assert "alarm crashes was, since the wave began, in ALARM" in str(executor.failure)


def test_an_alarm_that_rang_before_the_wave_began_is_nothing(site):
    it = site(alarmList="crashes")
    it.aws.alarms.in_alarm["crashes"] = [(0, it.aws.clock.ms - 1)]

    assert it.run()[0].failure is None


def test_a_large_wave_is_filled_while_the_one_before_is_watched(site):
    it = site(things=400, groupFillPerSecond="2", soakMinutes="5")
    registry = it.aws.registry
    in_ten_groups = it.waves["rest"][0]
    registry.full.add(in_ten_groups)

    looks = Looks(it.aws.clock)

    executor, result = it.run(looks)

    assert executor.failure is None
    assert len(it.jobs.targets["TestJob1234-rest"]) == len(it.waves["rest"]) - 1
    assert result.waves[2].result.not_reached_things == (in_ten_groups,)
    assert it.journal.fill_refusals(3) == {in_ten_groups: "is in 10 thing groups already"}
    while_filling = [at for at in looks.at_ms["canary"] if at <= 60_000]
    poll_ms = it.aws.services.poll_seconds * 1000
    assert len(while_filling) > 5
    assert max(b - a for a, b in itertools.pairwise(while_filling)) <= 2 * poll_ms
    # Nothing of these waves is open any more, so their groups are gone though all else stays.
    assert registry.groups == {}
    assert len(it.jobs.jobs) == 3


def test_filling_goes_on_where_a_killed_process_left_it(site):
    it = site(things=400, groupFillPerSecond="2", soakMinutes="5")

    class Killed(BaseException):
        pass

    def kill(_status):
        raise Killed

    with pytest.raises(Killed):
        it.run(At("canary", 10, kill))
    before = it.journal.filled_until(2)
    executor, result = it.resume()

    assert before
    assert executor.failure is None
    assert result.is_complete


def test_a_group_filled_for_a_wave_that_never_began_is_deleted_whatever_the_clean_up(site):
    it = site(things=400, soakMinutes="5")
    it.jobs.fates |= dict.fromkeys(it.waves["canary"], FAILED)

    it.run()

    assert it.aws.registry.groups == {}


def test_large_waves_are_listed_only_when_that_can_change_a_verdict(site):
    it = site(things=800, waveList="half:50%", groupFillPerSecond="100")
    it.jobs.fates |= {name: Fate(begins_s=number) for number, name in enumerate(it.waves["half"])}

    executor, _ = it.run()

    looks = sum(job == "TestJob1234-half" for job, *_ in it.jobs.looks)
    assert executor.failure is None
    assert looks > 60
    assert it.jobs.lists < looks


def test_a_first_wave_that_is_large_is_filled_before_its_job(site):
    it = site(things=400, waveList="half:50%")

    executor, result = it.run()

    assert executor.failure is None
    assert result.is_complete
    assert len(it.jobs.targets["TestJob1234-half"]) == 200


def test_a_job_refused_for_an_end_time_too_near_asks_a_person(site):
    times = "[SCHEDULING_CONFIG]\nendTime = 2027-04-01 02:00\n"
    it = site(sections=(times,), default={"useSchedulingConfig": "True"})
    it.jobs.refusals["TestJob1234-early"] = AwsRefused(
        "iot:CreateJob", "InvalidRequestException", "endTime must be at least 30 minutes ahead"
    )

    executor, _ = it.run(max_wait_seconds=500)

    assert isinstance(executor.failure, GateWaits)
    assert it.journal.gates[1].verdict is Verdict.INCONCLUSIVE
    assert "endTime must be" in it.journal.gates[1].reasons[0]


def test_with_clean_up_what_is_still_open_is_cancelled_and_everything_goes(site):
    it = site(clean_up="True", requiredEndedPercentage="60")
    it.jobs.fates[it.waves["canary"][0]] = NEVER

    executor, result = it.run()

    assert executor.failure is None
    assert not result.is_complete
    assert it.aws.is_empty
    assert it.journal.phase is Phase.FINISHED
    assert result.to_fields()["waves"][0]["counts"]["notReached"] == 1


def test_without_clean_up_stragglers_may_still_come_until_open_days_are_over(site):
    it = site(requiredEndedPercentage="60", openDays="2")
    late = it.waves["canary"][0]
    it.jobs.fates[late] = Fate(online_at_s=90_000)
    it.jobs.fates[it.waves["canary"][1]] = NEVER
    it.run()
    assert it.jobs.jobs["TestJob1234-canary"].canceled_ms is None

    it.aws.clock.sleep(100_000)
    assert it.executor().reopen()
    _, result = it.resume()
    assert result.waves[0].result.counts[ExecutionStatus.SUCCEEDED] == 4
    assert it.jobs.jobs["TestJob1234-canary"].canceled_ms is None

    it.aws.clock.sleep(100_000)
    assert it.executor().reopen()
    executor, _ = it.resume()
    assert executor.failure is None
    assert it.jobs.jobs["TestJob1234-canary"].reason_code == "OTACTL_CLOSE_CANCEL"
    assert not it.executor().reopen()


def test_what_was_installing_when_it_stopped_is_waited_for_and_what_began_late_is_named(site):
    it = site(clean_up="True", things=200, waveList="canary:100")
    slow = it.waves["canary"][0]
    it.jobs.fates |= dict.fromkeys(it.waves["canary"][1:20], FAILED)
    it.jobs.fates |= {slow: Fate(takes_s=100)}

    executor, result = it.run()

    assert type(executor.failure) is GateFailed
    assert result.waves[0].result.counts[ExecutionStatus.SUCCEEDED] == 81
    assert it.aws.is_empty


def test_clean_leaves_nothing_of_a_deployment_at_a_gate(site):
    it = site(things=400, approval="True")
    it.run(max_wait_seconds=400)

    it.executor().clean(Consent.YES)

    assert it.aws.is_empty


def test_an_empty_wave_is_refused_and_an_empty_rest_left_out(site):
    with pytest.raises(UserMistake, match=r"wave late \(10\) has no things"):
        site(waveList="all:30, late:10")
    assert list(site(waveList="all:30").waves) == ["all"]


def test_a_group_that_lags_behind_is_looked_at_once_a_poll(site):
    it = site(things=400, groupFillPerSecond="100", soakMinutes="3")
    registry, clock, listed = it.aws.registry, it.aws.clock, it.aws.registry.things_in_group

    def lagging(group_name):
        return iter(()) if clock.span_ms < 120_000 else listed(group_name)

    registry.things_in_group = lagging
    looks = Looks(clock)

    it.run(looks, max_wait_seconds=200)

    poll_ms = it.aws.services.poll_seconds * 1000
    assert len(looks.at_ms["canary"]) <= 1 + looks.at_ms["canary"][-1] / (poll_ms / 2)


def test_a_group_that_was_deleted_is_not_created_again_by_the_next_process(site):
    it = site(things=400, waveList="half:50%", groupFillPerSecond="100", soakMinutes="5")
    created = []
    create = it.aws.registry.create_group
    it.aws.registry.create_group = lambda name, **more: created.append(name) or create(name, **more)
    it.run(max_wait_seconds=400)
    assert it.journal.state("wave-half/group") is StepState.UNDONE

    it.resume()

    assert len(created) == len(set(created)) == 2


def test_a_reopened_deployment_creates_no_job_again_and_keeps_the_results_of_deleted_ones(site):
    it = site(clean_up="True", requiredEndedPercentage="60", default={"abortWaitMinutes": "0"})
    slow = it.waves["canary"][0]
    it.jobs.fates[slow] = Fate(takes_s=10_000)
    executor, before = it.run()
    assert executor.kept_job is not None
    assert list(it.jobs.jobs) == ["TestJob1234-canary"]
    created = list(it.jobs.created)

    it.aws.clock.sleep(20_000)
    # The thing is done by now; somebody asks before AWS counts it so.
    it.jobs.fates[slow] = Fate(takes_s=10**6)
    assert it.executor().reopen()
    it.jobs.fates[slow] = Fate(takes_s=10_000)
    executor, result = it.resume()

    assert it.jobs.created == created
    assert executor.failure is None
    assert [wave.result.status for wave in result.waves[1:]] == ["COMPLETED", "COMPLETED"]
    assert result.waves[1:] == before.waves[1:]
    assert result.waves[0].result.counts == {ExecutionStatus.SUCCEEDED: 5}
    assert it.aws.is_empty


def test_every_thing_that_began_after_the_stop_is_named_also_those_that_succeeded(site):
    it = site(
        things=500,
        waveList="canary:300",
        groupFillPerSecond="100",
        default={"abortWaitMinutes": "5"},
    )
    it.jobs.fates |= dict.fromkeys(it.waves["canary"][:30], FAILED)
    late = set(it.waves["canary"][30:])
    it.jobs.fates |= dict.fromkeys(late, Fate(begins_s=300))
    state = it.jobs._state

    def notified(job, name):
        # AWS had notified them when the job was cancelled, and they begin all the same.
        if job.canceled_ms is None or name not in late:
            return state(job, name)
        began_ms = job.canceled_ms + 1500
        is_over = it.aws.clock.ms >= began_ms + 5000
        status = ExecutionStatus.SUCCEEDED if is_over else ExecutionStatus.IN_PROGRESS
        return status, began_ms, began_ms + (5000 if is_over else 0)

    it.jobs._state = notified

    executor, result = it.run()

    assert type(executor.failure) is GateFailed
    assert result.waves[0].result.counts[ExecutionStatus.SUCCEEDED] == len(late)
    assert set(result.waves[0].result.began_late) == late


def test_a_wave_whose_job_was_refused_has_no_result(site):
    times = "[SCHEDULING_CONFIG]\nendTime = 2027-04-01 02:00\n"
    it = site(sections=(times,), default={"useSchedulingConfig": "True"})
    it.jobs.refusals["TestJob1234-early"] = AwsRefused(
        "iot:CreateJob", "InvalidRequestException", "endTime must be at least 30 minutes ahead"
    )
    it.run(max_wait_seconds=500)
    it.decide(Act.APPROVE, wave="early", comment="late", answers=Question.INCONCLUSIVE)

    executor, result = it.resume()

    assert executor.failure is None
    statuses = [wave.result and wave.result.status for wave in result.waves]
    assert statuses == ["COMPLETED", None, "COMPLETED"]
    assert not result.is_complete
    assert result.waves[1].counts["notReached"] == len(it.waves["early"])


def test_the_plan_says_how_many_things_are_described_at_the_end(site):
    it = site(things=1000, waveList="half:50%", groupFillPerSecond="100")
    described = []
    execution = it.jobs.execution
    it.jobs.execution = lambda *names: described.append(names) or execution(*names)

    executor, _ = it.run()

    assert executor.failure is None
    assert it.plan.calls["iot:DescribeJobExecution"] == len(described) == 500


def test_where_aws_refused_the_only_job_nothing_was_deployed_and_nothing_stays(site):
    times = "[SCHEDULING_CONFIG]\nendTime = 2027-04-01 02:00\n"
    it = site(sections=(times,), default={"useSchedulingConfig": "True"})
    it.jobs.refusals["TestJob1234-canary"] = AwsRefused(
        "iot:CreateJob", "InvalidRequestException", "endTime must be at least 30 minutes ahead"
    )
    executor, result = it.run(max_wait_seconds=100)
    assert isinstance(executor.failure, GateWaits)
    assert not result.is_rolling_out
    it.decide(Act.REJECT)

    executor, _ = it.resume()

    assert type(executor.failure) is DeploymentRejected
    assert it.aws.is_empty

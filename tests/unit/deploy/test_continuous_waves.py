"""Waves with maintenance windows: CONTINUOUS jobs, each on a group of its own, closed when settled.

AWS has windows for CONTINUOUS jobs alone (aws-facts A6), and such a job never completes (A3).
"""

from __future__ import annotations

import pytest
from tests.support.wave_world import CONTINUOUS, NEVER, WINDOWS, Fate
from tests.unit.deploy.test_wave_versions import VersionSite
from tests.unit.deploy.test_waves import DEPLOYMENT, FAILED, Site

from otactl.deploy.journal import Outcome, Phase
from otactl.deploy.observer import Observer
from otactl.errors import GateFailed, GateWaits, JobCanceled
from otactl.model.status import (
    GATE_REASON_CODE,
    SETTLED_REASON_CODE,
    USER_CANCEL_REASON_CODE,
    ExecutionStatus,
    JobStatus,
    TargetSelection,
)
from otactl.model.wave import Verdict

WAVES = ("canary", "early", "rest")


class WindowSite(Site):
    """A deployment in waves with maintenance windows."""

    def __init__(self, folder, **options) -> None:
        super().__init__(folder, sections=WINDOWS, default=CONTINUOUS, **options)

    def job(self, wave):
        return self.jobs.jobs[f"TestJob1234-{wave}"]

    def reason(self, wave) -> str:
        return str(self.job(wave).reason_code)


@pytest.fixture
def site(tmp_path):
    sites = []

    def build(**options) -> WindowSite:
        sites.append(WindowSite(tmp_path, **options))
        return sites[-1]

    yield build
    for one in sites:
        one.journal.close()


class Each(Observer):
    """Does something at every look at a gate."""

    def __init__(self, act) -> None:
        self._act = act

    def on_gate(self, status, *, written):
        if written:
            self._act(status)


def test_each_wave_has_a_continuous_job_for_a_group_of_its_own_however_small(site):
    it = site()
    seen = set()

    def look(status):
        groups = {name for name in it.aws.registry.groups if name.startswith("otactl-")}
        seen.update(groups)

    executor, result = it.run(Each(look))

    assert executor.failure is None
    assert result.is_complete
    assert it.verdicts() == dict.fromkeys(WAVES, Verdict.PASS)
    requests = [it.job(wave).request for wave in WAVES]
    assert [one.targets for one in requests] == [
        (f"arn:aws:iot:us-east-1:123456789012:thinggroup/otactl-{DEPLOYMENT}-{wave}",)
        for wave in WAVES
    ]
    assert {one.configuration.target_selection for one in requests} == {TargetSelection.CONTINUOUS}
    schedules = [one.configuration.scheduling for one in requests]
    assert [len(one.maintenance_windows) for one in schedules] == [1, 1, 1]
    assert [one.start_time for one in schedules] == ["2027-04-01T02:00", None, None]
    assert it.jobs.began == dict.fromkeys(it.names, 1)
    assert [each.result.status for each in result.waves] == ["SETTLED"] * 3
    assert result.to_fields()["rounds"][0]["status"] == "SETTLED"
    # A SNAPSHOT job would be COMPLETED now; these are closed without force, and their groups gone.
    assert [it.reason(wave) for wave in WAVES] == [SETTLED_REASON_CODE] * 3
    assert len(seen) == 3
    assert it.aws.registry.groups == {}
    assert it.journal.outcome is Outcome.SUCCEEDED


def test_a_settled_job_is_closed_while_its_gate_still_soaks(site):
    it = site(soakMinutes="60")

    executor, _ = it.run(max_wait_seconds=300)

    assert isinstance(executor.failure, GateWaits)
    assert it.journal.gates[0].soak_left_ms is not None
    assert it.reason("canary") == SETTLED_REASON_CODE
    assert it.aws.registry.groups.keys() == {f"otactl-{DEPLOYMENT}-early"}
    # What joined the group would have got it; nobody can join now.
    executor, result = it.resume()
    assert executor.failure is None
    assert result.is_complete


def test_a_job_stays_open_for_a_thing_that_is_offline_and_is_closed_once_it_came(site):
    it = site(requiredEndedPercentage="60")
    late = it.waves["canary"][0]
    it.jobs.fates[late] = Fate(online_at_s=90_000)

    executor, result = it.run()

    assert executor.failure is None
    assert not result.is_complete
    assert it.reason("canary") == ""
    assert it.reason("early") == SETTLED_REASON_CODE
    it.aws.clock.sleep(100_000)
    assert it.executor().reopen()
    executor, result = it.resume()
    assert executor.failure is None
    assert result.is_complete
    assert it.reason("canary") == SETTLED_REASON_CODE
    assert it.aws.registry.groups == {}
    assert not it.executor().reopen()


def test_open_days_close_what_never_came(site):
    it = site(requiredEndedPercentage="60", openDays="1")
    it.jobs.fates[it.waves["rest"][0]] = NEVER
    it.run()

    it.aws.clock.sleep(90_000)
    assert it.executor().reopen()
    it.resume()

    assert it.reason("rest") == "OTACTL_CLOSE_CANCEL"
    assert it.aws.registry.groups == {}


def test_a_thing_that_somebody_adds_to_a_group_is_not_counted(site):
    """Two strangers get the canary's job: one fails, one is in the middle when it settles."""
    it = site(requiredEndedPercentage="100", requiredSucceededPercentage="100")
    it.jobs.fates |= {"failing": FAILED, "slow": Fate(takes_s=10_000)}

    def add(status):
        group = it.aws.registry.groups.get(f"otactl-{DEPLOYMENT}-canary")
        if group is not None and "slow" not in group[1]:
            group[1].extend(["failing", "slow"])

    slow = it.waves["canary"][0]
    it.jobs.fates[slow] = Fate(takes_s=200)
    executor, result = it.run(Each(add))

    assert executor.failure is None
    assert it.verdicts() == dict.fromkeys(WAVES, Verdict.PASS)
    assert {"failing", "slow"} <= it.jobs.began.keys()
    canary = result.waves[0]
    assert (canary.gate.things, canary.gate.ended, canary.gate.failed) == (5, 5, 0)
    assert canary.result.counts == {ExecutionStatus.SUCCEEDED: 5}
    assert it.reason("canary") == SETTLED_REASON_CODE
    assert result.is_complete


def test_a_bad_image_stops_at_the_canary_and_its_group_goes(site):
    it = site()
    it.jobs.fates |= dict.fromkeys(it.waves["canary"], FAILED)

    executor, _ = it.run()

    assert type(executor.failure) is GateFailed
    assert it.jobs.created == ["TestJob1234-canary"]
    assert set(it.jobs.began) == set(it.waves["canary"])
    assert it.aws.registry.groups == {}


def test_a_stop_cancels_what_is_open_of_earlier_waves_too(site):
    it = site(requiredEndedPercentage="60")
    offline = it.waves["canary"][0]
    it.jobs.fates |= {offline: Fate(online_at_s=10**6)}
    it.jobs.fates |= dict.fromkeys(it.waves["early"], FAILED)

    executor, _ = it.run()
    it.aws.clock.ms += 10**10

    assert type(executor.failure) is GateFailed
    assert it.reason("canary") == GATE_REASON_CODE
    assert offline not in it.jobs.began


def test_a_job_that_somebody_else_cancels_still_fails_the_gate(site):
    it = site()
    it.jobs.fates[it.waves["canary"][0]] = Fate(online_at_s=1000)

    def cancel(status):
        job = it.job("canary")
        if job.canceled_ms is None:
            it.jobs.cancel("TestJob1234-canary", reason_code=USER_CANCEL_REASON_CODE, comment="")

    executor, _ = it.run(Each(cancel))

    assert isinstance(executor.failure, JobCanceled)


def test_a_thing_that_no_group_takes_does_not_keep_its_wave_open(site):
    it = site(requiredEndedPercentage="60")
    full = it.waves["canary"][0]
    it.aws.registry.full.add(full)

    executor, result = it.run()

    assert executor.failure is None
    assert it.reason("canary") == SETTLED_REASON_CODE
    assert result.waves[0].gate.not_reached == 1
    assert result.waves[0].result.not_reached_things == (full,)


def test_with_clean_up_everything_goes_and_nothing_is_forced(site):
    it = site(clean_up="True", requiredEndedPercentage="60")
    it.jobs.fates[it.waves["canary"][0]] = NEVER

    executor, _ = it.run()

    assert executor.failure is None
    assert it.aws.is_empty
    assert it.journal.phase is Phase.FINISHED


@pytest.mark.parametrize("wave", WAVES)
def test_a_process_that_dies_as_it_closes_a_job_is_followed_by_one_that_goes_on(site, wave):
    """The answer to the cancel is lost: the job is closed, and nothing was written of it."""
    it = site()
    cancel = it.jobs.cancel

    class Killed(BaseException):
        """As SIGKILL: nothing catches it."""

    def dies(job_id, **said):
        cancel(job_id, **said)
        if job_id.endswith(wave):
            raise Killed

    it.jobs.cancel = dies
    with pytest.raises(Killed):
        it.run()
    it.jobs.cancel = cancel
    executor, result = it.resume()

    assert executor.failure is None
    assert result.is_complete
    assert it.jobs.began == dict.fromkeys(it.names, 1)
    assert it.jobs.describe(f"TestJob1234-{wave}").status is JobStatus.CANCELED
    assert it.aws.registry.groups == {}


def test_versions_are_verified_and_a_stranger_does_not_keep_the_group(tmp_path):
    """Verification needs the groups for longer than the jobs; it knows whose things they are."""
    it = VersionSite(tmp_path, sections=WINDOWS, default=CONTINUOUS)

    def add(status):
        group = it.aws.registry.groups.get(f"otactl-{DEPLOYMENT}-canary")
        if group is not None and "stranger" not in group[1]:
            group[1].append("stranger")

    it.jobs.fates[it.waves["canary"][0]] = Fate(takes_s=100)
    executor, result = it.run(Each(add))

    assert executor.failure is None
    assert "stranger" in it.jobs.began
    assert set(it.named()) == set(it.waves["canary"])
    assert sum(result.versions.counts.values()) == 30
    assert it.aws.registry.groups == {}
    it.journal.close()

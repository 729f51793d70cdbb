"""Killed at any instant: resumed, the same things get the same image in the same waves, once.

The instants are not listed here: an undisturbed run tells how often an observer is told anything
(before and after each step, doing and undoing, before and after each verdict is written, at each
look in a wait), and then one process after the other dies at the first, the second, … of them. What
a killed process leaves is its journal and AWS; memory goes, no handler runs that would tidy up.
`tests/e2e/test_waves_killed.py` does the same with SIGKILL at a few instants.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.support.wave_world import CONTINUOUS, NEVER, WINDOWS, Fate
from tests.unit.deploy.test_waves import FAILED, Site

from otactl.deploy.consent import Consent
from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Phase, StepState
from otactl.deploy.observer import Moment, Observer
from otactl.errors import GateFailed
from otactl.model.wave import Verdict

#: The quick run takes every 23rd instant; a prime, so that scenarios differ in what they meet.
QUICK = 23


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Killer(Observer):
    """Counts what it is told, and dies at one of them."""

    def __init__(self, at: int | None = None) -> None:
        self.instants = 0
        self._at = at

    def _tick(self) -> None:
        self.instants += 1
        if self.instants == self._at:
            raise Killed

    def on_step(self, moment):
        self._tick()

    def on_progress(self, step, done, of):
        self._tick()

    def on_snapshot(self, round_number, snapshot):
        self._tick()

    def on_gate(self, status, *, written):
        self._tick()


@dataclass(frozen=True)
class Scenario:
    """A deployment, and the fates of some things by the wave they are in."""

    name: str
    fates: dict[str, list[Fate]]
    clean_up: str = "False"
    fails: bool = False
    things: int = 130
    windows: bool = False


SCENARIOS = (
    Scenario("good", {}),
    Scenario("good and cleaned up", {"canary": [NEVER]}, clean_up="True"),
    Scenario("bad in the second wave", {"canary": [NEVER], "early": [FAILED] * 40}, fails=True),
    Scenario("bad and cleaned up", {"early": [FAILED] * 40}, clean_up="True", fails=True),
    Scenario("good, in windows", {"early": [NEVER]}, windows=True),
)


def site_of(scenario: Scenario, folder) -> Site:
    folder.mkdir()
    it = Site(
        folder,
        things=scenario.things,
        clean_up=scenario.clean_up,
        waveList="canary:10, early:80%",
        groupFillPerSecond="20",
        soakMinutes="1",
        requiredEndedPercentage="60",
        sections=WINDOWS if scenario.windows else (),
        default=CONTINUOUS if scenario.windows else None,
    )
    for wave, fates in scenario.fates.items():
        it.jobs.fates |= dict(zip(it.waves[wave], fates, strict=False))
    return it


def remember_began(it: Site) -> None:
    """Count what devices begin, beyond the end of jobs that are deleted."""
    it.taken = {}
    delete = it.jobs.delete_job

    def delete_and_remember(job_id):
        if job_id in it.jobs.jobs:
            for one in it.jobs.all_of(job_id):
                if one.started_at_ms is not None:
                    it.taken[one.thing_name] = it.taken.get(one.thing_name, 0) + 1
        delete(job_id)

    it.jobs.delete_job = delete_and_remember


def began(it: Site) -> dict[str, int]:
    counts = dict(it.taken)
    for name, number in it.jobs.began.items():
        counts[name] = counts.get(name, 0) + number
    return counts


def instants_of(scenario: Scenario, folder) -> tuple[int, dict[str, int], list[str]]:
    it = site_of(scenario, folder)
    remember_began(it)
    killer = Killer()
    executor, _ = it.run(killer)
    assert isinstance(executor.failure, GateFailed) == scenario.fails
    it.journal.close()
    return killer.instants, began(it), it.jobs.created


@pytest.mark.parametrize("stride", [QUICK, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.timeout(1200)
def test_killed_at_any_instant_it_is_resumed_to_the_same_end(scenario, stride, tmp_path):
    total, expected, created = instants_of(scenario, tmp_path / "undisturbed")

    for at in range(1, total + 1, stride):
        it = site_of(scenario, tmp_path / str(at))
        remember_began(it)
        with pytest.raises(Killed):
            it.run(Killer(at))
        waves = {name: list(names) for name, names in it.waves.items()}
        it.aws.clock.sleep(1)
        executor, result = it.resume()

        assert (type(executor.failure) is GateFailed) == scenario.fails, at
        assert began(it) == expected, at
        assert set(it.jobs.created) == set(created), at
        assert len(it.jobs.created) == len(set(it.jobs.created)), at
        for number, name in enumerate(waves, start=1):
            assert sorted(waves[name]) == it.journal.wave_things(number), at
        if not scenario.fails:
            assert {one.gate.verdict for one in result.waves} == {Verdict.PASS}, at
        assert it.journal.phase is Phase.FINISHED, at
        assert it.aws.registry.groups == {} or scenario.clean_up == "False", at
        if scenario.clean_up == "True":
            assert it.aws.is_empty, at
        it.journal.close()


@pytest.mark.parametrize("stride", [QUICK, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("scenario", SCENARIOS[:3:2], ids=lambda scenario: scenario.name)
@pytest.mark.timeout(1200)
def test_killed_at_any_instant_clean_leaves_nothing(scenario, stride, tmp_path):
    total, _, _ = instants_of(scenario, tmp_path / "undisturbed")

    for at in range(1, total + 1, stride):
        it = site_of(scenario, tmp_path / str(at))
        with pytest.raises(Killed):
            it.run(Killer(at))
        it.journal.close()
        it.journal = Journal.open(it.path)
        Executor(it.journal, it.aws.services, Observer(), dict).clean(Consent.YES)

        assert it.aws.is_empty, at
        it.journal.close()


def test_a_pass_whose_next_job_does_not_exist_is_judged_again_and_a_fail_stands(tmp_path):
    it = site_of(SCENARIOS[0], tmp_path / "one")

    class AfterPass(Observer):
        def on_gate(self, status, *, written):
            if status.verdict is Verdict.PASS and written:
                raise Killed

    with pytest.raises(Killed):
        it.run(AfterPass())
    assert it.verdicts() == {"canary": Verdict.PASS}
    # What looked good when the process died has failed since.
    it.jobs.fates |= dict.fromkeys(it.waves["canary"], FAILED)

    executor, _ = it.resume()

    assert type(executor.failure) is GateFailed
    assert it.jobs.created == ["TestJob1234-canary"]
    it.jobs.fates.clear()
    again, _ = it.resume()
    assert type(again.failure) is GateFailed
    assert it.jobs.created == ["TestJob1234-canary"]
    it.journal.close()


def test_a_pass_that_was_recorded_as_done_is_judged_again_before_the_next_job(tmp_path):
    it = site_of(SCENARIOS[0], tmp_path / "one")

    class AfterGate(Observer):
        def on_step(self, moment):
            if moment.step.key == "wave-canary/gate" and moment.moment is Moment.DONE:
                raise Killed

    with pytest.raises(Killed):
        it.run(AfterGate())
    assert it.journal.state("wave-canary/gate") is StepState.DONE
    # It is resumed the next morning, and what looked good has failed since.
    it.jobs.fates |= dict.fromkeys(it.waves["canary"], FAILED)

    executor, _ = it.resume(max_wait_seconds=900)

    assert type(executor.failure) is GateFailed
    assert it.jobs.created == ["TestJob1234-canary"]
    it.journal.close()

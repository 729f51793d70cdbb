"""Plays a deployment in waves once: each wave is a rollout of its own, followed by its gate.

A wave is played whole (``run``) and its gate evaluated over all of it at once (``gate_moment``). If
a gate fails, all waves are cancelled at that time, as by a cancel without force. With
``onGateFailure = rollback`` the things that have the image are then rolled back in the same way, in
the waves of ``rules.rollback``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from otactl.forecast.abort_finder import Abort
from otactl.forecast.ensemble import FleetScenario, end_ms, opens_of
from otactl.forecast.gate_moment import GateView, alarm_moment, gate_moment
from otactl.forecast.profile import FleetProfile
from otactl.forecast.run import Pace, Run, run
from otactl.forecast.run_result import RunResult, run_result
from otactl.forecast.sampled_fleet import SampledFleet
from otactl.model.alarm import Alarm
from otactl.model.job_configuration import JobConfiguration
from otactl.model.rollback import REPORT_MS
from otactl.model.status import ExecutionStatus
from otactl.model.verify import VerifyRule
from otactl.model.wave import Verdict, Wave, Waves
from otactl.rules.rollback import rollback_waves
from otactl.rules.rollout import DEFAULT_MAXIMUM_PER_MINUTE, MINUTE_MS
from otactl.rules.schedule import problems
from otactl.rules.waves.membership import expected_sizes, share_of_those_taken_last


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPolicy:
    """The inputs of a rollback.

    Attributes:
        job: The policy of the deployment.
        profile: The fleet, with a good image.
        wait_ms: Longest wait for things in progress before the rollback.
    """

    job: JobConfiguration
    profile: FleetProfile
    wait_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveScenario(FleetScenario):
    """A deployment to a fleet in waves.

    Attributes:
        verify: How versions are verified; None if they are not.
        alarms: The alarms of each wave's job.
        answer_ms: How long a person takes to approve.
        connected: For each wave, the number of things known to be connected; empty: as the profile
            says.
        rollback: The rollback after a gate failed; None for no rollback.
    """

    waves: Waves
    verify: VerifyRule | None = None
    alarms: tuple[Alarm, ...] = ()
    answer_ms: int = 0
    connected: tuple[int, ...] = ()
    rollback: RollbackPolicy | None = None

    @property
    def planned(self) -> tuple[tuple[Wave, int], ...]:
        """The waves that have things, and their sizes; waves of groups are left out."""
        sizes = expected_sizes([wave.size for wave in self.waves.waves], self.things)
        pairs = zip(self.waves.waves, sizes, strict=True)
        return tuple((wave, size) for wave, size in pairs if size)

    def profile_of(self, number: int) -> FleetProfile:
        """The fleet of which a wave, from 0, is a sample."""
        if not self.waves.prefers_recent:
            return self.profile
        sizes, gone = [size for _, size in self.planned], self.profile.share_gone
        return self.profile.with_share_gone(
            share_of_those_taken_last(sum(sizes[:number]), sizes[number], self.things, gone)
        )


def rollback_scenario(
    connected: int,
    offline: int,
    *,
    job: JobConfiguration,
    profile: FleetProfile,
    image_bytes: int,
) -> WaveScenario:
    """The rollback of things to one former version, with which they behave as the profile says.

    ``offline`` is the number of things not known to be connected.
    """
    waves = rollback_waves(connected, offline, job)
    return WaveScenario(
        waves=Waves(waves=tuple(each.wave for each in waves)),
        profile=profile,
        things=connected + offline,
        image_bytes=image_bytes,
        connected=tuple(each.connected for each in waves),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedWave:
    """One wave of one run.

    Attributes:
        began_ms, decided_ms: Since the deployment began; infinite without a decision.
        is_refused: Whether AWS refuses its job because the schedule ends too soon.
        notified, bricked: Things, at the end of the run.
    """

    verdict: Verdict
    began_ms: float
    decided_ms: float
    is_refused: bool = False
    notified: int = 0
    bricked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """The rollback of one run.

    Attributes:
        things: Number of things that have the image and are rolled back.
        seconds: From the failed gate until the rollback's last gate passed; infinite if one does
            not pass.
        failed: Whether a gate of the rollback failed too.
    """

    things: int
    seconds: float
    failed: bool


@dataclass(frozen=True, slots=True)
class PlayedRun:
    """One run: the waves that began, and the rollback of a run that a gate stopped."""

    waves: tuple[PlayedWave, ...]
    way_back: WayBack | None = None


def play_waves(scenario: WaveScenario, seed: np.random.SeedSequence) -> PlayedRun:
    """Play one run."""
    planned, begun = scenario.planned, list[tuple[PlayedWave, Run | None]]()
    began_ms, stop_ms = _fill_ms(scenario, *planned[0]), math.inf
    for number in range(len(planned)):
        wave, one_run = _play(scenario, number, began_ms, seed)
        begun.append((wave, one_run))
        if wave.verdict is not Verdict.PASS:
            stop_ms = wave.decided_ms if wave.verdict is Verdict.FAIL else math.inf
            break
        if number + 1 < len(planned):
            filled_ms = began_ms + _fill_ms(scenario, *planned[number + 1])
            began_ms = max(wave.decided_ms, filled_ms)
    waves, results = [], []
    for (wave, one_run), (_, things) in zip(begun, planned, strict=False):
        if one_run is None:
            waves.append(wave)
            continue
        found = _cut(one_run, things, scenario, stop_ms - wave.began_ms)
        results.append(found)
        waves.append(replace(wave, notified=found.notified, bricked=found.bricked))
    way_back = None
    if scenario.rollback is not None and math.isfinite(stop_ms):
        way_back = _way_back(scenario.rollback, scenario.image_bytes, waves, results, seed)
    return PlayedRun(tuple(waves), way_back)


def _play(
    scenario: WaveScenario, number: int, began_ms: float, seed: np.random.SeedSequence
) -> tuple[PlayedWave, Run | None]:
    """Play one wave from its begin to its gate; no run if AWS refuses its job."""
    wave, things = scenario.planned[number]
    began = scenario.begins + timedelta(milliseconds=began_ms)
    schedule = wave.job.scheduling and replace(wave.job.scheduling, start_time=None)
    if schedule and next(problems(schedule, began), None) is not None:
        refused = PlayedWave(
            verdict=Verdict.INCONCLUSIVE, began_ms=began_ms, decided_ms=began_ms, is_refused=True
        )
        return refused, None
    fleet = SampledFleet(
        scenario.profile_of(number).after_ms(began_ms),
        things,
        scenario.image_bytes,
        np.random.Generator(np.random.SFC64(seed.spawn(1)[0])),
        by_url=wave.job.presigned_url is not None,
        connected=scenario.connected[number] if scenario.connected else None,
    )
    # Only its gate ends the wave; abort criteria apply as in any job.
    one_run = run(
        fleet,
        wave.job,
        Pace(wave.job.rollout, things),
        opens_of(schedule, began, scenario.horizon_minutes),
        end_ms(schedule, began),
    )
    view = GateView(
        verify_ms=None if scenario.verify is None else scenario.verify.verify_ms,
        alarm_ms=min((alarm_moment(each, one_run) for each in scenario.alarms), default=math.inf),
        answer_ms=scenario.answer_ms,
    )
    verdict, after_ms = gate_moment(wave.rule, things, one_run, view)
    decided_ms = began_ms + after_ms
    return PlayedWave(verdict=verdict, began_ms=began_ms, decided_ms=decided_ms), one_run


def _fill_ms(scenario: WaveScenario, wave: Wave, things: int) -> float:
    """How long the thing group of a wave takes to fill, if it needs one."""
    return 1000 * things / scenario.waves.fill_per_second if wave.needs_group(things) else 0


def _cut(one_run: Run, things: int, scenario: WaveScenario, stop_ms: float) -> RunResult:
    """The run if it is cancelled at this time, unless its job aborted itself before."""
    abort = one_run.abort
    if math.isfinite(stop_ms) and (abort is None or abort.at_ms > stop_ms):
        abort = Abort(at_ms=int(stop_ms), criterion=0, executed=0, failed=0)
    return run_result(
        replace(one_run, abort=abort),
        things=things,
        image_bytes=scenario.image_bytes,
        horizon_minutes=scenario.horizon_minutes,
    )


def _way_back(
    policy: RollbackPolicy,
    image_bytes: int,
    waves: list[PlayedWave],
    results: list[RunResult],
    seed: np.random.SeedSequence,
) -> WayBack:
    """Roll back the things that have the image, after everything has stopped.

    They are the things that SUCCEEDED, except those that came back with the old version, and those
    that failed after installing. Those of them that never report again are not waited for.
    """
    succeeded = sum(found.by_status[ExecutionStatus.SUCCEEDED] for found in results)
    offline = sum(found.vanished for found in results)
    connected = succeeded - offline + sum(found.bricked - found.unproven for found in results)
    if not connected + offline:
        return WayBack(things=0, seconds=0.0, failed=False)
    scenario = rollback_scenario(
        connected, offline, job=policy.job, profile=policy.profile, image_bytes=image_bytes
    )
    last = play_waves(scenario, seed).waves[-1]
    seconds = (_stop_ms(policy, waves, results) + REPORT_MS + last.decided_ms) / 1000
    return WayBack(
        things=scenario.things,
        seconds=seconds if last.verdict is Verdict.PASS else math.inf,
        failed=last.verdict is Verdict.FAIL,
    )


def _stop_ms(policy: RollbackPolicy, waves: list[PlayedWave], results: list[RunResult]) -> float:
    """From the failed gate until nothing is queued and executions in progress have ended."""
    stop_ms, waited_ms, canceled = waves[-1].decided_ms, 0.0, 0
    for wave, found in zip(waves, results, strict=True):
        left = math.inf if found.settled_ms is None else wave.began_ms + found.settled_ms - stop_ms
        waited_ms = max(waited_ms, min(left, policy.wait_ms))
        canceled += found.by_status[ExecutionStatus.CANCELED]
    return max(waited_ms, canceled / DEFAULT_MAXIMUM_PER_MINUTE * MINUTE_MS)

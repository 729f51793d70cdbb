"""The forecast of waves is right: the same deployments carried out by the engine, side by side.

The engine of `otactl deploy` runs against AWS in memory (``tests.support.wave_world``) on a clock
that jumps; what each thing does is drawn from the same fleet profile as in the forecast, with other
seeds. So what differs is chance, and how often the engine polls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.support.version_world import BRICKED, REVERTED
from tests.support.wave_world import NEVER as NEVER_ONLINE
from tests.support.wave_world import Fate
from tests.unit.deploy.test_wave_versions import VersionSite
from tests.unit.deploy.test_waves import Site

from otactl.deploy.observer import Observer
from otactl.errors import GateFailed, GateWaits
from otactl.forecast.attempts import NEVER, STATUSES
from otactl.forecast.lint.wave_check import gate_power
from otactl.forecast.profile import FleetProfile, Group
from otactl.forecast.sampled_fleet import SampledFleet
from otactl.forecast.waves import WaveScenario, WavesForecast, forecast_waves
from otactl.model.status import ExecutionStatus
from otactl.model.wave import Act, Verdict

SEEDS = 20
INSIDE = 14
THINGS = 160
IMAGE_BYTES = 400_000
#: Of ``wave_ini``.
TIMEOUT_MINUTES = 30
#: The engine decides at a poll: up to so many seconds after the instant, in each wave.
POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Scene:
    """One deployment: how its things behave, what its gates ask, and whether versions are verified.

    Only the engine plays scenes with ``verifies``: to devices, bricks are the timeout's.
    """

    name: str
    group: Group
    keys: dict[str, str] = field(default_factory=dict)
    verifies: bool = False


SCENES = (
    Scene("a healthy fleet", Group(failure_rate=0.001, rejection_rate=0, silence_rate=0, online=1)),
    Scene(
        "one in twenty fails", Group(failure_rate=0.05, rejection_rate=0, silence_rate=0, online=1)
    ),
    Scene("one in five fails", Group(failure_rate=0.2, rejection_rate=0, silence_rate=0, online=1)),
    Scene(
        "some fall silent and time out",
        Group(failure_rate=0, rejection_rate=0, silence_rate=0.02, online=1),
        {"requiredEndedPercentage": "100", "requiredSucceededPercentage": "90"},
    ),
    Scene(
        "one in ten fails, and that may be",
        Group(failure_rate=0.1, rejection_rate=0.01, silence_rate=0, online=1),
        {"requiredSucceededPercentage": "85"},
    ),
)
ENGINE_SCENES = (
    *SCENES,
    Scene(
        "some come back old or not at all",
        Group(
            failure_rate=0.01,
            rejection_rate=0,
            silence_rate=0,
            online=1,
            old_rate=0.02,
            dark_rate=0.02,
        ),
        {"requiredVerifiedPercentage": "95"},
        verifies=True,
    ),
    Scene(
        "somebody approves",
        Group(failure_rate=0.01, rejection_rate=0, silence_rate=0, online=1),
        {"approval": "True"},
    ),
)
QUICK = {"one in twenty fails"}
VERIFY_MINUTES = 20


class Decisions(Observer):
    """When each gate decided, in seconds since the deployment began."""

    def __init__(self, clock) -> None:
        self._clock, self._began_ms = clock, clock.ms
        self.at: dict[str, float] = {}

    def on_gate(self, status, *, written):
        if written and status.is_final:
            self.at[status.name] = (self._clock.ms - self._began_ms) / 1000


def site_of(scene: Scene, folder, seed: int) -> Site:
    """The deployment, with the fates of its things drawn anew."""
    folder.mkdir()
    options = {"verify": {"verifyMinutes": str(VERIFY_MINUTES)}} if scene.verifies else {}
    it = (VersionSite if scene.verifies else Site)(
        folder,
        **options,
        things=THINGS,
        waveList="canary:50, early:30%",
        soakMinutes="2",
        maximumMinutes="2000",
        groupFillPerSecond="100",
        sampleSeed="1",
        **({"requiredSucceededPercentage": "98"} | scene.keys),
    )
    fleet = SampledFleet(
        FleetProfile(group=(scene.group,)),
        THINGS,
        IMAGE_BYTES,
        np.random.Generator(np.random.SFC64([99, seed])),
        by_url=False,
    )
    drawn = fleet.first(0, np.zeros(THINGS, dtype=np.int64))
    it.jobs.fates = {name: fate_of(drawn, place) for place, name in enumerate(it.names)}
    if scene.verifies:
        it.states.returns = {
            name: BRICKED if drawn.breaks_after_ms[place] < NEVER else REVERTED
            for place, name in enumerate(it.names)
            if drawn.unproven[place]
        }
    return it


def fate_of(drawn, place: int) -> Fate:
    starts_ms, reports_ms = int(drawn.started_ms[place]), int(drawn.reports_after_ms[place])
    limit_s = 60.0 * TIMEOUT_MINUTES
    if starts_ms >= NEVER:
        return NEVER_ONLINE
    if reports_ms >= limit_s * 1000:
        return Fate(starts_ms / 1000, limit_s, ExecutionStatus.TIMED_OUT)
    return Fate(starts_ms / 1000, reports_ms / 1000, STATUSES[drawn.reported[place]])


@pytest.fixture(scope="module")
def carried_out(tmp_path_factory):
    """For each scene, the decisions of each seed, and whether the canary stopped it."""
    kept: dict[str, list[tuple[dict[str, float], bool]]] = {}

    def of(scene: Scene) -> list[tuple[dict[str, float], bool]]:
        if scene.name not in kept:
            kept[scene.name] = []
            folder = tmp_path_factory.mktemp("waves")
            for seed in range(SEEDS):
                it = site_of(scene, folder / str(seed), seed)
                decisions = Decisions(it.aws.clock)
                executor, _ = it.run(decisions, max_wait_seconds=10**6, answer=Act.APPROVE)
                assert not isinstance(executor.failure, GateWaits)
                stopped = isinstance(executor.failure, GateFailed)
                kept[scene.name].append((decisions.at, stopped and len(decisions.at) == 1))
                it.journal.close()
        return kept[scene.name]

    return of


def forecast_of(scene: Scene, folder, runs: int = 60) -> WavesForecast:
    it = site_of(scene, folder / "forecast", 0)
    it.journal.close()
    return forecast_waves(
        WaveScenario(
            waves=it.configuration.waves,
            profile=FleetProfile(group=(scene.group,)),
            things=THINGS,
            image_bytes=IMAGE_BYTES,
            runs=runs,
            verify=it.configuration.verify,
        ),
        name=scene.name,
    )


def scenes():
    return [
        pytest.param(scene, id=scene.name, marks=() if scene.name in QUICK else pytest.mark.slow)
        for scene in ENGINE_SCENES
    ]


@pytest.mark.parametrize("scene", scenes())
def test_the_canarys_gate_decides_within_the_band(scene, carried_out, tmp_path):
    found = forecast_of(scene, tmp_path)
    band = found.gate_seconds(0)
    assert band is not None

    times = [at["canary"] for at, _ in carried_out(scene)]

    inside = sum(band.low - 1 <= time <= band.high + POLL_SECONDS for time in times)
    assert inside >= INSIDE, (band, sorted(times))


@pytest.mark.parametrize("scene", scenes())
def test_the_canary_stops_it_as_often_as_lint_says(scene, carried_out, tmp_path):
    found = forecast_of(scene, tmp_path)
    rule = found.scenario.planned[0][0].rule
    bad = scene.group.failure_rate + scene.group.silence_rate
    wrong = scene.group.old_rate + scene.group.dark_rate
    power = gate_power(rule, 50, bad, unproven=wrong)
    spread = 4 * math.sqrt(power * (1 - power) / SEEDS) + 1 / SEEDS

    stopped = sum(at_canary for _, at_canary in carried_out(scene)) / SEEDS

    assert abs(stopped - power) <= spread
    assert abs(found.share(0, Verdict.FAIL) - power) <= spread


@pytest.mark.slow
def test_a_healthy_deployment_ends_within_the_band(carried_out, tmp_path):
    scene = SCENES[0]
    found = forecast_of(scene, tmp_path)
    band, waves = found.end_seconds, len(found.scenario.planned)

    ends = [max(at.values()) for at, _ in carried_out(scene) if len(at) == waves]

    inside = sum(band.low - 1 <= end <= band.high + waves * POLL_SECONDS for end in ends)
    assert inside >= INSIDE, (band, sorted(ends))

"""The forecast of waves is right: the same deployments carried out on real virtual devices.

``test_waves_forecast`` plays the engine against AWS in memory; here `otactl deploy` runs against a
local cloud at sixty times our speed, and each device gets from the same profile what it does and
how long its installation takes. That is minutes, and what broker and machine take is seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from tests.e2e.test_waves import Site, fast_cloud
from tests.scenario.test_waves_forecast import INSIDE, SCENES, SEEDS, TIMEOUT_MINUTES, Scene
from tests.support.fleet_stage import QUICK

from otactl.deploy.store import DeploymentStore
from otactl.device.behaviour import Behaviour
from otactl.fleet import DevicePlan, FleetRun
from otactl.forecast.attempts import NEVER, STATUSES
from otactl.forecast.distribution import Distribution
from otactl.forecast.lint.wave_check import gate_power
from otactl.forecast.profile import FleetProfile, Group
from otactl.forecast.sampled_fleet import SampledFleet
from otactl.forecast.waves import WaveScenario, WavesForecast, forecast_waves
from otactl.model.status import ExecutionStatus
from otactl.model.wave import Verdict
from otactl.operations.load import load_deployment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

__all__ = ["fast_cloud"]

#: One thing is left for the wave behind the canary, whose gate is what is compared.
THINGS, CANARY = 21, 20
IMAGE_BYTES = 20_000
#: Deployments at once: each waits for its devices most of the time.
AT_ONCE = 4
#: A poll, and what broker and machine take, by the cloud's clock.
LATE_SECONDS = 60.0
_BEHAVIOURS = {
    ExecutionStatus.SUCCEEDED: Behaviour.SUCCEED,
    ExecutionStatus.FAILED: Behaviour.FAIL,
    ExecutionStatus.REJECTED: Behaviour.REJECT,
}


def group_of(scene: Scene) -> Group:
    """The scene's things, with work that takes minutes."""
    return scene.group.model_copy(
        update={
            "install_seconds": Distribution(median=240, p95=900),
            "bandwidth_bytes_per_second": Distribution(constant=500_000),
            "reboot_seconds": Distribution(constant=0),
        }
    )


@dataclass(frozen=True)
class Seen:
    """When the canary's gate decided, in seconds since it began, and what it said."""

    seconds: float
    verdict: str


class DrawnSite(Site):
    """A deployment whose devices do what was drawn for them."""

    @contextmanager
    def drawn_fleet(self, scene: Scene, seed: int) -> Iterator[FleetRun]:
        fleet = SampledFleet(
            FleetProfile(group=(group_of(scene),)),
            THINGS,
            IMAGE_BYTES,
            np.random.Generator(np.random.SFC64([98, seed])),
            by_url=False,
        )
        drawn = fleet.first(0, np.zeros(THINGS, dtype=np.int64))
        plans = []
        for place, name in enumerate(self.names):
            takes_ms = int(drawn.reports_after_ms[place])
            status = STATUSES[drawn.reported[place]]
            is_silent = takes_ms >= NEVER
            plans.append(
                DevicePlan(
                    thing_name=name,
                    behaviour=Behaviour.SILENT if is_silent else _BEHAVIOURS[status],
                    profile=QUICK if is_silent else replace(QUICK, install_ms=takes_ms),
                )
            )
        with self.connected(plans) as run:
            yield run

    def canary_of(self, result: dict[str, Any]) -> Seen:
        began_ms = [
            journal.find_instant("wave-1/begun") or 0
            for _, journal in DeploymentStore(self.folder / "state").journals()
        ]
        gate = result["waves"][0]["gate"]
        decided = datetime.fromisoformat(gate["decidedAt"]).timestamp()
        return Seen(decided - began_ms[0] / 1000, gate["verdict"])


def keys_of(scene: Scene) -> dict[str, str]:
    return {
        "waveList": f"canary:{CANARY}",
        "soakMinutes": "2",
        "maximumMinutes": "2000",
        "requiredSucceededPercentage": "98",
    } | scene.keys


@pytest.fixture(scope="module")
def carried_out(fast_cloud, tmp_path_factory):
    """What the canary's gate said with the devices of each seed."""
    kept: dict[str, list[Seen]] = {}

    def one(scene: Scene, seed: int) -> Seen:
        folder = tmp_path_factory.mktemp("devices")
        unique = f"{SCENES.index(scene)}x{seed}"
        it = DrawnSite(
            fast_cloud,
            folder,
            unique,
            THINGS,
            canary=CANARY,
            timeout=TIMEOUT_MINUTES,
            **keys_of(scene),
        )
        try:
            with it.drawn_fleet(scene, seed):
                run, result = it.deploy()
            assert run.returncode in (0, 8), run.stderr
            return it.canary_of(result)
        finally:
            it.remove()

    def of(scene: Scene) -> list[Seen]:
        if scene.name not in kept:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                kept[scene.name] = list(pool.map(lambda seed: one(scene, seed), range(SEEDS)))
        return kept[scene.name]

    return of


@pytest.fixture
def forecast_of(fast_cloud, tmp_path, unique):
    def of(scene: Scene) -> WavesForecast:
        it = Site(
            fast_cloud,
            tmp_path,
            unique,
            THINGS,
            canary=CANARY,
            timeout=TIMEOUT_MINUTES,
            **keys_of(scene),
        )
        waves = load_deployment(it.path).configuration.waves
        it.remove()
        assert waves is not None
        return forecast_waves(
            WaveScenario(
                waves=waves,
                profile=FleetProfile(group=(group_of(scene),)),
                things=THINGS,
                image_bytes=IMAGE_BYTES,
                runs=60,
            ),
            name=scene.name,
        )

    return of


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_canarys_gate_decides_within_the_band_with_devices(scene, carried_out, forecast_of):
    band = forecast_of(scene).gate_seconds(0)
    assert band is not None

    times = [seen.seconds for seen in carried_out(scene)]

    inside = sum(band.low - 1 <= seconds <= band.high + LATE_SECONDS for seconds in times)
    assert inside >= INSIDE, (band, sorted(times))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_canary_stops_devices_as_often_as_lint_says(scene, carried_out, forecast_of):
    found = forecast_of(scene)
    rule = found.scenario.planned[0][0].rule
    power = gate_power(rule, CANARY, scene.group.failure_rate + scene.group.silence_rate)
    spread = 4 * math.sqrt(power * (1 - power) / SEEDS) + 1 / SEEDS

    stopped = sum(seen.verdict == "fail" for seen in carried_out(scene)) / SEEDS

    assert abs(stopped - power) <= spread
    assert abs(found.share(0, Verdict.FAIL) - power) <= spread

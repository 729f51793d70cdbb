"""A forecast of a ``dev.ini``: its rollout simulated with a fleet drawn from a profile."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otactl.errors import LocalResourceMissing, UserMistake
from otactl.model.configuration import DeploymentConfiguration

if TYPE_CHECKING:
    from otactl.deploy.plan import Plan
    from otactl.forecast.ensemble import Scenario
    from otactl.forecast.price import Prices
    from otactl.forecast.summary import Forecast
    from otactl.forecast.waves import WavesForecast
    from otactl.operations.forecast_inputs import FleetInputs

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastOptions:
    """How a rollout is simulated.

    Attributes:
        failure_rate: Share of installs that fail, in place of the profile's.
        runs: Number of simulated rollouts.
        seed: Chooses the runs.
        horizon_days: When a run ends at the latest, in days.
        approval_minutes: How long a person takes to approve a gate of waves.
        prices: In place of the shipped ones.
    """

    failure_rate: float | None = None
    runs: int = 20
    seed: int = 1
    horizon_days: int = 30
    approval_minutes: int = 0
    prices: Prices | None = None


def require(package: str, what: str) -> None:
    """Check that the package of an extra is installed.

    Raises:
        LocalResourceMissing: The package cannot be imported.
    """
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise LocalResourceMissing(
            f"{what} needs {package}, which is not installed",
            hint="pip install 'otactl[forecast]'",
        ) from error


def read_scenario(path: Path, fleet: FleetInputs, options: ForecastOptions) -> Scenario:
    """The scenario for a suggestion, from the ``dev.ini`` and the fleet.

    Raises:
        ConfigurationInvalid: A file is invalid.
        UserMistake: The number of things or the size of the image is unknown.
    """
    from otactl.operations.load import read_configuration

    configuration = read_configuration(path).configuration
    configuration.refuse_waves("a suggestion")
    return _scenario(configuration, fleet, options)


def _scenario(
    configuration: DeploymentConfiguration, fleet: FleetInputs, options: ForecastOptions
) -> Scenario:
    from otactl.forecast.ensemble import Scenario

    return Scenario(job=configuration.job, **_played(configuration, fleet, options))


def _played(
    configuration: DeploymentConfiguration, fleet: FleetInputs, options: ForecastOptions
) -> dict[str, Any]:
    """The fields of the fleet and the runs that scenarios with and without waves share."""
    from otactl.operations.forecast_inputs import count_things, require_size
    from otactl.rules.schedule import begins_at

    rate, profile = options.failure_rate, fleet.profile
    return {
        "profile": profile if rate is None else profile.with_failure_rate(rate),
        "things": count_things(configuration, fleet),
        "image_bytes": require_size(configuration, fleet),
        "runs": options.runs,
        "seed": options.seed,
        "horizon_days": options.horizon_days,
        "begins": begins_at(configuration.job.scheduling, datetime.now(UTC)),
    }


def forecast_file(
    path: Path,
    fleet: FleetInputs,
    options: ForecastOptions,
    on_run: Callable[[int, int], None] = lambda _done, _of: None,
) -> Forecast | WavesForecast:
    """Forecast one ``dev.ini``; AWS is not called.

    For a file with waves, the waves and their gates are forecast.

    Args:
        path: The file.
        fleet: From ``read_fleet``.
        options: How it is simulated.
        on_run: Called with the number of finished runs and of all runs.

    Raises:
        LocalResourceMissing: The extra ``forecast`` is not installed.
    """
    require("numpy", "a forecast")
    from otactl.forecast.price import shipped_prices
    from otactl.forecast.summary import make_forecast
    from otactl.operations.load import read_configuration

    configuration = read_configuration(path).configuration
    if configuration.waves is not None:
        return _forecast_waves(path, configuration, fleet, options, on_run)
    scenario = _scenario(configuration, fleet, options)
    return make_forecast(
        scenario,
        name=path.name,
        prices=options.prices or shipped_prices(),
        alarms=len(configuration.alarms),
        notes=_notes(fleet, configuration.rounds),
        on_run=lambda done: on_run(done, scenario.runs),
    )


def _forecast_waves(
    path: Path,
    configuration: DeploymentConfiguration,
    fleet: FleetInputs,
    options: ForecastOptions,
    on_run: Callable[[int, int], None],
) -> WavesForecast:
    from otactl.forecast.wave_play import RollbackPolicy
    from otactl.forecast.waves import WaveScenario, forecast_waves

    waves = configuration.waves
    if waves is None:
        raise LookupError("a file without waves")
    rollback = None
    if waves.rolls_back:
        wait_ms = _MINUTE_MS * configuration.abort_wait_minutes
        rollback = RollbackPolicy(job=configuration.job, profile=fleet.profile, wait_ms=wait_ms)
    scenario = WaveScenario(
        waves=waves,
        verify=configuration.verify,
        alarms=configuration.alarms,
        answer_ms=_MINUTE_MS * options.approval_minutes,
        rollback=rollback,
        **_played(configuration, fleet, options),
    )
    if not scenario.planned:
        raise UserMistake(
            f"{path}: every wave is one of thing groups, whose sizes are unknown without AWS",
            hint="a forecast needs waves with a number, a percentage or rest",
        )
    return forecast_waves(
        scenario,
        name=path.name,
        notes=_notes(fleet, 1),
        on_run=lambda done: on_run(done, scenario.runs),
    )


def forecast_rollback(
    plan: Plan, configuration: DeploymentConfiguration, offline: Collection[str], fleet: FleetInputs
) -> WavesForecast:
    """Forecast a planned rollback to one former version.

    The configuration is that of the deployment that is rolled back.

    Raises:
        LocalResourceMissing: The extra ``forecast`` is not installed.
    """
    require("numpy", "a forecast")
    from otactl.deploy.step import UploadImage
    from otactl.forecast.wave_play import rollback_scenario
    from otactl.forecast.waves import forecast_waves

    names = [name for things in plan.wave_things for name in things]
    away = sum(name in offline for name in names)
    (image,) = (step for step in plan.steps if isinstance(step, UploadImage))
    scenario = rollback_scenario(
        len(names) - away,
        away,
        job=configuration.job,
        profile=fleet.profile,
        image_bytes=image.size_bytes,
    )
    return forecast_waves(scenario, name=plan.job_id, notes=_notes(fleet, 1))


def _notes(fleet: FleetInputs, rounds: int) -> list[str]:
    notes = []
    if fleet.is_assumed:
        notes.append(
            "no profile was given: an unremarkable fleet is assumed (docs/forecast.md); give "
            "yours with --profile"
        )
    if rounds > 1:
        notes.append(f"this is one of {rounds} rounds")
    return notes

"""``otactl forecast``: forecasts a rollout before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import options
from otactl.cli.forecast_options import FLEET_PANEL, Fleet
from otactl.cli.option_group import grouped
from otactl.cli.suggestion import SUGGEST_PANEL, Suggesting, print_best
from otactl.errors import UserMistake
from otactl.operations.forecast import ForecastOptions, forecast_file, read_scenario, require

if TYPE_CHECKING:
    from otactl.forecast.summary import Forecast
    from otactl.forecast.waves import WavesForecast

#: In minutes, a year: the time of all waves together is a date.
_LONGEST_APPROVAL = 366 * 1440


@grouped
def forecast(
    file: options.Configuration,
    *,
    fleet: Fleet,
    failure_rate: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Give the fleet an image that fails at this rate, such as 0.05.",
            rich_help_panel=FLEET_PANEL,
        ),
    ] = None,
    runs: Annotated[
        int, typer.Option(min=1, max=10_000, help="Number of simulated rollouts.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the runs.")] = 1,
    horizon_days: Annotated[
        int,
        typer.Option("--horizon", min=1, max=365, metavar="DAYS", help="Simulate at most DAYS."),
    ] = 30,
    approval_minutes: Annotated[
        int,
        typer.Option(
            min=0, max=_LONGEST_APPROVAL, metavar="N", help="Time until a person approves a gate."
        ),
    ] = 0,
    compare: Annotated[
        list[Path] | None, typer.Option(metavar="OTHER.ini", help="Compare with this file.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(metavar="PRICES", help="TOML file with other prices.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="Write the forecast as an HTML page.")
    ] = None,
    suggest: Annotated[
        bool,
        typer.Option(
            "--suggest",
            help="Search for a rollout and an abort criterion instead.",
            rich_help_panel=SUGGEST_PANEL,
        ),
    ] = False,
    suggesting: Suggesting,
    output: options.Output = options.TEXT,
) -> None:
    """Say what deploying FILE will do: how long, to how many things, for how much, when it aborts.

    The rollout is simulated many times with a fleet drawn from a profile; every number is a median
    with its 90% band. AWS is not called and nothing is changed.

    With --suggest, FILE's rollout and abort criteria are replaced by ones that finish --within a
    time and let an image that fails at --failure-rate brick at most --max-bricked things.
    """
    if suggest and (compare or html):
        raise UserMistake("--suggest prints a suggestion: leave out --compare and --html")
    if not suggest and suggesting.is_given:
        raise UserMistake("--within and --max-bricked are the goal of --suggest")
    require("numpy", "a forecast")
    from otactl.cli.terminal import stderr_console
    from otactl.operations.forecast_inputs import read_prices
    from otactl.views.work_bar import WorkBar

    inputs = fleet.read()
    options = ForecastOptions(
        failure_rate=None if suggest else failure_rate,
        runs=runs,
        seed=seed,
        horizon_days=horizon_days,
        approval_minutes=approval_minutes,
        prices=read_prices(prices),
    )
    if suggest:
        goal = suggesting.goal(failure_rate)
        scenario = read_scenario(file, inputs, options)
        print_best(scenario, goal, output)
        return
    forecasts: list[Forecast | WavesForecast] = []
    paths = (file, *(compare or ()))
    has_names = len({path.name for path in paths}) == len(paths)
    for path in paths:
        with WorkBar(stderr_console()) as bar:
            on_run = partial(bar.on_step, f"simulating {path.name}")
            made = forecast_file(path, inputs, options, on_run)
        # Files of the same name in several folders are named by their paths.
        forecasts.append(made if has_names else replace(made, name=str(path)))
    _show(forecasts, html, output)


def _show(
    forecasts: Sequence[Forecast | WavesForecast], html: Path | None, output: options.OutputFormat
) -> None:
    from otactl.cli.terminal import note, print_json, stdout_console
    from otactl.forecast.forecast_fields import forecast_fields
    from otactl.forecast.waves import WavesForecast as OfWaves
    from otactl.operations.text_file import write_atomically
    from otactl.views.forecast_rows import print_forecast
    from otactl.views.waves_forecast import print_waves

    waves = [made for made in forecasts if isinstance(made, OfWaves)]
    plain = [made for made in forecasts if not isinstance(made, OfWaves)]
    if html is not None:
        write_atomically(html, _page(waves, plain), "the page")
    if output is options.JSON:
        fields = [
            made.to_fields() if isinstance(made, OfWaves) else forecast_fields(made)
            for made in forecasts
        ]
        print_json({**fields[0], "compared": fields[1:]} if len(fields) > 1 else fields[0])
    else:
        for in_waves in waves:
            print_waves(stdout_console(), in_waves)
        if plain:
            print_forecast(stdout_console(), plain)
    if html is not None:
        note(f"the page is {html}")


def _page(waves: Sequence[WavesForecast], plain: Sequence[Forecast]) -> str:
    if waves and plain:
        raise UserMistake(
            "--html cannot show a file with waves beside one without", hint="make two pages"
        )
    if waves:
        from otactl.views.waves_page import waves_page

        return waves_page(waves)
    require("plotly", "the page")
    from otactl.views.forecast_page import forecast_page

    return forecast_page(plain)

"""``otactl profile``: fleet profiles for ``forecast`` and ``lint``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import options
from otactl.cli.forecast_options import ImageBytes
from otactl.errors import UserMistake

#: A million executions are about 300 MB of JSON, all read into memory.
_LONGEST_REPORT = 600 * 1024 * 1024

app = typer.Typer(help="Fleet profiles: how a fleet connects, downloads and fails.")


@app.callback()
def _group() -> None:
    """Fleet profiles: how a fleet connects, downloads and fails."""


@app.command("from-report")
def from_report(
    report: Annotated[
        Path,
        typer.Argument(
            metavar="REPORT.json",
            help="The executions of a past deployment, as `otactl report` writes them.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="PROFILE", help="Where to write the profile.")
    ] = None,
    image_bytes: ImageBytes = None,
    output: Annotated[
        options.OutputFormat,
        typer.Option(help="json: the estimates and their confidence intervals."),
    ] = options.TEXT,
) -> None:
    """Fit a profile to the executions of a past deployment, real or rehearsed.

    The profile is written to --out, or to standard output; every number has its 95% confidence
    interval and its number of observations.
    """
    from otactl.cli.terminal import note, print_json
    from otactl.forecast.calibrate.fit import fit
    from otactl.forecast.calibrate.profile_text import profile_text
    from otactl.forecast.calibrate.record import parse_report
    from otactl.model.json_output import forecast
    from otactl.model.json_output.shaping import shaped
    from otactl.operations.text_file import read_named_text

    text = read_named_text(report, "report", limit=_LONGEST_REPORT)
    past = parse_report(text, file_name=str(report))
    if image_bytes is not None:
        past = replace(past, image_bytes=image_bytes)
    found = fit(past)
    written = profile_text(found, source=f"{len(past.executions):,} executions of {report.name}")
    if out is not None:
        try:
            out.write_text(written, encoding="utf-8")
        except OSError as error:
            raise UserMistake(f"cannot write the profile {out}: {error.strerror}") from error
        note(f"the profile is {out}")
    if output is options.JSON:
        print_json(shaped(forecast.Profile, found))
    elif out is None:
        typer.echo(written, nl=False)

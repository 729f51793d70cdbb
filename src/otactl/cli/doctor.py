"""``otactl doctor``: is this account ready, before anything is deployed?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import terminal
from otactl.cli.options import (
    EndpointUrlOption,
    OutputFormat,
    OutputOption,
    ProfileOption,
    RegionOption,
)
from otactl.operations.location_options import LocationOptions

if TYPE_CHECKING:
    from otactl.model.diagnosis import Diagnosis

_MARKS = {
    "good": ("\N{CHECK MARK}", "green"),
    "note": ("-", "cyan"),
    "warning": ("!", "yellow"),
    "bad": ("\N{BALLOT X}", "red"),
    "unknown": ("?", "dim"),
}


def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="A deployment's dev.ini, whose bucket, roles, alarms and permissions are looked at"
            " too.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    endpoint_url: EndpointUrlOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Say whether this account is ready to deploy, and what to do about what is not.

    Only questions are asked: nothing is created and nothing is changed. Permissions are those that
    `otactl iam` prints, asked of IAM's policy simulator. What an endpoint lacks, or does not let
    these credentials ask, is said to be unknown.

    Exit codes: 0 ready (there may be warnings), 1 a deployment would fail, 2 a mistake in the file
    or the command, 3 AWS refused.
    """
    from otactl.model.diagnosis import Health
    from otactl.operations.doctor import examine_account
    from otactl.operations.load import load_deployment

    loaded = None if file is None else load_deployment(file)
    where = LocationOptions(profile=profile, region=region, endpoint_url=endpoint_url)
    found = []
    for diagnosis in examine_account(loaded, where):
        found.append(diagnosis)
        if output is OutputFormat.TEXT:
            _print(diagnosis)
    is_ready = all(diagnosis.health is not Health.BAD for diagnosis in found)
    if output is OutputFormat.JSON:
        fields = [diagnosis.to_fields() for diagnosis in found]
        terminal.print_json({"ready": is_ready, "findings": fields})
    else:
        terminal.stdout_console().print("ready to deploy" if is_ready else "not ready to deploy")
    if not is_ready:
        raise typer.Exit(1)


def _print(diagnosis: Diagnosis) -> None:
    from rich.text import Text

    from otactl.views.foreign_text import clean

    mark, style = _MARKS[diagnosis.health.value]
    line = Text.assemble((mark, style), f" {diagnosis.area}: {clean(diagnosis.found)}")
    console = terminal.stdout_console()
    console.print(line, soft_wrap=True)
    if diagnosis.advice:
        console.print(Text(f"    {clean(diagnosis.advice)}", "dim"), soft_wrap=True)

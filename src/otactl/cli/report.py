"""``otactl report``: writes the report of a deployment, as a page or as data."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.model.defaults import DEFAULT_DETAILS
from otactl.operations.state_directory import state_directory


class ReportFormat(StrEnum):
    """The format of a report."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


_BY_SUFFIX = {".json": ReportFormat.JSON, ".csv": ReportFormat.CSV}


@grouped
def report(
    deployment: Annotated[
        str,
        options.deployment_argument(
            "JOB|DEPLOYMENT", "A deployment's id, or a job's: its newest deployment."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it.", show_default=False)
    ] = None,
    output: Annotated[
        ReportFormat | None,
        typer.Option(
            "--output",
            "-o",
            "--format",
            help="html to look at; json and csv hold every execution. [default: by FILE's ending]",
            show_default=False,
        ),
    ] = None,
    details: options.Details = DEFAULT_DETAILS,
    *,
    where: options.Location,
) -> None:
    """Write the report of a deployment, also long after its job is gone.

    The journal has every execution of every finished round. AWS is queried for a running round, for
    things that had not ended when their job was kept, and for jobs that were not deployed from this
    machine. Without --out the page goes to the state directory, and data to standard output.
    """
    from otactl.operations.report import gather
    from otactl.views.result_files import REPORTS, default_report_path, write_report

    chosen = output or _BY_SUFFIX.get(out.suffix.lower() if out else "", ReportFormat.HTML)
    content = gather(deployment, where, details=details)
    text = REPORTS[f".{chosen}"](content)
    if out is None and chosen is not ReportFormat.HTML:
        sys.stdout.write(text)
        return
    name = content.deployment_id or content.job_id
    path = out or default_report_path(state_directory(where.state_dir), name)
    write_report(path, text)
    terminal.print_path("report", path)

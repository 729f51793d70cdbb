"""``otactl report``: what became of a deployment, as one file to look at or as data."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import terminal
from otactl.cli.options import (
    DetailsOption,
    EndpointUrlOption,
    ProfileOption,
    RegionOption,
    StateDirOption,
)
from otactl.operations.state_directory import state_directory

if TYPE_CHECKING:
    from otactl.operations.location_options import LocationOptions
    from otactl.views.report import ReportContent


class ReportFormat(StrEnum):
    """How a report is written."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


_BY_SUFFIX = {".json": ReportFormat.JSON, ".csv": ReportFormat.CSV}


def report(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="JOB|DEPLOYMENT",
            help="A deployment's id, or a job's: its newest deployment.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Where to write it.", show_default=False),
    ] = None,
    report_format: Annotated[
        ReportFormat | None,
        typer.Option(
            "--format",
            help="html to look at; json and csv hold every execution. [default: by FILE's ending]",
            show_default=False,
        ),
    ] = None,
    details: DetailsOption = 250,
    profile: ProfileOption = None,
    region: RegionOption = None,
    endpoint_url: EndpointUrlOption = None,
    state_dir: StateDirOption = None,
) -> None:
    """Write what became of a deployment, also long after its job is gone.

    The journal keeps every execution of every finished round; AWS is asked about a round that is
    under way, about what had not ended when its job was kept, and about jobs that were not
    deployed from this machine. Without --out the
    page goes to the state directory, and data to standard output.
    """
    from otactl.cli.watching.report_file import default_report_path, write_text_whole
    from otactl.operations.location_options import LocationOptions

    chosen = report_format or _BY_SUFFIX.get(out.suffix.lower() if out else "", ReportFormat.HTML)
    where = LocationOptions(
        profile=profile, region=region, endpoint_url=endpoint_url, state_dir=state_dir
    )
    content = gather(subject, where, details=details)
    text = _written(content, chosen)
    if out is None and chosen is not ReportFormat.HTML:
        sys.stdout.write(text)
        return
    name = content.deployment_id or content.job_id
    path = out or default_report_path(state_directory(state_dir), name)
    write_text_whole(path, text)
    terminal.stderr_console().print(f"report: {path}", soft_wrap=True, markup=False)


def gather(subject: str, where: LocationOptions, *, details: int) -> ReportContent:
    """Everything a report of a deployment or a job holds."""
    from otactl.aws.jobs import IotJobs
    from otactl.cli.watching.place import find_place
    from otactl.cli.watching.report_source import (
        as_of_journal,
        journal_content,
        kept_job_round,
        service_content,
        with_kept_job,
        with_running_round,
    )
    from otactl.deploy.store import DeploymentStore

    store = DeploymentStore(state_directory(where.state_dir))
    known = subject if subject in store.ids() else store.newest_of_job(subject)
    made_ms = time.time_ns() // 1_000_000
    if known is None:
        place = find_place(where)
        return service_content(
            IotJobs(place.clients),
            subject,
            details=details,
            region=place.clients.region or "",
            made_ms=place.clock.now_ms(),
        )
    path = store.path(known)
    content = journal_content(path, made_ms)
    kept = kept_job_round(path)
    if kept is None and not content.is_running and len(content.rounds) == content.planned_rounds:
        return content
    if content.is_rehearsal and not _still_runs(path):
        return content if kept is None else as_of_journal(content, "the rehearsal is over")
    place = find_place(where, journal_path=path)
    jobs = IotJobs(place.clients)
    if kept is not None:
        return with_kept_job(content, jobs, details=details)
    return with_running_round(content, jobs, details=details)


def _still_runs(journal_path: Path) -> bool:
    """Whether the cloud of a rehearsal is still there."""
    from otactl.cli.watching.place import rehearsal_cloud
    from otactl.deploy.journal import Journal

    journal = Journal.read(journal_path)
    try:
        return rehearsal_cloud(journal.about) is not None
    finally:
        journal.close()


def _written(content: ReportContent, chosen: ReportFormat) -> str:
    from otactl.views.foreign_text import to_json as json_text
    from otactl.views.report import to_csv, to_html, to_json

    match chosen:
        case ReportFormat.HTML:
            return to_html(content)
        case ReportFormat.CSV:
            return to_csv(content)
        case ReportFormat.JSON:
            return json_text(to_json(content)) + "\n"

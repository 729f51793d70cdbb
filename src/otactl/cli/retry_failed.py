"""``otactl retry-failed``: deploy once more, to exactly the things that did not get it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import terminal
from otactl.cli.options import (
    DetailsOption,
    EndpointUrlOption,
    MaxWaitOption,
    OutputFormat,
    OutputOption,
    PollOption,
    ProfileOption,
    RegionOption,
    StateDirOption,
    YesOption,
)
from otactl.errors import UserMistake
from otactl.model.status import ExecutionStatus
from otactl.operations.location_options import LocationOptions

if TYPE_CHECKING:
    from otactl.operations.load import LoadedDeployment
    from otactl.views.report import ReportContent

#: What is worth another try; what a person cancelled is not. REMOVED: the thing was deleted, or
#: left the group, before it got the job.
_RETRIED = (
    ExecutionStatus.FAILED,
    ExecutionStatus.TIMED_OUT,
    ExecutionStatus.REJECTED,
    ExecutionStatus.REMOVED,
)
_MAX_JOB_ID = 64
_NAMED = 5


def retry_failed(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="JOB|DEPLOYMENT",
            help="The deployment's id, or its job's.",
            show_default=False,
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="The dev.ini to deploy from; the one it was deployed from when left out.",
            show_default=False,
        ),
    ] = None,
    job_id: Annotated[
        str | None,
        typer.Option("--job-id", metavar="ID", help="Of the new job. [default: JOB-retry]"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and change nothing.")
    ] = False,
    max_wait: MaxWaitOption = None,
    details: DetailsOption = 250,
    poll: PollOption = 5.0,
    yes: YesOption = False,
    profile: ProfileOption = None,
    region: RegionOption = None,
    endpoint_url: EndpointUrlOption = None,
    state_dir: StateDirOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Deploy to exactly the things that failed, timed out, were rejected or did not get the job.

    It is a deployment of its own: one round, a new job, a journal and a report. Exit codes are
    those of `otactl deploy`.
    """
    from otactl.cli.deploy_output import finish, show_plan
    from otactl.cli.frontend import TerminalFrontend
    from otactl.cli.report import gather
    from otactl.cli.stack_dialog import confirmed
    from otactl.deploy.planner import PlanOptions
    from otactl.operations.deployment import begin, make_plan
    from otactl.operations.environment import environment_for

    where = LocationOptions(
        profile=profile, region=region, endpoint_url=endpoint_url, state_dir=state_dir
    )
    content = gather(subject, where, details=0)
    names = failed_things(content)
    if not names:
        raise UserMistake(
            f"no thing of {subject} failed, timed out, was rejected, or did not get the job;"
            " there is nothing to retry"
        )
    loaded = _load(content, file, names, job_id or f"{content.job_id[: _MAX_JOB_ID - 6]}-retry")
    environment = environment_for(loaded, where, TerminalFrontend(), poll_seconds=poll)
    plan = make_plan(
        loaded, environment, PlanOptions(detail_limit=details, max_wait_seconds=max_wait)
    )
    if dry_run:
        show_plan(loaded, plan, output)
        return
    if content.image_sha256 and plan.image_sha256 != content.image_sha256:
        terminal.warn(
            f"{loaded.configuration.image} is another image than the one that failed"
            f" (SHA-256 {content.image_sha256})"
        )
    if not confirmed(f"Deploy to {_described(names)} again?", yes=yes):
        terminal.note("nothing deployed")
        return
    finish(begin(loaded, plan, environment), environment, output)


def failed_things(content: ReportContent) -> list[str]:
    """The things whose last execution in the last round is worth another try, by name."""
    if content.is_running:
        raise UserMistake(
            f"deployment {content.deployment_id or content.job_id} is still under way",
            hint="wait for its end, or cancel it",
        )
    if not content.rounds:
        raise UserMistake(f"deployment {content.deployment_id} reached no thing at all")
    last = content.rounds[-1]
    failed = [one.thing_name for one in last.last_executions() if one.status in _RETRIED]
    return [*failed, *last.not_reached_things]


def _described(names: list[str]) -> str:
    named = ", ".join(names[:_NAMED])
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{len(names):,} things ({named}{more})"


def _load(
    content: ReportContent, file: Path | None, names: list[str], job_id: str
) -> LoadedDeployment:
    """The deployment's file with other targets, another job and one round."""
    from otactl.model.arn import thing_arn
    from otactl.model.identifier import is_job_id
    from otactl.model.thing_list import parse_thing_list
    from otactl.operations.load import load_deployment

    if not is_job_id(job_id):
        raise UserMistake(f"{job_id!r} is no job id: 1-64 letters, digits, - or _")
    if content.is_rehearsal:
        raise UserMistake(
            f"deployment {content.deployment_id} was a rehearsal; its things are gone",
            hint="rehearse again",
        )
    path = file or Path(content.source)
    if not content.source and file is None:
        raise UserMistake(
            f"job {content.job_id} was not deployed from this machine",
            hint="name the dev.ini to deploy from",
        )
    lines = [str(thing_arn(content.region, content.account, name)) for name in names]
    return load_deployment(
        path,
        overrides={"jobId": job_id, "streamId": f"{job_id}-stream", "rounds": "1"},
        make_thing_list=lambda _read: parse_thing_list(
            lines, file_name=f"what failed of {content.deployment_id or content.job_id}"
        ),
    )

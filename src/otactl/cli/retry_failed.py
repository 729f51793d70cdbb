"""``otactl retry-failed``: deploys again to exactly the things that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import UserMistake
from otactl.model.defaults import DEFAULT_POLL_SECONDS
from otactl.model.quoting import first_names

_NAMED = 5


@grouped
def retry_failed(
    watched: Annotated[
        str, options.deployment_argument("JOB|DEPLOYMENT", "The deployment's id, or its job's.")
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
        str | None, typer.Option(metavar="ID", help="Id of the new job. [default: JOB-retry]")
    ] = None,
    dry_run: options.DryRun = False,
    *,
    planning: options.Planning,
    poll: options.Poll = DEFAULT_POLL_SECONDS,
    yes: options.Yes = False,
    where: options.Location,
    files: options.Results,
    output: options.Output = options.TEXT,
) -> None:
    """Deploy to exactly the things that failed, timed out, were rejected or did not get the job.

    It is a new deployment: one round, a new job, a journal and a report. Exit codes are those of
    `otactl deploy`.
    """
    from otactl.cli.consent import confirmed, declined
    from otactl.cli.deploy_output import finish, show_plan
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.deployment import begin, make_plan
    from otactl.operations.environment import environment_for
    from otactl.operations.report import gather
    from otactl.operations.retry import failed_things, load_retry

    content = gather(watched, where, details=0)
    names = failed_things(content)
    if not names:
        raise UserMistake(
            f"no thing of {watched} failed, timed out, was rejected, or did not get the job;"
            " there is nothing to retry"
        )
    loaded = load_retry(content, file, names, job_id)
    environment = environment_for(loaded, where, TerminalFrontend(), poll_seconds=poll)
    plan = make_plan(loaded, environment, planning)
    if dry_run:
        show_plan(loaded, plan, output)
        return
    if content.image_sha256 and plan.image_sha256 != content.image_sha256:
        terminal.warn(
            f"{loaded.configuration.image} is another image than the one that failed"
            f" (SHA-256 {content.image_sha256})"
        )
    described = f"{len(names):,} things ({first_names(names, _NAMED)})"
    if not confirmed(f"Deploy to {described} again?", yes=yes):
        declined("deployed")
    finish(begin(loaded, plan, environment), environment, output, files)

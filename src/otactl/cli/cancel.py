"""``otactl cancel``: stop a job, or its execution on one thing."""

from __future__ import annotations

from typing import Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import UserMistake


@grouped
def cancel(
    job: Annotated[
        str, options.deployment_argument("JOB|DEPLOYMENT", "The job's id, or its deployment's.")
    ],
    thing: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the execution on this thing.")
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Also cancel executions in progress; their devices are no longer followed.",
        ),
    ] = False,
    comment: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The reason; it is public in the job.")
    ] = None,
    yes: options.Yes = False,
    *,
    where: options.Location,
    output: options.Output = options.TEXT,
) -> None:
    """Cancel a job: the rollout stops, queued executions end, executions in progress continue.

    With --force executions in progress are cancelled too. A deployment that watches the job ends
    with exit code 5.
    """
    from otactl.aws.target_reader import RenewableReader
    from otactl.cli.consent import confirmed, declined
    from otactl.deploy.consent import Consent
    from otactl.model.identifier import is_thing_name
    from otactl.operations.watch.actions import DEFAULT_COMMENT, locate_job
    from otactl.operations.watch.actions import cancel as cancel_job

    if thing is not None and not is_thing_name(thing):
        raise UserMistake(f"--thing {thing!r} is no thing name")
    job_id, location = locate_job(job, where)
    what = f"job {job_id}" if thing is None else f"job {job_id} on thing {thing}"
    reader = RenewableReader(location.clients)
    if not yes:
        # A missing job is reported before the question.
        is_there = reader.execution(job_id, thing) if thing else reader.describe(job_id)
        if is_there is None:
            raise UserMistake(f"there is no {what}")
    how = " by force, also what is in progress" if force else ""
    if not confirmed(f"Cancel {what}{how}?", yes=yes):
        declined("cancelled")
    reported = cancel_job(
        reader,
        job_id,
        thing,
        force=force,
        comment=comment or DEFAULT_COMMENT,
        consent=Consent.YES if yes else Consent.ANSWERED,
    )
    if output is options.JSON:
        terminal.print_json({"jobId": job_id, "thing": thing, "force": force, "cancelled": True})
    else:
        terminal.note(reported)

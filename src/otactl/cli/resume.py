"""``otactl resume``: continue a deployment that was killed or interrupted."""

from __future__ import annotations

from typing import Annotated

import typer

from otactl.cli import options
from otactl.cli.option_group import grouped
from otactl.model.defaults import DEFAULT_POLL_SECONDS


@grouped
def resume(
    deployment: options.Deployment = None,
    no_wait: options.NoWait = False,
    max_wait: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="With waves: leave a gate that waits then."),
    ] = None,
    poll: options.Poll = DEFAULT_POLL_SECONDS,
    *,
    where: options.StoredLocation,
    files: options.Results,
    output: options.Output = options.TEXT,
) -> None:
    """Continue a deployment that was killed or interrupted, and carry it to its end.

    It goes on with the very plan it began with, whatever has become of the files since. One that
    ended before its job did (--max-wait, an abort) is watched on while the job is there. Exit codes
    are those of `otactl deploy`.
    """
    from otactl.cli.deploy_output import finish
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.stored_deployment import resume as resume_deployment

    journal, environment = resume_deployment(
        deployment,
        where,
        TerminalFrontend(),
        poll_seconds=poll,
        no_wait=no_wait,
        max_wait_seconds=max_wait,
    )
    finish(journal, environment, output, files)

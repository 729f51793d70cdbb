"""``otactl resume``: continue a deployment that was killed or interrupted."""

from __future__ import annotations

from typing import Annotated

import typer

from otactl.cli.option_group import HERE, located
from otactl.cli.options import (
    DeploymentArgument,
    JunitOption,
    NoWaitOption,
    OutputFormat,
    OutputOption,
    PollOption,
    ReportOption,
)
from otactl.model.defaults import DEFAULT_POLL_SECONDS
from otactl.operations.location_options import LocationOptions


@located("region")
def resume(
    deployment: DeploymentArgument = None,
    no_wait: NoWaitOption = False,
    max_wait: Annotated[
        float | None,
        typer.Option(
            "--max-wait", min=1, metavar="SECONDS", help="With waves: leave a gate that waits then."
        ),
    ] = None,
    poll: PollOption = DEFAULT_POLL_SECONDS,
    where: LocationOptions = HERE,
    report: ReportOption = None,
    junit: JunitOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Continue a deployment that was killed or interrupted, and carry it to its end.

    It goes on with the very plan it began with, whatever has become of the files since. One that
    ended before its job did (--max-wait, an abort) is watched on while the job is there. Exit codes
    are those of `otactl deploy`.
    """
    from otactl.cli.deploy_output import finish
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.stored_deployment import resume as resume_deployment
    from otactl.views.result_files import ResultFiles

    journal, environment = resume_deployment(
        deployment,
        where,
        TerminalFrontend(),
        poll_seconds=poll,
        no_wait=no_wait,
        max_wait_seconds=max_wait,
    )
    finish(journal, environment, output, ResultFiles(report, junit))

"""``otactl rollback``: returns each thing that took an image to its former version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.model.defaults import DEFAULT_POLL_SECONDS

if TYPE_CHECKING:
    from otactl.operations.rollback.run import RollbackReport


@grouped
def rollback(
    deployment: Annotated[
        str, options.deployment_argument("DEPLOYMENT", "The deployment's id, or its job's.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print each thing's version and time; change nothing.")
    ] = False,
    fleet_profile: Annotated[
        Path | None,
        typer.Option(
            metavar="PROFILE",
            help="TOML file with the fleet's behavior for the forecast of --dry-run.",
        ),
    ] = None,
    no_wait: options.NoWait = False,
    poll: options.Poll = DEFAULT_POLL_SECONDS,
    yes: options.Yes = False,
    *,
    where: options.StoredLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Roll back a deployment: stop it, and return the things to their former versions.

    At most 50 things of each former version go first, the rest when 95% of those ended well.
    Offline things get it when they connect, for openDays of [ROLLBACK_CONFIG]. Called again, it
    resumes, adds things that installed the image since, and names those that never connected.

    Exit codes: 0 the rollback passed its gates, 2 a version has no image, 10 left at a gate that
    waits, 11 too many things did not go back: it stopped, and is never rolled back itself.
    """
    from otactl.cli.consent import confirmed, declined
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.forecast_inputs import read_fleet
    from otactl.operations.rollback.start import roll_back
    from otactl.views.rollback_table import print_rollback

    def confirm(report: RollbackReport) -> bool:
        if not yes:
            print_rollback(terminal.stderr_console(), report)
        return confirmed(f"Roll back deployment {report.deployment_id}?", yes=yes)

    report = roll_back(
        deployment,
        where,
        TerminalFrontend(),
        is_dry=dry_run,
        poll_seconds=poll,
        no_wait=no_wait,
        confirm=confirm,
        fleet=read_fleet(fleet_profile),
    )
    if report is None:
        declined("rolled back")
    if output is options.JSON:
        terminal.print_json(report.to_fields())
    else:
        print_rollback(terminal.stdout_console(), report)
    if report.failure is not None:
        raise typer.Exit(terminal.report_failure(report.failure, is_listed=True))

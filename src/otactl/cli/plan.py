"""``otactl plan``: what deploying a file would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import UserMistake


@grouped
def plan(
    file: options.Configuration,
    out: Annotated[
        Path | None, typer.Option(metavar="PLAN", help="Keep the plan for `otactl deploy --plan`.")
    ] = None,
    things: Annotated[
        bool, typer.Option("--things", help="With waves: also list the things of each wave.")
    ] = False,
    force: options.Force = False,
    *,
    planning: options.Planning,
    where: options.AccountLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Print whom deploying FILE reaches, how fast, what it creates and costs; change nothing."""
    from otactl.cli.deploy_output import show_plan
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.deployment import make_plan
    from otactl.operations.environment import environment_for
    from otactl.operations.lint_report import lint_deployment
    from otactl.operations.load import load_deployment
    from otactl.operations.plan_file import write_plan

    loaded = load_deployment(file)
    terminal.print_warnings(loaded.warnings)
    environment = environment_for(loaded, where, TerminalFrontend())
    made = make_plan(loaded, environment, planning, force=force)
    if out is not None:
        write_plan(made, out)
    if things and not made.waves:
        raise UserMistake("--things lists the things of waves, and this deployment has none")
    report = lint_deployment(loaded, made.things)
    show_plan(loaded, made, output, report, with_things=things)

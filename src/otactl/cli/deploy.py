"""``otactl plan`` and ``otactl deploy``: print the plan of a file, and run it to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import UserMistake
from otactl.model.defaults import DEFAULT_POLL_SECONDS


@grouped
def plan(
    file: options.Configuration,
    out: Annotated[
        Path | None, typer.Option(metavar="PLAN", help="Write the plan for `otactl deploy --plan`.")
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
    """Print what deploying FILE reaches, how fast, what it creates and costs; change nothing."""
    from otactl.cli.deploy_output import show_plan
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.deployment import make_plan
    from otactl.operations.environment import environment_for
    from otactl.operations.lint_report import lint_deployment
    from otactl.operations.load import load_deployment
    from otactl.operations.plan_file import write_plan

    loaded = load_deployment(file)
    terminal.print_warnings(loaded.warnings)
    if things and loaded.configuration.waves is None:
        raise UserMistake("--things lists the things of waves, and this deployment has none")
    environment = environment_for(loaded, where, TerminalFrontend())
    made = make_plan(loaded, environment, planning, force=force)
    if out is not None:
        write_plan(made, out)
    report = lint_deployment(loaded, made.things)
    show_plan(loaded, made, output, report, with_things=things)


@grouped
def deploy(
    file: options.Configuration,
    dry_run: options.DryRun = False,
    plan_file: Annotated[
        Path | None,
        typer.Option(
            "--plan", metavar="PLAN", help="Refuse to deploy anything that differs from this plan."
        ),
    ] = None,
    force: options.Force = False,
    yes: options.Yes = False,
    ask: Annotated[
        bool,
        typer.Option(
            "--ask/--no-ask",
            help="Show the plan and ask, if standard input and error are terminals; with"
            " --no-ask, errors of the linter still refuse the deployment.",
        ),
    ] = True,
    no_wait: options.NoWait = False,
    *,
    planning: options.Planning,
    poll: options.Poll = DEFAULT_POLL_SECONDS,
    where: options.Location,
    files: options.Results,
    output: options.Output = options.TEXT,
) -> None:
    """Deploy the image of FILE to the things of its list.

    On a terminal the targets, the rate, the abort criteria, the timeout and the cost are shown
    first, and nothing is created unless the answer is yes.

    The image is uploaded to S3, a stream and a job are created, the job is watched to its end, and
    the result of each thing is reported. Everything is recorded before it is created: if
    a deployment was killed, continue it with `otactl resume` or remove it with `otactl clean`.

    Exit codes: 0 every thing succeeded in every round, 1 not, or declined, 2 a mistake in the
    files or the command, 3 AWS refused, 4 aborted by its own criteria, 5 cancelled by another
    user, 6 job deleted, 7 stopped by an alarm, 130 Ctrl-C. With waves: 0 every gate passed,
    8 a gate failed, 9 rejected, 10 left at a gate that waits, 11 its rollback failed.
    """
    from otactl.cli.consent import declined
    from otactl.cli.deploy_output import ask_to_deploy, finish, show_plan
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.deployment import begin, make_plan
    from otactl.operations.environment import environment_for, wait_options
    from otactl.operations.lint_report import lint_deployment
    from otactl.operations.load import load_deployment
    from otactl.operations.plan_file import check_plan

    loaded = load_deployment(file)
    terminal.print_warnings(loaded.warnings)
    environment = environment_for(
        loaded,
        where,
        TerminalFrontend(),
        poll_seconds=poll,
        waiting=wait_options(
            has_waves=loaded.configuration.waves is not None,
            leaves=no_wait,
            max_wait_seconds=planning.max_wait_seconds,
        ),
    )
    made = make_plan(loaded, environment, planning, force=force)
    if plan_file is not None:
        check_plan(made, plan_file)
    findings = lint_deployment(loaded, made.things)
    if dry_run:
        show_plan(loaded, made, output, findings)
        return
    if not ask_to_deploy(loaded, made, findings, yes=yes, asks=ask):
        declined("deployed")
    finish(begin(loaded, made, environment), environment, output, files)

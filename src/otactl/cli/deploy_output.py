"""Output of commands that deploy: the plan and the question before, the result after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from otactl.cli import options, terminal
from otactl.cli.consent import has_terminal
from otactl.errors import OtactlError
from otactl.forecast.cost import undisturbed_cost
from otactl.forecast.price import shipped_prices
from otactl.operations.lint_report import refuse_errors
from otactl.operations.rollback.start import run_to_end
from otactl.views.plan_summary import PlanSummary
from otactl.views.plan_table import print_plan, print_wave_things
from otactl.views.problem_list import print_problems
from otactl.views.result_table import print_result

if TYPE_CHECKING:
    from otactl.deploy.journal import Journal
    from otactl.deploy.plan import Plan
    from otactl.model.outcome import DeploymentResult
    from otactl.operations.environment import DeploymentEnvironment
    from otactl.operations.lint_report import LintReport
    from otactl.operations.load import LoadedDeployment
    from otactl.views.result_files import ResultFiles


def summarize(loaded: LoadedDeployment, plan: Plan) -> PlanSummary:
    """The summary of a plan: targets, rate, stop criteria and cost."""
    configuration = loaded.configuration
    return PlanSummary(
        things=plan.things,
        listed=len(loaded.thing_list.things),
        groups=loaded.thing_list.groups,
        account=plan.account,
        region=plan.region,
        rounds=plan.repeats,
        job=configuration.job,
        waves=bool(plan.waves),
        cost=undisturbed_cost(
            shipped_prices(),
            things=plan.things,
            rounds=plan.repeats,
            image_bytes=Path(configuration.image).stat().st_size,
            by_url=configuration.job.presigned_url is not None,
            alarms=len(configuration.alarms) * len(plan.job_ids),
        ),
    )


def show_plan(
    loaded: LoadedDeployment,
    plan: Plan,
    output: options.OutputFormat,
    report: LintReport | None = None,
    *,
    with_things: bool = False,
) -> None:
    """Print a plan on standard output, the linter's findings, and the things of each wave."""
    summary = summarize(loaded, plan)
    if output is options.JSON:
        findings = report.to_fields()["findings"] if report else []
        fields = {"summary": summary.to_fields()} | plan.to_fields() | {"findings": findings}
        if with_things:
            fields["wavesThings"] = plan.things_by_wave
        terminal.print_json(fields)
        return
    console = terminal.stdout_console()
    print_plan(console, plan, summary)
    if with_things:
        print_wave_things(console, plan)
    if report is not None:
        print_problems(console, report.problems)


def ask_to_deploy(
    loaded: LoadedDeployment, plan: Plan, report: LintReport, *, yes: bool, asks: bool
) -> bool:
    """Show the plan on standard error, and ask for confirmation if there is a terminal.

    Args:
        yes: Whether ``--yes`` was given, which confirms and overrides the linter's errors.
        asks: Whether to ask at all.

    Raises:
        UserMistake: The linter found an error, and the user is not asked.
    """
    console = terminal.stderr_console()
    is_asked = asks and not yes and has_terminal()
    if is_asked:
        print_plan(console, plan, summarize(loaded, plan), with_calls=False)
    print_problems(console, report.problems)
    if is_asked:
        try:
            return typer.confirm("Deploy this?", default=False, err=True)
        except typer.Abort:
            return False
    if not yes:
        refuse_errors(report)
    return True


def finish(
    journal: Journal,
    environment: DeploymentEnvironment,
    output: options.OutputFormat,
    files: ResultFiles,
) -> None:
    """Run a deployment to its end and report it.

    Raises:
        Exit: It failed.
    """
    result, failure = run_to_end(journal, environment)
    if output is options.JSON:
        terminal.print_json(result.to_fields())
    else:
        print_result(terminal.stdout_console(), result)
    now_ms = environment.clock.now_ms()
    leave(
        *(result, failure, files),
        state_dir=environment.state_dir,
        now_ms=now_ms,
        can_resume=result.goes_on,
    )


def leave(
    result: DeploymentResult,
    failure: OtactlError | None,
    files: ResultFiles,
    *,
    state_dir: Path,
    now_ms: int,
    can_resume: bool = False,
) -> None:
    """Print how a deployment failed and what to do next, and write its files.

    Raises:
        Exit: It failed; the failure is already printed, so that the report's path comes last.
    """
    code = 0 if failure is None else terminal.report_failure(failure, is_listed=True)
    if can_resume:
        _print_next_steps(result)
    try:
        path = files.write(result, failure, state_dir, now_ms)
    except OtactlError as error:
        terminal.warn(str(error))
    else:
        terminal.print_path("report", path)
    if code:
        raise typer.Exit(code)


def _print_next_steps(result: DeploymentResult) -> None:
    """Print the commands for a deployment that this process leaves before its end."""
    resume = f"`otactl resume {result.deployment_id}`"
    if result.waves and result.is_rolling_out:
        stop = f"`otactl reject {result.deployment_id}` and then resuming stops every wave"
        terminal.note(f"Begun waves continue in AWS. {resume} continues with the next one, {stop}")
        return
    if result.is_rolling_out:
        stop = f"`otactl cancel {result.job_id}` stops it"
        terminal.note(f"The rollout continues in AWS. {resume} watches it, {stop}")
    else:
        clean = f"`otactl clean {result.deployment_id}` deletes what was created"
        terminal.note(f"Nothing was rolled out yet. {resume} continues, {clean}")

"""``otactl validate``: reports every problem of a deployment's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from otactl.cli import options
from otactl.errors import LocalResourceMissing, UserMistake
from otactl.errors.problem import Problem

if TYPE_CHECKING:
    from otactl.operations.lint_report import LintReport
    from otactl.operations.load import Examination


def validate(file: options.Configuration, output: options.Output = options.TEXT) -> None:
    """Check FILE and every file it names; AWS is not called, nothing is changed.

    All problems are reported at once, each with its file, line, section and key, then the findings
    of `otactl lint`. Exit codes: 0 the files are valid (there may be warnings and findings), 2
    something must be fixed.
    """
    from otactl.cli.terminal import note, print_json, stderr_console, stdout_console
    from otactl.model.json_output import account
    from otactl.model.json_output.shaping import shaped
    from otactl.views.problem_list import print_problems

    found = _examine(file)
    is_valid = found.deployment is not None
    report = _lint(found)
    if output is options.JSON:
        problems = [shaped(account.Problem, problem) for problem in found.problems]
        findings = report.to_fields()["findings"] if report else []
        print_json({"valid": is_valid, "problems": problems, "findings": findings})
    else:
        console = stdout_console()
        print_problems(console, found.problems)
        if report is not None:
            # On standard error, not part of the result: the file is valid anyway.
            print_problems(stderr_console(), report.problems)
        console.print(_summary(file, found), soft_wrap=True, markup=False)
        if found.deployment is not None and found.deployment.configuration.alarms:
            note(_ALARMS_NOTE)
    if not is_valid:
        raise typer.Exit(UserMistake.exit_code)


#: AWS is not called here, so what an alarm needs beside the file is unknown.
_ALARMS_NOTE = (
    "[ALARM_CONFIG]: whether its SNS topics exist and have a confirmed subscriber, and whether job"
    " events reach its metrics, is checked by `otactl plan` and `otactl deploy`"
)


def _examine(file: Path) -> Examination:
    from otactl.operations.load import Examination, examine_deployment

    try:
        return examine_deployment(file)
    except LocalResourceMissing as error:
        problem = Problem(file=str(file), code="missing-file", message=str(error), hint=error.hint)
        return Examination(problems=(problem,), deployment=None)


def _lint(found: Examination) -> LintReport | None:
    """The linter's report, if the number of things is known without AWS."""
    if found.deployment is None or found.deployment.thing_list.groups:
        return None
    from otactl.operations.lint_report import lint_deployment

    return lint_deployment(found.deployment, len(found.deployment.thing_list.things))


def _summary(file: Path, found: Examination) -> str:
    from otactl.views.problem_list import count_words

    words = count_words(found.problems)
    if found.deployment is None:
        return f"{file} cannot be deployed: {words}"
    targets = found.deployment.thing_list
    things, groups = len(targets.things), len(targets.groups)
    named = f"{things} thing{'' if things == 1 else 's'}"
    if groups:
        named += f" and {groups} thing group{'' if groups == 1 else 's'}"
    return f"{file} is valid, for {named}" + (f" ({words})" if words else "")

"""The linter inside other commands: what a careful engineer says before it is too late.

``validate`` and ``plan`` show the findings; ``deploy`` asks before it goes on when one of them is
an error that is neither waived nor about a section that is switched off.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from otactl.cli import terminal
from otactl.cli.problem_list import print_problems
from otactl.errors import UserMistake
from otactl.errors.problem import Severity
from otactl.model.ini import read_ini

if TYPE_CHECKING:
    from otactl.cli.lint_report import LintReport
    from otactl.cli.load import LoadedDeployment


def lint_deployment(loaded: LoadedDeployment, things: int) -> LintReport:
    """What the linter says of a deployment whose things are counted."""
    from otactl.cli.lint_report import LintReport
    from otactl.forecast.lint import lint

    configuration = loaded.configuration
    image_bytes = Path(configuration.image).stat().st_size
    return LintReport(
        path=Path(configuration.file_name),
        things=things,
        findings=lint(configuration, things, image_bytes=image_bytes),
        ini=read_ini(loaded.text, file_name=configuration.file_name),
    )


def ask_about(report: LintReport, *, yes: bool) -> None:
    """Show the findings; go on only if nothing stands against it or the user says so.

    Raises:
        UserMistake: There is an error, and the user does not want to go on or cannot be asked.
    """
    console = terminal.stderr_console()
    print_problems(console, report.problems)
    if yes or not report.has((Severity.ERROR,)):
        return
    refusal = UserMistake(
        f"the linter found errors in {report.path}; nothing was created",
        hint="mend them, waive them with a reason in [LINT_CONFIG], or say --yes",
    )
    if not sys.stdin.isatty():
        raise refusal
    import questionary

    if not questionary.confirm("Deploy all the same?", default=False).ask():
        raise refusal

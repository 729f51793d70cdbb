"""The linter inside other commands: what a careful engineer says before it is too late.

``validate`` and ``plan`` show the findings, ``deploy`` beside its question. Where it asks none, an
error that is neither waived nor about a section that is switched off refuses the deployment.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otactl.errors import UserMistake
from otactl.errors.problem import Severity
from otactl.operations.load import LoadedDeployment

if TYPE_CHECKING:
    from otactl.operations.lint_report import LintReport


def lint_deployment(loaded: LoadedDeployment, things: int) -> LintReport:
    """What the linter says of a deployment whose things are counted."""
    from otactl.forecast.lint import lint
    from otactl.operations.lint_report import LintReport

    configuration = loaded.configuration
    image_bytes = Path(configuration.image).stat().st_size
    return LintReport(
        path=Path(configuration.file_name),
        things=things,
        findings=lint(configuration, things, image_bytes=image_bytes),
        ini=loaded.ini,
    )


def refuse_errors(report: LintReport) -> None:
    """Keep a deployment from beginning where the user cannot be asked about the linter's errors.

    Raises:
        UserMistake: There is an error.
    """
    if report.has((Severity.ERROR,)):
        raise UserMistake(
            f"the linter found errors in {report.path}; nothing was created",
            hint="mend them, waive them with a reason in [LINT_CONFIG], or say --yes",
        )

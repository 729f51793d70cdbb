"""``otactl lint``: finds rules that cannot stop a bad rollout, before it begins."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import completion
from otactl.cli.forecast_options import Fleet
from otactl.cli.option_group import grouped
from otactl.errors import UserMistake
from otactl.errors.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otactl.operations.lint_report import LintReport


class LintFormat(StrEnum):
    """The output format of the findings."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


@grouped
def lint(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="One dev.ini or several.", show_default=False),
    ] = None,
    *,
    fleet: Fleet,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 for warnings, as for errors.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            autocompletion=completion.findings,
            help="Explain a finding, such as OTA104.",
        ),
    ] = None,
    output: Annotated[
        LintFormat,
        typer.Option(
            "--output", "-o", help="text for people, json for scripts, sarif for code scanning."
        ),
    ] = LintFormat.TEXT,
) -> None:
    """Find settings of FILE that would not work as intended: aborts, rates, timeouts, alarms.

    A line `waive_CODE = reason` in [LINT_CONFIG] waives a finding. Exit codes: 0 no error (with
    --strict: and no warning) that is not waived, 1 otherwise, 2 a file is invalid or cannot be
    read.
    """
    from otactl.cli.terminal import print_json
    from otactl.operations.lint_report import lint_file

    if explain is not None:
        _explain(explain)
        return
    if not files:
        raise UserMistake("FILE is missing", hint="otactl lint dev.ini, or --explain CODE")
    inputs = fleet.read()
    reports = [lint_file(path, inputs) for path in files]
    if output is LintFormat.SARIF:
        from otactl.views.sarif import to_sarif

        print_json(to_sarif(reports), is_foreign=True)
    elif output is LintFormat.JSON:
        fields = [report.to_fields() for report in reports]
        print_json(fields[0] if len(fields) == 1 else {"files": fields})
    else:
        _print(reports)
    stopping = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
    if any(report.has(stopping) for report in reports):
        raise typer.Exit(1)


def _explain(code: str) -> None:
    from otactl.forecast.lint import CODES
    from otactl.operations.shared_file import documentation

    wanted = code.upper()
    if wanted not in CODES:
        raise UserMistake(f"there is no finding {code}", hint=f"there are {', '.join(CODES)}")
    _, _, after = documentation("lint.md").partition(f"### {wanted}\n")
    typer.echo(
        f"{wanted}: {CODES[wanted]}\n\n{re.split(r'^#', after, flags=re.MULTILINE)[0].strip()}"
    )


def _print(reports: Sequence[LintReport]) -> None:
    from otactl.cli.terminal import stdout_console
    from otactl.views.problem_list import count_words, print_problems

    console = stdout_console()
    for report in reports:
        print_problems(console, report.problems)
        for finding in report.findings:
            if finding.waived is not None:
                line = f"{report.path}: {finding.code} is waived: {finding.waived}"
                console.print(line, style="dim", soft_wrap=True, markup=False)
        words = count_words(report.problems) or "nothing to say"
        summary = f"{report.path}: {words}, for {report.things:,} things"
        console.print(summary, soft_wrap=True, markup=False)

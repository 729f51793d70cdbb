"""Shows problems to people, one a line, and to scripts, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from otactl.errors.problem import Problem, Severity
from otactl.views.foreign_text import clean

if TYPE_CHECKING:
    from otactl.model.json_output import account as json_account

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_PLURALS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.NOTE: "notes"}


def print_problems(console: Console, problems: Iterable[Problem]) -> None:
    """Print problems, one a line, in the shape that editors and CI logs can jump from."""
    for problem in problems:
        line = Text(clean(str(problem)))
        line.highlight_regex(rf"(?<=: ){problem.severity}(?=: )", _STYLES[problem.severity])
        console.print(line, soft_wrap=True)


def problem_fields(problem: Problem) -> json_account.Problem:
    """A problem as ``--output json`` shows it."""
    return {
        "file": problem.file,
        "line": problem.line,
        "section": problem.section,
        "key": problem.key,
        "severity": problem.severity.value,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    }


def count_words(problems: Iterable[Problem]) -> str:
    """How many there are of each severity: ``2 errors, 1 warning``; empty when there are none."""
    counts = Counter(problem.severity for problem in problems)
    return ", ".join(
        f"{counts[severity]} {severity.value if counts[severity] == 1 else _PLURALS[severity]}"
        for severity in Severity
        if counts[severity]
    )

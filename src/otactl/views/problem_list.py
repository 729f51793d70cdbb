"""Shows problems to people, one a line, and to scripts, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from otactl.errors.problem import Problem, Severity
from otactl.views.foreign_text import clean

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_PLURALS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.NOTE: "notes"}


def print_problems(console: Console, problems: Iterable[Problem]) -> None:
    """Print problems, one a line, in a form that editors and CI logs can link to."""
    for problem in problems:
        line = Text(clean(str(problem)))
        line.highlight_regex(rf"(?<=: ){problem.severity}(?=: )", _STYLES[problem.severity])
        console.print(line, soft_wrap=True)


def count_words(problems: Iterable[Problem]) -> str:
    """The number of each severity: ``2 errors, 1 warning``; empty if there are none."""
    counts = Counter(problem.severity for problem in problems)
    return ", ".join(
        f"{counts[severity]} {severity.value if counts[severity] == 1 else _PLURALS[severity]}"
        for severity in Severity
        if counts[severity]
    )

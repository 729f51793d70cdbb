"""Problems as people and scripts see them."""

from __future__ import annotations

import io

from rich.console import Console

from otactl.errors.problem import Problem, Severity
from otactl.model.json_output import account
from otactl.model.json_output.shaping import shaped
from otactl.views.problem_list import count_words, print_problems

ERROR = Problem(
    file="dev.ini", line=3, section="A", key="k", code="c", message="must be [x], found '[y]'"
)
WARNING = Problem(file="dev.ini", severity=Severity.WARNING, message="odd", hint="look")


def test_each_problem_is_one_line_however_narrow_the_terminal():
    console = Console(file=io.StringIO(), width=20)

    print_problems(console, [ERROR, WARNING])

    assert console.file.getvalue() == (  # type: ignore[attr-defined]
        "dev.ini:3: [A] k: error: must be [x], found '[y]'\ndev.ini: warning: odd (look)\n"
    )


def test_a_problem_has_the_same_fields_in_json():
    assert shaped(account.Problem, ERROR) == {
        "file": "dev.ini",
        "line": 3,
        "section": "A",
        "key": "k",
        "severity": "error",
        "code": "c",
        "message": "must be [x], found '[y]'",
        "hint": None,
    }


def test_problems_are_counted_in_words():
    assert count_words([]) == ""
    assert count_words([WARNING, ERROR, ERROR]) == "2 errors, 1 warning"

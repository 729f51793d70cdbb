"""Writes results to standard output, and everything else to standard error.

With ``--output json`` a command writes one JSON object to standard output and nothing else there;
progress, notes and errors go to standard error, so a pipe always gets clean results.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from otactl.errors import ConfigurationInvalid, DeploymentFailed, Interrupted, OtactlError
from otactl.model.json_output import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from otactl.errors.problem import Problem
    from otactl.views.console import Console

_JSON_ASKED = re.compile(r" (--output[ =]|--format[ =]|-o[ =]?)json ")
#: Whether this command must write a JSON object and has not yet.
_answers_in_json: ContextVar[bool] = ContextVar("answers_in_json", default=False)


def stdout_console() -> Console:
    """The console for results."""
    from otactl.views.console import Console

    return Console(highlight=False, emoji=False, soft_wrap=False)


def stderr_console() -> Console:
    """The console for progress, notes and errors; animated only on a real terminal.

    FORCE_COLOR adds colours to a pipe, but no animation; a CI server's terminal is a log.
    """
    from otactl.views.console import Console

    moves = sys.stderr.isatty() and not is_ci()
    return Console(
        stderr=True, highlight=False, emoji=False, force_interactive=None if moves else False
    )


def is_ci() -> bool:
    """Whether a CI server runs this command; all of them set CI."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def print_json(
    fields: Mapping[str, Any], *, is_for_people: bool = False, is_foreign: bool = False
) -> None:
    """Write one JSON object to standard output, indented for people.

    Args:
        is_for_people: Whether to indent it even if stdout is not a terminal.
        is_foreign: Whether others define its format, such as an IAM policy; then no version.
    """
    indent = 2 if is_for_people or sys.stdout.isatty() else None
    _write_json(fields if is_foreign else versioned(fields), indent)


def print_json_line(fields: Mapping[str, Any]) -> None:
    """Write one JSON object as one line to standard output."""
    _write_json(versioned(fields))


def versioned(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An object of otactl, with the version of its format."""
    return {"schemaVersion": SCHEMA_VERSION, **fields}


def _write_json(fields: Mapping[str, Any], indent: int | None = None) -> None:
    from otactl.views.foreign_text import to_json

    _answers_in_json.set(False)
    sys.stdout.write(to_json(dict(fields), indent) + "\n")
    sys.stdout.flush()


def answer_as_asked(arguments: Sequence[str]) -> None:
    """Write errors as an object on standard output if --output json is among the arguments.

    The arguments are searched before they are parsed, because parsing may fail.
    """
    given = " ".join(arguments)
    _answers_in_json.set(_JSON_ASKED.search(f" {given} ") is not None)


def print_json_error(error: OtactlError) -> None:
    """Write the error as the command's JSON object, if it must write one and has not yet."""
    if not _answers_in_json.get():
        return
    from otactl.model.json_output import account
    from otactl.model.json_output.shaping import shaped

    problems = error.problems if isinstance(error, ConfigurationInvalid) else ()
    code = 128 + error.signal_number if isinstance(error, Interrupted) else error.exit_code
    fields = {
        "kind": type(error).__name__,
        "message": str(error),
        "hint": error.hint,
        "exitCode": code,
        "problems": [shaped(account.Problem, problem) for problem in problems],
    }
    print_json({"error": fields})


def note(message: str) -> None:
    """Print information beside the result."""
    _print_message("", message)


def warn(message: str) -> None:
    """Print a warning that may need action."""
    _print_message("warning:", message, "yellow")


def _print_message(kind: str, message: str, style: str = "") -> None:
    from rich.text import Text

    from otactl.views.foreign_text import clean_lines

    line = Text.assemble((kind, style), " " if kind else "", clean_lines(message))
    stderr_console().print(line, soft_wrap=True)


def print_path(what: str, path: Path) -> None:
    """Print the path of a result file on a line of its own, to copy."""
    stderr_console().print(f"{what}: {path}", soft_wrap=True, markup=False)


def print_warnings(problems: Iterable[Problem]) -> None:
    """Print the problems of a configuration."""
    from otactl.views.problem_list import print_problems

    print_problems(stderr_console(), problems)


def print_error(error: OtactlError) -> None:
    """Print an error and its hint."""
    if isinstance(error, ConfigurationInvalid):
        print_warnings(error.problems)
        return
    _print_message("error:", str(error), "red")
    for noted in getattr(error, "__notes__", ()):
        warn(noted)
    if error.hint:
        _print_message("hint:", error.hint, "dim")


def report_failure(error: OtactlError, *, is_listed: bool = False) -> int:
    """Print how a command failed.

    Args:
        is_listed: Whether the failed things and their reasons are already printed.

    Returns:
        The exit code.
    """
    if is_listed and isinstance(error, DeploymentFailed):
        error = error.where_listed()
    if isinstance(error, Interrupted):
        note("interrupted")
        print_json_error(error)
        return 128 + error.signal_number
    print_error(error)
    print_json_error(error)
    return error.exit_code


def abandon_output(*, of_terminals: bool = False) -> None:
    """Redirect the standard streams to /dev/null, so that writes at exit do not fail.

    With ``of_terminals``, after SIGHUP, only terminals; a file or a pipe stays as it is.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        # isatty() is False for a closed terminal.
        if not of_terminals or stat.S_ISCHR(os.fstat(stream.fileno()).st_mode):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

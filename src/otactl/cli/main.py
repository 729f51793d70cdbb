"""``otactl``: the commands, and the only place where errors become messages and exit codes."""

from __future__ import annotations

import errno
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

import otactl
from otactl.cli import terminal
from otactl.cli.lazy_group import LazyGroup
from otactl.cli.signals import Stopped, stop_signals
from otactl.errors import Interrupted, LocalResourceMissing, OtactlError, UserMistake

#: What typer raises for an unknown option, a missing argument, a bad value.
_UsageError: Any = typer.BadParameter.__base__
#: A disk is full or broken; mostly it is that of standard output.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
#: A value of --output that was meant as a file's name.
_PATH = re.compile(r"'[^']*[./][^']*'")


class ErrorBoundary(LazyGroup):
    """Runs a command; otactl's errors become a message and an exit code, never a traceback."""

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **how: Any) -> Any:
        """Parse the arguments before the command."""
        terminal.answer_as_asked(args)
        with _usage_errors():
            return super().make_context(info_name, args, parent, **how)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; if it raises, exit with the code of ``otactl.errors``."""
        try:
            with _usage_errors():
                return super().invoke(ctx)
        except (typer.Exit, typer.Abort) as ended:
            # The user declined; a result, if any, has been written.
            if getattr(ended, "exit_code", 1):
                terminal.print_json_error(OtactlError("nothing was done"))
            raise
        except BrokenPipeError:
            # The reader of our output has closed the pipe, as in `otactl … | head`.
            terminal.abandon_output()
            sys.exit(128 + signal.SIGPIPE)
        except OtactlError as error:
            sys.exit(_report(error))
        except KeyboardInterrupt:
            sys.exit(_report(Interrupted()))
        except Stopped as stopped:
            sys.exit(_report(Interrupted(stopped.signal_number)))


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Write a usage error as a JSON object too; typer writes its text."""
    try:
        yield
    except _UsageError as error:
        if getattr(getattr(error, "param", None), "name", "") == "output" and _PATH.search(
            str(error)
        ):
            error.message += " (a file is named by --out)"
        terminal.print_json_error(UserMistake(error.format_message()))
        raise


def _report(error: OtactlError) -> int:
    """Print how the command ended, if its output still exists; returns the exit code."""
    try:
        return terminal.report_failure(error)
    except OSError:
        terminal.abandon_output()
        return 128 + error.signal_number if isinstance(error, Interrupted) else error.exit_code


app = typer.Typer(
    name="otactl",
    cls=ErrorBoundary,
    help=(
        "Deploy firmware over the air through AWS IoT: rehearse it on this machine, "
        "forecast it, watch it, stop it in time."
    ),
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"otactl {otactl.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Define the options that come before any command."""


def _stop(signal_number: int, _frame: FrameType | None) -> None:
    # Ignore further signals: a second one would interrupt the clean-up.
    for number in stop_signals():
        if number != signal.SIGINT:
            signal.signal(number, signal.SIG_IGN)
    if signal_number == signal.SIGHUP:
        terminal.abandon_output(of_terminals=True)
    raise Stopped(signal_number)


def run() -> NoReturn:
    """Run the command line and exit with a code of otactl.errors."""
    for number in stop_signals():
        if number != signal.SIGINT:
            signal.signal(number, _stop)
    try:
        app(prog_name="otactl")
    except OSError as error:
        if error.errno not in _FULL:
            raise
        what = error.filename or "the output"
        code = _report(LocalResourceMissing(f"cannot write {what}: {error.strerror}"))
        terminal.abandon_output()
        sys.exit(code)
    sys.exit(0)

"""Runs ``otactl`` in a process of its own that need not import everything first.

A command spends most of its processor time on imports (boto3 above all), and the tests run
hundreds of commands. A fork server imports once for each worker of the test run; each command is
then a fork of it: its own process with its own environment, directory, streams, signals and exit
code. What a cold start does is proved by the tests that run ``python -m otactl``.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pexpect.fdpexpect import fdspawn
from tests.support.output_schema import check_output

import otactl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.connection import Connection
    from typing import Self, TextIO

_CONTEXT = multiprocessing.get_context("forkserver")
_PACKAGES = (
    *("aws", "cli", "cloud", "deploy", "errors", "fleet", "forecast", "jobqueue", "model"),
    *("monitor", "operations", "views"),
)
_CONTEXT.set_forkserver_preload(
    [
        *(
            found.name
            for package in _PACKAGES
            for found in pkgutil.walk_packages(
                [str(Path(otactl.__path__[0]) / package)], f"otactl.{package}."
            )
        ),
        # What each fork is told to run is looked up in this module, which imports a good deal too.
        "tests.support.warm_program",
        "tests.support.warm_services",
    ]
)


class WarmProgram:
    """``otactl``, running: what ``subprocess.Popen`` offers with two pipes, as far as tests use it.

    Args:
        arguments: Of ``otactl``.
        env: Its environment, whole.
        cwd: Where it runs; here if None.
        merged: Whether standard error goes where standard output goes.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        merged: bool = False,
    ) -> None:
        self.args = ["otactl", *arguments]
        pipes = [_CONTEXT.Pipe(duplex=False) for _ in range(1 if merged else 2)]
        written = [writer for _, writer in pipes]
        self._process = _CONTEXT.Process(
            target=_run_in_pipes,
            args=(list(arguments), dict(env), str(cwd or Path.cwd()), written),
        )
        self._process.start()
        for writer in written:
            writer.close()
        streams = []
        for reader, _ in pipes:
            streams.append(os.fdopen(os.dup(reader.fileno()), encoding="utf-8", errors="replace"))
            reader.close()
        self.stdout, self.stderr = streams[0], streams[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.stderr.close()
        self._process.join()

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid or 0)

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns its exit code.

        Raises:
            subprocess.TimeoutExpired: It still runs after ``timeout`` seconds.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; returns all it wrote to standard output and standard error.

        Raises:
            subprocess.TimeoutExpired: It still runs after ``timeout`` seconds.
        """
        texts = ["", ""]

        def read(number: int, stream: TextIO) -> None:
            texts[number] = stream.read()

        streams = [self.stdout] if self.stdout is self.stderr else [self.stdout, self.stderr]
        threads = [
            threading.Thread(target=read, args=(number, stream), daemon=True)
            for number, stream in enumerate(streams)
            if not stream.closed
        ]
        for thread in threads:
            thread.start()
        self.wait(timeout)
        for thread in threads:
            thread.join()
        for stream in streams:
            stream.close()
        return texts[0], texts[1]

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class WarmTerminal(fdspawn):
    """``otactl``, running on a pseudo-terminal: what tests use of ``pexpect.spawn``.

    Args:
        arguments: Of ``otactl``.
        env: Its environment, whole.
        cwd: Where it runs; here if None.
        dimensions: Rows and columns.
        ignores_hangup: Whether it begins with SIGHUP ignored, as under ``nohup``.
        stderr: Where standard error goes; to the terminal if None.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        dimensions: tuple[int, int],
        ignores_hangup: bool = False,
        stderr: Path | None = None,
    ) -> None:
        master, slave = os.openpty()
        termios.tcsetwinsize(slave, dimensions)
        begun, begins = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(
            target=_run_on_terminal,
            args=(list(arguments), dict(env), str(cwd or Path.cwd()), os.ttyname(slave), begins),
            kwargs={"ignores_hangup": ignores_hangup, "stderr": stderr},
        )
        self._process.start()
        begins.close()
        # The terminal must not be left by all before it is opened, nor be kept open to its end.
        with contextlib.suppress(EOFError):
            begun.recv()
        begun.close()
        os.close(slave)
        super().__init__(master, encoding="utf-8", timeout=30)
        self.pid = int(self._process.pid or 0)

    def isalive(self) -> bool:
        """Whether it runs; how it ended is kept, if it does not."""
        code = self._process.exitcode
        if code is not None:
            self.exitstatus, self.signalstatus = (code, None) if code >= 0 else (None, -code)
        return code is None

    def wait(self) -> None:
        """Wait for its end."""
        self._process.join()
        self.isalive()

    def kill(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.isalive():
            os.kill(self.pid, number)

    def setwinsize(self, rows: int, columns: int) -> None:
        """Change the window's size."""
        termios.tcsetwinsize(self.child_fd, (rows, columns))

    def close(self, **_: bool) -> None:
        """Close the terminal, and kill the program."""
        self.kill(signal.SIGKILL)
        if not self.closed:
            super().close()


def run_warm(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run ``otactl`` to its end.

    Raises:
        subprocess.TimeoutExpired: It was still running after ``timeout`` seconds; it is killed.
        AssertionError: Its ``--output json`` is not what docs/schemas says.
    """
    with tempfile.TemporaryDirectory() as name:
        streams = [Path(name) / "stdout", Path(name) / "stderr"]
        process = _CONTEXT.Process(
            target=_run_in_files, args=(list(arguments), dict(env), str(cwd or Path.cwd()), streams)
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        written = [stream.read_text() for stream in streams]
        code = process.exitcode
        process.close()
    check_output(arguments, written[0])
    return subprocess.CompletedProcess(["otactl", *arguments], code, *written)


def _run_in_files(
    arguments: list[str], env: dict[str, str], cwd: str, streams: list[Path]
) -> NoReturn:
    for number, stream in enumerate(streams, start=1):
        written = os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(written, number)
        os.close(written)
    _run(arguments, env, cwd)


def _run_in_pipes(
    arguments: list[str], env: dict[str, str], cwd: str, written: list[Connection]
) -> NoReturn:
    for number, writer in ((1, written[0]), (2, written[-1])):
        os.dup2(writer.fileno(), number)
    for writer in written:
        writer.close()
    _run(arguments, env, cwd)


def _run_on_terminal(
    arguments: list[str],
    env: dict[str, str],
    cwd: str,
    terminal: str,
    begins: Connection,
    *,
    ignores_hangup: bool,
    stderr: Path | None,
) -> NoReturn:
    if ignores_hangup:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.setsid()  # the terminal that is opened next is its own
    opened = os.open(terminal, os.O_RDWR)
    for number in range(3):
        os.dup2(opened, number)
    os.close(opened)
    if stderr is not None:
        os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT), 2)
    begins.close()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  # as long as the process lives
    _run(arguments, env, cwd)


def _run(arguments: list[str], env: dict[str, str], cwd: str) -> NoReturn:
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  # as long as the process lives
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["otactl", *arguments]
    # What imports in the fork server left, MiniStack's above all, no cold start would have.
    tempfile.tempdir = None
    logging.root.handlers.clear()
    logging.root.setLevel(logging.WARNING)
    from otactl.cli.main import run  # noqa: PLC0415  # in the fork, not in the test

    try:
        run()
    finally:
        sys.stdout.flush()

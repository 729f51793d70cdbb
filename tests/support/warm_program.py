"""Runs ``otactl`` in a process of its own that need not import everything first.

A command spends most of its processor time on imports (boto3 above all), and the tests run
hundreds of commands. A fork server imports once for each worker of the test run; each command is
then a fork of it: its own process with its own environment, directory, streams, signals and exit
code. What a cold start does is proved by the tests that run ``python -m otactl``.
"""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tests.support.output_schema import check_output

import otactl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CONTEXT = multiprocessing.get_context("forkserver")
_PACKAGES = ("aws", "cli", "cloud", "deploy", "errors", "jobqueue", "model", "monitor", "views")
_CONTEXT.set_forkserver_preload(
    [
        found.name
        for package in _PACKAGES
        for found in pkgutil.walk_packages(
            [str(Path(otactl.__path__[0]) / package)], f"otactl.{package}."
        )
    ]
)


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
            target=_run, args=(list(arguments), dict(env), str(cwd or Path.cwd()), streams)
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


def _run(arguments: list[str], env: dict[str, str], cwd: str, streams: list[Path]) -> NoReturn:
    for number, stream in enumerate(streams, start=1):
        written = os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(written, number)
        os.close(written)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  # as long as the process lives
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["otactl", *arguments]
    from otactl.cli.main import run  # noqa: PLC0415  # in the fork, not in the test

    try:
        run()
    finally:
        sys.stdout.flush()

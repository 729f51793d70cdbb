"""Runs the installed ``otactl`` program as a user does: arguments, environment, exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.warm_program import run_warm

if TYPE_CHECKING:
    from pathlib import Path

    from otactl.cloud import RunningCloud

#: Longer than any command of a test takes; a test that waits for it has failed.
DEADLINE_SECONDS = 240


def environment(cloud: RunningCloud | None) -> dict[str, str]:
    """The environment of a shell that uses this local cloud, and no other AWS settings."""
    inherited = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("AWS_", "OTACTL_")) and name not in ("CI", "COLUMNS")
    }
    return inherited | (cloud.address.environment() if cloud else {}) | {"COLUMNS": "100"}


def otactl(
    *arguments: str, cloud: RunningCloud | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``otactl`` to its end, as a user of this local cloud."""
    return run_program(*arguments, env=environment(cloud), cwd=cwd)


def run_program(
    *arguments: str, env: dict[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``otactl`` to its end in exactly this environment."""
    return run_warm(arguments, env=env, cwd=cwd, timeout=DEADLINE_SECONDS)


def run_cold(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``otactl`` in a new interpreter: where it matters what is imported, and from where."""
    return subprocess.run(
        [sys.executable, "-m", "otactl", *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

"""A bash session of its own, which ends with whoever started it, whatever becomes of that."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Reads until its starter ends or is killed; then what the session began may not go on.
_GUARD = "read; kill -- -{pid} 2>/dev/null; otactl local down >/dev/null 2>&1"


def run_session(
    script: str, *, env: Mapping[str, str], cwd: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a script to its end, and end the local cloud of its state directory.

    Raises:
        subprocess.TimeoutExpired: It was still running; all that it started is ended.
    """
    bash = subprocess.Popen(
        ["bash", "-c", script],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    guard = subprocess.Popen(
        ["bash", "-c", _GUARD.format(pid=bash.pid)],
        env=env,
        cwd=cwd,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        stdout, stderr = bash.communicate(timeout=timeout)
    finally:
        guard.communicate()
        bash.communicate()
    return subprocess.CompletedProcess(bash.args, bash.returncode, stdout, stderr)

"""Runs the manual's shell scripts with the real AWS CLI against the local cloud."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.program import environment

if TYPE_CHECKING:
    from otactl.cloud import RunningCloud

SCRIPTS = Path(__file__).parents[2] / "scripts"


def shell_environment(cloud: RunningCloud, bucket: str) -> dict[str, str]:
    """The environment of a shell with the AWS CLI in its path."""
    aws = Path(sys.executable).parent
    return environment(cloud) | {
        "PATH": f"{aws}:{os.environ['PATH']}",
        "OTA_BUCKET": bucket,
        "OTA_POLL_SECONDS": "1",
        "AWS_PAGER": "",
    }


def sh(
    script: str, *arguments: str, folder: Path, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a script to its end in a folder."""
    return subprocess.run(
        ["sh", str(SCRIPTS / script), *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

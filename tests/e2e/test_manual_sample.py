"""Issue 3, Done-when 1: the manual's own file rehearses, and so it does with its switches on.

The two switches whose sections AWS refuses are in ``test_validate.py``, with the reasons.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def rehearse(folder: Path, *arguments: str) -> dict:
    """Rehearse the sample as it lies in the folder."""
    done = subprocess.run(
        [sys.executable, "-m", "otactl", "rehearse", "manual.ini", "--output", "json", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "OTACTL_STATE_DIR": str(folder / "state")},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for source in EXAMPLES.iterdir():
        if source.is_file():
            (tmp_path / source.name).write_bytes(source.read_bytes())
    return tmp_path


def test_the_manuals_sample_rehearses_to_the_end(folder: Path):
    result = rehearse(folder, "--rounds", "2")

    assert [each["status"] for each in result["rounds"]] == ["COMPLETED", "COMPLETED"]
    assert (result["succeeded"], result["leftovers"]) == (10, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    "switch",
    ["useCustomJobDocument", "usePresignedUrlConfig", "useAbortConfig", "useTimeoutConfig"],
)
def test_the_manuals_sample_rehearses_with_each_switch_on(folder: Path, switch: str):
    sample = folder / "manual.ini"
    text = sample.read_text()
    assert f"{switch} = False" in text
    sample.write_text(text.replace(f"{switch} = False", f"{switch} = True"))

    result = rehearse(folder, "--rounds", "1")

    assert (result["succeeded"], result["leftovers"]) == (5, [])

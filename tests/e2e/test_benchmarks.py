"""The benchmarks still run. What they measure is theirs to say: here they are small and untimed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "figure"),
    [
        (("start.py", "1"), "goal: help and completion"),
        (("streams.py", "--seconds", "0.2"), "ratio"),
        (("fleet.py", "--things", "5", "--kib", "8"), "succeeded                     5.0"),
        (("plan.py",), "100,000 things"),
        (("forecast.py",), "1,000,000"),
        (("monitor.py", "40", "3000"), "a frame of the terminal"),
        (("job_queue.py", "6", "2"), "write units"),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_a_benchmark_runs(command, figure):
    name, *arguments = command
    done = subprocess.run(
        [sys.executable, str(FOLDER / name), *arguments],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    # Whether a goal was reached beside other tests says nothing: streams.py then exits with 1.
    missed_goal = done.returncode == 1 and "goal:" in done.stdout and not done.stderr
    assert done.returncode == 0 or missed_goal, done.stderr
    assert figure in done.stdout

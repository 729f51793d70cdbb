"""How much processor time it takes to start, beside AWS CLI v1.

    python benchmarks/start.py [RUNS]

Processor time is user and system of the process with all it started; the least of RUNS is taken,
since whatever else runs on the machine only adds to it. Goal: at most half of `aws --version`.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
OTACTL = (sys.executable, "-c", "from otactl.__main__ import start; start()")
HALF = 0.5


def processor_ms(command: tuple[str, ...], runs: int, **environment: str) -> float:
    """The least processor time of some runs, in milliseconds."""
    taken = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=os.environ | environment, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        taken.append(1000 * (user + system))
    return min(taken)


def main() -> None:
    """Measure and print; exit code 1 when the goal is missed."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    typed = {"COMP_WORDS": "otactl dep", "COMP_CWORD": "1", "_OTACTL_COMPLETE": "complete_bash"}
    aws = processor_ms((str(BIN / "aws"), "--version"), runs)
    shown = {
        "python -c pass": processor_ms((sys.executable, "-c", "pass"), runs),
        "otactl --help": processor_ms((*OTACTL, "--help"), runs),
        "completion": processor_ms(OTACTL, runs, **typed),
        "otactl validate": processor_ms((*OTACTL, "validate", "examples/dev.ini"), runs),
        "otactl deploy -h": processor_ms((*OTACTL, "deploy", "-h"), runs),
    }
    print(f"{'aws --version':20} {aws:6.0f} ms")
    for name, taken in shown.items():
        print(f"{name:20} {taken:6.0f} ms  {taken / aws:.2f} of it")
    slowest = max(shown["otactl --help"], shown["completion"]) / aws
    print(f"goal: help and completion at most {HALF} of it: {slowest:.2f}")
    sys.exit(slowest > HALF)


if __name__ == "__main__":
    main()

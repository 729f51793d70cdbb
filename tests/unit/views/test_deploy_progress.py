"""The log of a deployment: a story with times, and a sign of life when nothing happens."""

from __future__ import annotations

import io

from rich.console import Console

from otactl.model.snapshot import JobCounts, JobDescription, JobSnapshot
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.views.deploy_progress import DeployProgress

S = ExecutionStatus
#: 2027-03-01 14:00:00 UTC.
START_MS = 1_803_909_600_000
THINGS = 100


class Log:
    """A progress whose console is a pipe, at a time that the test says."""

    def __init__(self, **console: bool) -> None:
        self.file = io.StringIO()
        self.now_ms = START_MS
        self.progress = DeployProgress(
            Console(file=self.file, width=200, highlight=False, **console),
            rounds=2,
            things=THINGS,
            now_ms=lambda: self.now_ms,
        )

    def see(self, seconds: int, **counts: int) -> None:
        self.now_ms = START_MS + seconds * 1000
        job = JobDescription(
            job_id="j",
            status=JobStatus.IN_PROGRESS,
            counts=JobCounts({S(name): count for name, count in counts.items()}),
        )
        self.progress.on_snapshot(1, JobSnapshot(at_ms=self.now_ms, job=job))

    @property
    def lines(self) -> list[str]:
        return self.file.getvalue().splitlines()


def test_a_line_of_the_log_has_time_percent_and_what_is_left() -> None:
    log = Log()
    log.see(0, QUEUED=THINGS)
    log.see(60, QUEUED=60, SUCCEEDED=39, FAILED=1)

    assert log.lines[0].startswith(
        "2027-03-01 14:00:00 UTC round 1 of 2: 0 of 100 finished (0%): 100 queued"
    )
    assert log.lines[1].startswith(
        "2027-03-01 14:01:00 UTC round 1 of 2: 40 of 100 finished (40%): 60 queued, 39 succeeded,"
    )
    # 40 in a minute, so 60 in a minute and a half.
    assert log.lines[1].endswith("; about 1 min 30 s (1 min 10 s to 2 min) left")


def test_a_log_in_which_nothing_happens_says_so_once_a_minute() -> None:
    log = Log()
    for second in range(0, 181, 5):
        log.see(second, IN_PROGRESS=THINGS)

    times = [line.split()[1] for line in log.lines]
    assert times == ["14:00:00", "14:01:00", "14:02:00", "14:03:00"]


def test_a_pipe_with_colours_is_a_log_all_the_same() -> None:
    log = Log(force_terminal=True, force_interactive=False)
    with log.progress:
        log.see(0, QUEUED=THINGS)
        log.see(5, SUCCEEDED=THINGS)

    text = log.file.getvalue()
    assert "\x1b[32m" in text  # coloured
    assert "\x1b[?25l" not in text  # and nothing is drawn over
    assert "\x1b[2K" not in text
    assert "100 of 100 finished (100%)" in text

"""Looks at a job by asking: one DescribeJob a tick, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from otactl.model.clock import Clock
from otactl.model.snapshot import JobDescription, JobSnapshot


@dataclass(frozen=True, slots=True)
class PollingWatch:
    """Looks at a job once per interval; ``describe`` returns None for a job that is not there."""

    describe: Callable[[str], JobDescription | None]
    clock: Clock
    interval_seconds: float

    def snapshots(self, job_id: str) -> Iterator[JobSnapshot]:
        """One snapshot per tick, until the caller has seen enough.

        Raises:
            AwsUnreachable: AWS cannot be reached; the step that polls is tried again.
        """
        while True:
            job = self.describe(job_id)
            yield JobSnapshot(at_ms=self.clock.now_ms(), job=job)
            self.clock.sleep(self.interval_seconds)

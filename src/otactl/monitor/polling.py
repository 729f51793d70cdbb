"""Polls a job: one DescribeJob per interval, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from otactl.model.clock import Clock
from otactl.model.snapshot import JobDescription, JobSnapshot


@dataclass(frozen=True, slots=True)
class PollingWatch:
    """Polls a job once per interval; ``describe`` returns None for a job that does not exist."""

    describe: Callable[[str], JobDescription | None]
    clock: Clock
    interval_seconds: float

    def snapshots(self, job_id: str) -> Iterator[JobSnapshot]:
        """One snapshot per interval, until the caller stops.

        Raises:
            AwsUnreachable: AWS is unreachable; the caller retries its step.
        """
        while True:
            job = self.describe(job_id)
            yield JobSnapshot(at_ms=self.clock.now_ms(), job=job)
            self.clock.sleep(self.interval_seconds)

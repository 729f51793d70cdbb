"""Looks at a job by asking: one DescribeJob a tick, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from otactl.model.clock import Clock
from otactl.model.snapshot import JobDescription, JobSnapshot


class DescribesJobs(Protocol):
    """The source of a job's state."""

    def describe(self, job_id: str) -> JobDescription | None:
        """The job, or None when there is none."""
        ...


class PollingWatch:
    """Looks at a job once per interval.

    Args:
        jobs: Whom to ask.
        clock: Time.
        interval_seconds: From one look to the next.
    """

    def __init__(self, jobs: DescribesJobs, clock: Clock, *, interval_seconds: float) -> None:
        self._jobs = jobs
        self._clock = clock
        self._interval_seconds = interval_seconds

    def snapshots(self, job_id: str) -> Iterator[JobSnapshot]:
        """One snapshot per tick, until the caller has seen enough.

        Raises:
            AwsUnreachable: AWS cannot be reached; the step that polls is tried again.
        """
        while True:
            job = self._jobs.describe(job_id)
            yield JobSnapshot(at_ms=self._clock.now_ms(), job=job)
            self._clock.sleep(self._interval_seconds)

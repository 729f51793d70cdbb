"""Looks at a job by asking: one DescribeJob a tick, and nothing else.

A network that is lost for a while only delays the next look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from otactl.errors import AwsUnreachable
from otactl.model.snapshot import JobSnapshot
from otactl.rules.backoff import PATIENCE_SECONDS, pause_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otactl.model.snapshot import JobDescription


class DescribesJobs(Protocol):
    """Whoever can say how a job stands."""

    def describe(self, job_id: str) -> JobDescription | None:
        """The job, or None when there is none."""
        ...


class Waits(Protocol):
    """Time."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, unless the user asks to stop."""
        ...


class PollingWatch:
    """Looks at a job once per interval.

    Args:
        jobs: Whom to ask.
        clock: Time.
        interval_seconds: From one look to the next.
        on_pause: Told why and for how long when AWS cannot be reached.
    """

    def __init__(
        self,
        jobs: DescribesJobs,
        clock: Waits,
        *,
        interval_seconds: float,
        on_pause: Callable[[str, float], None],
    ) -> None:
        self._jobs = jobs
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._on_pause = on_pause

    def snapshots(self, job_id: str) -> Iterator[JobSnapshot]:
        """One snapshot per tick, until the caller has seen enough.

        Raises:
            AwsUnreachable: AWS stayed away for longer than the patience lasts.
        """
        failures, reached_ms = 0, self._clock.now_ms()
        while True:
            try:
                job = self._jobs.describe(job_id)
            except AwsUnreachable as error:
                failures += 1
                if self._clock.now_ms() - reached_ms > PATIENCE_SECONDS * 1000:
                    raise
                self._on_pause(str(error), pause_seconds(failures))
                self._clock.sleep(pause_seconds(failures))
                continue
            failures, reached_ms = 0, self._clock.now_ms()
            yield JobSnapshot(at_ms=reached_ms, job=job)
            self._clock.sleep(self._interval_seconds)

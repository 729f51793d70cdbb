"""Reports of one execution: one in flight at a time, repeated until the service answers.

Progress may be skipped or replaced by newer progress; a final report never is.

``expectedVersion`` and ``executionNumber`` are always sent. They keep a late report from changing
a retry, or a new job with the same id: if the service's execution is QUEUED while ours is in
progress, it is another one. After a VersionMismatch the service's version is used, from the refusal
or, if it has none, from a describe request (aws-facts E1). Repetitions carry the same client token
as long as they carry the same version: a late answer then still counts, and the refusal of an older
version does not.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from otactl.device.effect import Effect, SendUpdate
from otactl.device.event import UpdateRejected
from otactl.device.job import Job
from otactl.device.report import Report
from otactl.device.retry import RetryTimer, earliest
from otactl.device.state import UPDATE_REMEDIES, Remedy
from otactl.model.status import ExecutionStatus


class Verdict(StrEnum):
    """What an answer means for the execution."""

    OPEN = "open"
    #: The service has the final report.
    DELIVERED = "delivered"
    #: The execution ended some other way.
    GONE = "gone"
    #: The execution's state is unknown: describe it.
    UNSURE = "unsure"


class Reporter:
    """The reports of the current execution.

    Args:
        timer: When to repeat a report.
        pace_ms: The shortest time between two progress reports.
    """

    __slots__ = (
        "_final_sends",
        "_in_flight",
        "_job",
        "_new_token",
        "_pace_ms",
        "_paced_until_ms",
        "_sent_version",
        "_timer",
        "_token",
        "_version",
        "_waiting",
    )

    def __init__(self, timer: RetryTimer, new_token: Callable[[], str], pace_ms: int) -> None:
        self._timer = timer
        self._new_token = new_token
        self._pace_ms = pace_ms
        self._job: Job | None = None
        self._version = 0
        self._sent_version = 0
        self._in_flight: Report | None = None
        self._token: str | None = None
        self._waiting: Report | None = None
        self._paced_until_ms = 0
        self._final_sends = 0

    @property
    def has_sent_final(self) -> bool:
        """Whether the final report was sent at least once."""
        return self._final_sends > 0

    def begin(self, job: Job, now_ms: int) -> None:
        """Report on this execution from now on. Its start counts as the first report."""
        self.end()
        self._job = job
        self._version = job.version_number
        self._final_sends = 0
        self._paced_until_ms = now_ms + self._pace_ms

    def end(self) -> None:
        """Drop all reports: the execution has ended."""
        self._job = None
        self._waiting = None
        self._close()

    def report(self, report: Report) -> None:
        """Send this as soon as possible. It replaces a report that waits."""
        self._waiting = report

    def synchronise(self, version: int) -> None:
        """Take over the execution's version number from the service."""
        self._version = version

    def suspend(self) -> None:
        """The connection is lost: send the report in flight again, unless a newer one waits."""
        self._waiting = self._waiting or self._in_flight
        self._close()

    def send_due(self, now_ms: int) -> list[Effect]:
        """The report to send now, if any."""
        if self._in_flight is not None:
            return self._repeat(now_ms)
        report = self._waiting
        if report is None or (not report.is_final and now_ms < self._paced_until_ms):
            return []
        self._waiting, self._in_flight = None, report
        self._token = self._new_token()
        self._paced_until_ms = now_ms + self._pace_ms
        self._timer.start(now_ms)
        return self._send()

    @property
    def next_deadline_ms(self) -> int | None:
        """When to send the next report."""
        paced = None
        if self._waiting is not None and self._in_flight is None:
            paced = self._paced_until_ms
        return earliest(self._timer.deadline_ms, paced)

    def accepted(self, token: str | None) -> Verdict:
        """Handle the acceptance of the report with this token."""
        report = self._in_flight
        if report is None or token != self._token:
            return Verdict.OPEN
        # Every update of a device raises it by one (aws-facts E1).
        self._version += 1
        self._close()
        return Verdict.DELIVERED if report.is_final else Verdict.OPEN

    def rejected(self, event: UpdateRejected, now_ms: int) -> Verdict:
        """Handle the refusal of the report with this token."""
        if self._in_flight is None or event.token not in (self._token, None):
            return Verdict.OPEN
        if event.current_status is not None and event.current_status.is_terminal:
            return self._settle(event)
        if event.current_status is ExecutionStatus.QUEUED:
            # Ours is in progress: this is a new job with the same id, ours was deleted.
            self._close()
            return Verdict.GONE
        remedy = UPDATE_REMEDIES.get(event.code, Remedy.LATER)
        if remedy is Remedy.LET_GO and event.current_status is None:
            return self._settle(event)
        if remedy in (Remedy.LET_GO, Remedy.RESYNC):
            return self._resynchronise(event, now_ms)
        if remedy is Remedy.PLAINER:
            self._in_flight = Report(self._in_flight.status)
        self._timer.expire(now_ms)
        return Verdict.OPEN

    def _settle(self, event: UpdateRejected) -> Verdict:
        """Handle the end of the execution: by our report, whose answer was lost, or otherwise."""
        report = self._in_flight
        ours = report is not None and report.is_final
        if event.current_status is None:
            # Only a report sent more than once can have been accepted before.
            ours = ours and self._final_sends > 1 and event.code != "ResourceNotFound"
        elif report is not None:
            ours = report.status is event.current_status
        self._close()
        return Verdict.DELIVERED if ours else Verdict.GONE

    def _resynchronise(self, event: UpdateRejected, now_ms: int) -> Verdict:
        if event.current_version in (None, self._sent_version):
            self._timer.expire(now_ms)
            return Verdict.UNSURE
        self._version = event.current_version
        self._timer.deadline_ms = now_ms
        return Verdict.OPEN

    def _repeat(self, now_ms: int) -> list[Effect]:
        if not self._timer.is_due(now_ms):
            return []
        if self._in_flight is not None and not self._in_flight.is_final and self._waiting:
            # Newer progress replaces the one that was not answered.
            self._in_flight, self._waiting = self._waiting, None
            self._token = self._new_token()
        elif self._version != self._sent_version:
            self._token = self._new_token()
        self._timer.expire(now_ms)
        return self._send()

    def _send(self) -> list[Effect]:
        if self._job is None or self._in_flight is None:
            return []
        self._final_sends += self._in_flight.is_final
        self._sent_version = self._version
        return [
            SendUpdate(
                job_id=self._job.job_id,
                report=self._in_flight,
                expected_version=self._version,
                execution_number=self._job.execution_number,
                token=self._token or "",
            )
        ]

    def _close(self) -> None:
        self._in_flight = None
        self._token = None
        self._timer.stop()

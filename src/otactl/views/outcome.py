"""The result of a job, or its progress so far, in things, and whether that is good.

COMPLETED means only that every execution has ended; the share of succeeded things says whether it
went well. So no view colours a job by its status alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otactl.model.snapshot import JobSnapshot
from otactl.model.status import ENDED_JOB_STATUSES, ExecutionStatus, JobStatus
from otactl.views.wording import percentage

_FAILED = (ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.REJECTED)


class Tone(StrEnum):
    """How a job is coloured."""

    RUNNING = "running"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a job so far, in things.

    Attributes:
        things: How many things the job is for.
        succeeded: Those that run the new image.
        failed: Those that failed, timed out or were rejected in their last attempt.
        is_over: Whether the job has ended, or is gone.
        is_whole: Whether it ran to its own end.
    """

    things: int
    succeeded: int
    failed: int
    is_over: bool
    is_whole: bool

    @property
    def tone(self) -> Tone:
        """Good only if every thing succeeded; bad as soon as one did not, or it was stopped."""
        if self.is_over:
            good = self.is_whole and not self.failed and 0 < self.things <= self.succeeded
            return Tone.GOOD if good else Tone.BAD
        return Tone.BAD if self.failed else Tone.RUNNING

    @property
    def words(self) -> str:
        """At the end ``265 of 285 succeeded, 93%``; before that ``3 unsuccessful``, or nothing."""
        if not self.is_over:
            return f"{self.failed:,} unsuccessful" if self.failed else ""
        share = percentage(self.succeeded, self.things)
        return f"{self.succeeded:,} of {self.things:,} succeeded, {share}"


def outcome_of(snapshot: JobSnapshot) -> Outcome | None:
    """The result of a job so far, in things; None while the job is unknown."""
    job = snapshot.job
    if job is None:
        return None
    groups = snapshot.failures
    succeeded = job.counts[ExecutionStatus.SUCCEEDED]
    failed = sum(group.count for group in groups if group.status in _FAILED)
    known = max(snapshot.listed, succeeded + sum(group.count for group in groups))
    is_listed = 0 < known <= snapshot.listed
    if not (job.configuration.may_repeat and is_listed):
        # A job that was deleted before its things were listed is known by its counts alone. There
        # are more executions than things only if things were retried.
        known = max(known, job.counts.total)
    if not job.configuration.may_repeat:
        failed = max(failed, sum(job.counts[status] for status in _FAILED))
    things = snapshot.things or known
    has_ended = job.completed_at_ms is not None
    return Outcome(
        things=things,
        succeeded=min(succeeded, things),
        failed=failed,
        is_over=snapshot.gone or has_ended or job.status in ENDED_JOB_STATUSES,
        is_whole=job.status is JobStatus.COMPLETED
        or job.is_closed_settled
        or (job.is_being_deleted and has_ended),
    )

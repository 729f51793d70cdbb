"""A running job at one instant, for a tick of the monitor, a progress bar or a script.

AWS counts executions, not things (aws-facts A5): a thing that fails and is retried is counted
once per attempt. ``JobCounts`` keeps AWS's numbers as they are; ``model.outcome`` has the result
of each thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from otactl.model import progress
from otactl.model.job_configuration import JobConfiguration
from otactl.model.status import (
    OPEN_JOB_STATUSES,
    SETTLED_REASON_CODE,
    ExecutionStatus,
    JobStatus,
    TargetSelection,
)
from otactl.model.wave import GateStatus


@dataclass(frozen=True, slots=True)
class JobCounts:
    """Executions by status. A status that is missing counts zero."""

    by_status: Mapping[ExecutionStatus, int] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, status: ExecutionStatus) -> int:
        return self.by_status.get(status, 0)

    @property
    def total(self) -> int:
        """All executions created so far; things not yet notified have none."""
        return sum(self.by_status.values())

    @property
    def terminal(self) -> int:
        """Executions that can no longer change."""
        return sum(count for status, count in self.by_status.items() if status.is_terminal)

    @property
    def pending(self) -> int:
        """Executions that are queued or in progress."""
        return self.total - self.terminal

    @property
    def unsuccessful(self) -> int:
        """Executions that ended in any way but SUCCEEDED."""
        return self.terminal - self[ExecutionStatus.SUCCEEDED]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDescription:
    """The parts of DescribeJob's answer that otactl uses.

    Attributes:
        description: The text given at creation; ours carries the deployment's id.
        reason_code: Why it was cancelled, ``ABORT_CANCEL`` or the canceller's own.
        rolling_out: Whether AWS is still notifying things (``isConcurrent``).
        configuration: The policy it runs under, as far as DescribeJob returns it.
    """

    job_id: str
    status: JobStatus
    counts: JobCounts
    description: str = ""
    comment: str = ""
    reason_code: str = ""
    force_canceled: bool = False
    rolling_out: bool = False
    targets: tuple[str, ...] = ()
    created_at_ms: int = 0
    completed_at_ms: int | None = None
    configuration: JobConfiguration = field(default_factory=JobConfiguration)

    @property
    def is_being_deleted(self) -> bool:
        """Whether it is being deleted; AWS may need a while for that (aws-facts A4)."""
        return self.status is JobStatus.DELETION_IN_PROGRESS

    @property
    def in_progress(self) -> int:
        """Executions that devices are working on."""
        return self.counts[ExecutionStatus.IN_PROGRESS]

    @property
    def is_unfinished(self) -> bool:
        """Whether devices get this job, may get it, or are working on it.

        After a cancel without force, executions in progress continue (aws-facts A3).
        """
        if self.status is JobStatus.CANCELED:
            return self.in_progress > 0
        return self.status in OPEN_JOB_STATUSES

    @property
    def is_closed_settled(self) -> bool:
        """Whether otactl closed a CONTINUOUS job because every thing of its wave had ended."""
        return self.status is JobStatus.CANCELED and self.reason_code == SETTLED_REASON_CODE

    @property
    def is_settled(self) -> bool:
        """Whether a CONTINUOUS job has things, and all of them are finished for now."""
        return (
            self.configuration.target_selection is TargetSelection.CONTINUOUS
            and self.counts.total > 0
            and self.counts.pending == 0
            and not self.rolling_out
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSnapshot:
    """A job at one instant: what the service answered, and what the monitor computes from it.

    Polling and events give the same snapshot; only ``source`` and the times differ. The fields
    after ``things`` are set only by the monitor; a deployment that waits for the job's end does
    not need them.

    Attributes:
        at_ms: The instant, epoch milliseconds.
        job: What the service answered; None if the job does not exist.
        things: How many things the job is for, if known.
        gone: Whether the job existed and no longer does; ``job`` is its last known state.
        source: Where the data come from.
        note: Why the source is not the requested one, or AWS cannot be reached.
        is_stale: Whether the last poll got no answer; ``note`` says why.
        polled_ms: When the service was last polled. Events report only ended executions
            (aws-facts F4), so QUEUED and IN_PROGRESS are as of then, less what has ended since.
        listed: How many executions are known in detail, not only as a count.
        pace, eta: None while unknown.
        silent: Things in progress that are silent for too long, the longest first; a few of them.
        silent_count: How many there are.
        gate: For the job of a wave, the last status of its gate.
    """

    at_ms: int
    job: JobDescription | None
    things: int | None = None
    gone: bool = False
    source: progress.Source = progress.Source.POLLING
    note: str = ""
    is_stale: bool = False
    polled_ms: int = 0
    listed: int = 0
    pace: progress.Pace | None = None
    eta: progress.Eta | None = None
    download_seconds: progress.Percentiles = field(default_factory=progress.Percentiles)
    retries: progress.Percentiles = field(default_factory=progress.Percentiles)
    failures: tuple[progress.FailureGroup, ...] = ()
    silent: tuple[progress.SilentThing, ...] = ()
    silent_count: int = 0
    rollout: progress.RolloutProgress | None = None
    abort: tuple[progress.AbortProgress, ...] = ()
    alarms: tuple[progress.AlarmProgress, ...] = ()
    rounds: progress.RoundsProgress | None = None
    followed: tuple[progress.FollowedThing, ...] = ()
    gate: GateStatus | None = None

    @property
    def is_being_deleted(self) -> bool:
        """Whether the job was deleted, or is being deleted."""
        return self.gone or (self.job is not None and self.job.is_being_deleted)

    @property
    def unnotified(self) -> int | None:
        """Things that have no execution yet; None if the number of things is unknown."""
        if self.things is None or self.job is None:
            return None
        return max(0, self.things - self.job.counts.total)

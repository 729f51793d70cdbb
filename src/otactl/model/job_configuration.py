"""How a job is rolled out, aborted, timed out and retried: the part of CreateJob that is policy.

These values carry no checks of their own: ``model.limits`` holds AWS's ranges, and
``model.configuration`` checks a ``dev.ini`` against them before it builds one of these. The rules
and the forecast take them as they are.

Source of the fields: botocore ``iot`` CreateJob and the shapes named at each class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from otactl.model.cron import parse_cron
from otactl.model.status import FailureType, TargetSelection


@dataclass(frozen=True, slots=True, kw_only=True)
class RateIncreaseCriteria:
    """When the rollout rate goes up: exactly one of the two is set (RateIncreaseCriteria)."""

    number_of_notified_things: int | None = None
    number_of_succeeded_things: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialRate:
    """A rate that grows by ``increment_factor`` each time the criteria are met again."""

    base_rate_per_minute: int
    increment_factor: float
    rate_increase_criteria: RateIncreaseCriteria


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How many things are notified per minute (JobExecutionsRolloutConfig)."""

    maximum_per_minute: int
    exponential_rate: ExponentialRate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortCriterion:
    """Cancels the job when failures reach a share of the executed things (AbortCriteria)."""

    failure_type: FailureType
    threshold_percentage: float
    min_number_of_executed_things: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryCriterion:
    """How often a failed execution is started again (RetryCriteria)."""

    failure_type: FailureType
    number_of_retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PresignedUrl:
    """Who signs the S3 addresses in the job document, and for how long (PresignedUrlConfig)."""

    role_arn: str
    expires_in_seconds: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """A repeated window of a CONTINUOUS job (MaintenanceWindow): cron start, length in minutes."""

    start_time: str
    duration_minutes: int

    def openings(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """The openings whose window overlaps the time from first to last, both included."""
        earliest = first - timedelta(minutes=self.duration_minutes - 1)
        return parse_cron(self.start_time).openings(earliest, last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """When the rollout begins and ends (SchedulingConfig); times are ``YYYY-MM-DDThh:mm``, UTC."""

    start_time: str | None = None
    end_time: str | None = None
    end_behavior: str | None = None
    maintenance_windows: tuple[MaintenanceWindow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfiguration:
    """The policy of one job. Everything left out is AWS's own default."""

    target_selection: TargetSelection = TargetSelection.SNAPSHOT
    rollout: Rollout | None = None
    abort_criteria: tuple[AbortCriterion, ...] = ()
    in_progress_timeout_minutes: int | None = None
    retry_criteria: tuple[RetryCriterion, ...] = ()
    presigned_url: PresignedUrl | None = None
    scheduling: Scheduling | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether a thing can have several executions: by retries, or in a CONTINUOUS job."""
        return bool(self.retry_criteria) or self.target_selection is TargetSelection.CONTINUOUS

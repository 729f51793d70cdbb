"""How a deployment ended: per thing, per round, and in all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from otactl.errors import DeploymentFailed
from otactl.model.device_progress import DeviceProgress, download_seconds_of, progress_of
from otactl.model.json_output import deployment as json_deployment
from otactl.model.json_output.shaping import shaped
from otactl.model.members import camel
from otactl.model.status import ExecutionStatus
from otactl.model.verify import VersionResult
from otactl.model.wave import GateStatus, Verdict

#: The shown status of a thing that was in the middle of the update when its job was stopped.
UNKNOWN = "UNKNOWN"
#: The shown status of a wave's job that otactl closed because every thing had ended; the
#: service's CANCELED would be read as a failure.
SETTLED = "SETTLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingOutcome:
    """The last execution of a job on one thing."""

    thing_name: str
    status: ExecutionStatus
    execution_number: int = 1
    queued_at_ms: int | None = None
    started_at_ms: int | None = None
    updated_at_ms: int | None = None
    status_details: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why it ended as it did, in the words of the device or the service; may be empty."""
        return self.status_details.get("reason", "")

    @property
    def progress(self) -> DeviceProgress:
        """What the device reported that it was doing."""
        return progress_of(self.status_details)

    @property
    def was_installing(self) -> bool:
        """Whether the device was installing when last read, or when it was cancelled by force."""
        started = self.started_at_ms is not None
        return self.status is ExecutionStatus.IN_PROGRESS or (
            self.status is ExecutionStatus.CANCELED and started
        )

    @property
    def download_seconds(self) -> float | None:
        """Measured by the device, or computed from its reports; None if unknown."""
        return download_seconds_of(
            self.status_details, self.status, self.started_at_ms, self.updated_at_ms
        )

    @property
    def sha256(self) -> str | None:
        """The digest the device computed of what it installed."""
        return self.status_details.get("sha256")


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """A page of a job's executions, without status details (ListJobExecutionsForJob)."""

    executions: tuple[ThingOutcome, ...]
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadSeconds:
    """Percentiles of what the devices reported; all None when none did."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, outcomes: Sequence[ThingOutcome]) -> DownloadSeconds:
        """The percentiles, by nearest rank: each is a time some device really took."""
        times = sorted(
            outcome.download_seconds for outcome in outcomes if outcome.download_seconds is not None
        )
        if not times:
            return cls()

        def nearest_rank(percent: int) -> float:
            return times[max(0, math.ceil(percent / 100 * len(times)) - 1)]

        return cls(p50=nearest_rank(50), p99=nearest_rank(99), max=times[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """The result of one round. Counts are things, each by its last execution.

    Attributes:
        status: The job's status from the service, SETTLED, or why there is none.
        outcomes: The things that were read one by one: those that did not succeed, up to the
            detail limit, and a sample of the others.
        not_reached: How many things of the targets have no execution of the job.
        not_reached_things: Their names, the first 250.
        stopped: Whether the job was stopped before its end: what is in progress then is unknown.
        began_late: Of a wave, things that began after the stop.
    """

    round: int
    status: str
    counts: Mapping[ExecutionStatus, int]
    duration_seconds: float
    download_seconds: DownloadSeconds
    outcomes: tuple[ThingOutcome, ...] = ()
    not_reached: int = 0
    not_reached_things: tuple[str, ...] = ()
    stopped: bool = False
    began_late: tuple[str, ...] = ()

    @property
    def ended(self) -> int:
        """How many things ended, with success or failure."""
        return sum(
            count
            for status, count in self.counts.items()
            if status.is_terminal
            and status not in (ExecutionStatus.CANCELED, ExecutionStatus.REMOVED)
        )

    @property
    def named(self) -> int:
        """How many things it had as targets: those with an execution, and those without."""
        return sum(self.counts.values()) + self.not_reached

    @property
    def succeeded(self) -> int:
        """Things that succeeded."""
        return self.counts.get(ExecutionStatus.SUCCEEDED, 0)

    @property
    def is_success(self) -> bool:
        """Whether every thing of the targets runs the new image."""
        return 0 < self.succeeded == self.named

    @property
    def unknown(self) -> tuple[ThingOutcome, ...]:
        """The things in the middle of the update when the job was stopped."""
        return tuple(one for one in self.outcomes if self.is_unknown(one))

    def is_unknown(self, outcome: ThingOutcome) -> bool:
        """Whether it is unknown what a thing runs: it was installing when the job was stopped."""
        return self.stopped and outcome.was_installing

    def status_words(self, outcome: ThingOutcome) -> str:
        """The status of a thing as it is shown: UNKNOWN if it is unknown what it runs."""
        return UNKNOWN if self.is_unknown(outcome) else outcome.status.value

    def reason_words(self, outcome: ThingOutcome) -> str:
        """Why a thing did not succeed, in the device's words and, if it is unknown, in ours."""
        if not self.is_unknown(outcome):
            return outcome.reason
        step = outcome.progress.step
        at = f"at step {step}" if step else "in the middle of the update"
        said = f" ({outcome.reason})" if outcome.reason else ""
        return f"{at} when the job was stopped; what it runs is not known{said}"

    @property
    def unsuccessful(self) -> tuple[ThingOutcome, ...]:
        """The things that did not succeed, as far as they were read, by status and name."""
        found = (one for one in self.outcomes if one.status is not ExecutionStatus.SUCCEEDED)
        return tuple(sorted(found, key=lambda one: (one.status.value, one.thing_name)))

    def to_fields(self) -> json_deployment.Round:
        """The round as ``--output json`` shows it."""
        return shaped(
            json_deployment.Round,
            self,
            **{camel(status): self.counts.get(status, 0) for status in ExecutionStatus},
            unknown=len(self.unknown),
            failures=[
                {
                    "thing": outcome.thing_name,
                    "status": self.status_words(outcome),
                    "reason": self.reason_words(outcome),
                }
                for outcome in self.unsuccessful
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveResult:
    """The result of one wave.

    Attributes:
        gate: The last status of its gate; None if it never began.
        result: The result of its job; None before the end, or if it never began.
        versions: What its things report; None when versions are not verified.
    """

    name: str
    job_id: str
    things: int
    gate: GateStatus | None = None
    result: RoundResult | None = None
    versions: VersionResult | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Its things, by the names of JSON."""
        gate, result = self.gate, self.result
        if result is not None:
            ended, succeeded = result.ended, result.succeeded
            failed, not_reached = ended - succeeded, self.things - ended
        elif gate is not None:
            ended, succeeded = gate.ended, gate.succeeded
            failed, not_reached = gate.failed, gate.not_reached
        else:
            ended = succeeded = failed = not_reached = 0
        return {
            "ended": ended,
            "succeeded": succeeded,
            "failed": failed,
            "notReached": not_reached,
        }

    @property
    def began_after_stop(self) -> tuple[str, ...]:
        """Things that began after the stop."""
        return self.result.began_late if self.result else ()


def _merged(rounds: Sequence[RoundResult], things: int) -> tuple[RoundResult, ...]:
    """The waves merged into one job, which ``rounds[0]`` has always been."""
    if not rounds:
        return ()
    counts: dict[ExecutionStatus, int] = {}
    for each in rounds:
        for status, count in each.counts.items():
            counts[status] = counts.get(status, 0) + count
    outcomes = tuple(outcome for each in rounds for outcome in each.outcomes)
    return (
        RoundResult(
            round=1,
            status=rounds[-1].status,
            counts=counts,
            duration_seconds=max(each.duration_seconds for each in rounds),
            download_seconds=DownloadSeconds.of(outcomes),
            outcomes=outcomes,
            not_reached=things - sum(counts.values()),
            not_reached_things=tuple(name for each in rounds for name in each.not_reached_things),
            stopped=any(each.stopped for each in rounds),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentResult:
    """The result of a deployment.

    Attributes:
        waves: The result of each wave; empty in a deployment without waves.
        leftovers: What should have been deleted and is still there.
        kept: What it created and stays on purpose.
        goes_on: Whether it has not ended and can be resumed.
        is_rolling_out: Whether it has not ended and has a job in AWS.
        failure: How it failed; ``otactl.api`` sets it.
        rollbacks: The results of its rollbacks, if a gate failed and onGateFailure = rollback.
        versions: What its things report; None when versions are not verified.
        late_seconds: Of a rehearsal: how late this machine was at the worst, by the rehearsal's
            clock. What took its time by that much is the machine's, not the deployment's.
    """

    deployment_id: str
    job_id: str
    things: int
    planned_rounds: int
    rounds: tuple[RoundResult, ...]
    image_sha256: str
    api_calls: Mapping[str, int] = field(default_factory=dict)
    leftovers: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    goes_on: bool = False
    is_rolling_out: bool = False
    failure: DeploymentFailed | None = None
    waves: tuple[WaveResult, ...] = ()
    rollbacks: tuple[DeploymentResult, ...] = ()
    versions: VersionResult | None = None
    late_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.waves:
            object.__setattr__(self, "rounds", _merged(self.rounds, self.things))

    @property
    def succeeded(self) -> int:
        """Things that succeeded, over all rounds."""
        return sum(each.succeeded for each in self.rounds)

    @property
    def failed(self) -> int:
        """Things whose device reported a failure, over all rounds."""
        return sum(each.counts.get(ExecutionStatus.FAILED, 0) for each in self.rounds)

    @property
    def is_success(self) -> bool:
        """Whether every round that was planned ran, and succeeded on every thing.

        Of waves: whether every gate passed; ``is_complete`` says whether every thing succeeded.
        """
        if self.waves:
            return all(wave.gate and wave.gate.verdict is Verdict.PASS for wave in self.waves)
        return self.is_complete

    @property
    def is_complete(self) -> bool:
        """Whether every thing succeeded in every round, and no version is unverified."""
        return (
            len(self.rounds) == self.planned_rounds
            and all(each.is_success for each in self.rounds)
            and not (self.versions and self.versions.unverified)
        )

    def to_fields(self) -> json_deployment.Deployment:
        """The result as ``--output json`` shows it."""
        return shaped(json_deployment.Deployment, self)

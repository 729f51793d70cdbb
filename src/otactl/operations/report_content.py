"""The content of a report, from the journal, the service, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from otactl.model.eligibility import LeftOut
from otactl.model.outcome import ThingOutcome, WaveResult
from otactl.model.progress import FailureGroup, Percentiles
from otactl.model.status import ExecutionStatus
from otactl.model.verify import ThingVersion
from otactl.model.wave import Decision, Verdict
from otactl.monitor.failure_groups import FailureGroups
from otactl.monitor.percentile import percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundContent:
    """One round: every known attempt of every thing.

    Attributes:
        status: The job's status, or why it has none.
        executions: Each attempt once; a thing's last one is its result.
        counts: Number of things by the status of their last execution.
        duration_seconds: None while it runs.
        not_reached: Number of target things without an execution of the job.
        not_reached_things: Their names, the first 250.
    """

    round: int
    status: str
    executions: Sequence[ThingOutcome]
    counts: Mapping[ExecutionStatus, int]
    duration_seconds: float | None = None
    not_reached: int = 0
    not_reached_things: Sequence[str] = ()

    def last_executions(self) -> list[ThingOutcome]:
        """The last execution of each thing, in the order of names."""
        last: dict[str, ThingOutcome] = {}
        for execution in self.executions:
            known = last.get(execution.thing_name)
            if known is None or known.execution_number <= execution.execution_number:
                last[execution.thing_name] = execution
        return [last[name] for name in sorted(last)]

    def failure_groups(self) -> tuple[FailureGroup, ...]:
        """The things that did not succeed, by reason."""
        groups = FailureGroups()
        for execution in self.last_executions():
            groups.replace(execution.thing_name, execution)
        return groups.groups()

    def downloads(self) -> list[float]:
        """The download times of the last executions, in seconds, in ascending order."""
        return sorted(
            execution.download_seconds
            for execution in self.last_executions()
            if execution.download_seconds is not None
        )

    def download_percentiles(self) -> Percentiles:
        """The percentiles of ``downloads``."""
        return percentiles(self.downloads())

    @property
    def is_success(self) -> bool:
        """Whether every thing of the round succeeded."""
        done = self.counts.get(ExecutionStatus.SUCCEEDED, 0)
        return done > 0 and done == sum(self.counts.values()) + self.not_reached

    @property
    def is_settled(self) -> bool:
        """Whether every known thing has a final result."""
        return not self.not_reached and all(
            execution.status.is_terminal for execution in self.last_executions()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """A deployment, or a job that was not deployed from this machine.

    Attributes:
        deployment_id: None without a journal.
        source: The configuration file.
        created_ms: When it began, epoch milliseconds.
        made_ms: When the report was made, epoch milliseconds.
        planned_rounds: Number of planned rounds.
        is_running: Whether it was running when the report was made.
        failure: How it failed, in words; empty if it did not.
        document: The job document.
        policy: The job's rollout, abort, timeout and retry configuration, by name.
        image_bytes: Size of the image; None if unknown.
        notes: What is missing in the report, for the reader.
        waves: Each wave and its gate; a round of a deployment in waves is a wave.
        decisions: People's decisions at gates.
        left_out: The listed things that got no image, and why.
        versions: The version each thing reports, by wave or round; empty without verification.
        expected_version: The version they should report.
    """

    job_id: str
    made_ms: int
    created_ms: int
    rounds: tuple[RoundContent, ...]
    planned_rounds: int = 1
    things: int = 0
    deployment_id: str | None = None
    source: str = ""
    region: str = ""
    account: str = ""
    is_rehearsal: bool = False
    is_running: bool = False
    failure: str = ""
    image_sha256: str = ""
    image_bytes: int | None = None
    document: str = ""
    policy: Mapping[str, Any] = field(default_factory=dict)
    api_calls: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    waves: tuple[WaveResult, ...] = ()
    decisions: tuple[Decision, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    versions: tuple[ThingVersion, ...] = ()
    expected_version: str = ""

    @property
    def is_success(self) -> bool:
        """Whether every planned round ran, and succeeded on every thing.

        With waves, whether every gate passed.
        """
        has_ended_well = not self.is_running and not self.failure
        if self.waves:
            return has_ended_well and all(
                wave.gate is not None and wave.gate.verdict is Verdict.PASS for wave in self.waves
            )
        return (
            has_ended_well
            and len(self.rounds) == self.planned_rounds
            and all(round_content.is_success for round_content in self.rounds)
        )

    def name_of(self, each: RoundContent) -> str:
        """The name of a part of the report: a round, a wave, or the job."""
        if self.waves:
            return f"Wave {self.waves[each.round - 1].name}"
        return f"Round {each.round}" if self.planned_rounds > 1 else "The job"

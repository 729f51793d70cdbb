"""The state that a later worker needs to resume a request: stored in S3, named by the request.

The first checkpoint is written with the plan, before anything is created; another one after each
round (if versions are verified after it, then after that: it needs the executions of the round),
and when the deployment failed, before anything is deleted. It holds only what cannot be computed
again: the job document (a signature is never the same twice), the number of things (a group may
have changed), and how each round ended. The plan itself is rebuilt from the request's own files,
with all checks, and the document must match them (``deploy.preparation.prepare_again``): a
checkpoint cannot extend what the files say. Only workers can write how rounds ended: the IAM
policies limit adders to other names and states.

With waves it holds the whole state of the journal, except which thing is in which wave
(``wave_file``); it is written before the deployment acts on the journal. How far a group is filled
is written twice a minute, and when the worker leaves: adding a thing again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator

from otactl.aws.release_store import FileRefused, ReleaseStore
from otactl.deploy.ending import Ending
from otactl.deploy.journal import Journal, JournalListener, Outcome, Phase, StepState
from otactl.deploy.plan import Plan
from otactl.deploy.step import AwaitJob, Step
from otactl.deploy.step.job import round_result
from otactl.deploy.wave_state import KeptNumber, WaveState
from otactl.jobqueue.claimed_request import ClaimedRequest
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.stored_file import FileRole, StoredFile, release_key
from otactl.model.outcome import RoundResult
from otactl.model.rollback import MAX_ROLLBACKS
from otactl.model.wave import GateStatus
from otactl.operations.queue.wave_file import KeptWaves, write_kept

#: With verification each thing has a line of about 60 bytes.
_MAX_BYTES = 256 * 1024 * 1024
#: How often the progress of filling a thing group is written.
_FILLING_MS = 30_000


class KeptRollback(BaseModel, frozen=True, extra="forbid"):
    """One rollback of the deployment: the data to plan it again, and its progress.

    Attributes:
        deployment_id: The rollback's own.
        version: The former version of its things.
        number: The rollback's number within the deployment.
        document: Its job document.
        things_key, things_sha256: The file with the names of its things.
        waves: Its progress.
    """

    deployment_id: str = Field(max_length=64)
    version: str
    number: int = Field(ge=1, le=MAX_ROLLBACKS)
    document: str
    things_key: str
    things_sha256: str
    waves: WaveState


class Checkpoint(BaseModel, frozen=True, extra="forbid"):
    """The progress of a deployment.

    Attributes:
        planned_ms: When the plan was made, epoch milliseconds.
        document: The job document.
        things: The number of things in the deployment.
        rounds: The journal's record of each finished round, in order.
        failure: Why it failed, set when its clean-up begins; the next worker continues the
            clean-up and deploys nothing.
        waves: The progress of waves; None without them.
        rollbacks: Its rollbacks, after a gate failed with onGateFailure = rollback.
    """

    planned_ms: KeptNumber
    document: str
    things: KeptNumber
    rounds: tuple[dict[str, Any], ...] = ()
    failure: str = ""
    waves: WaveState | None = None
    rollbacks: tuple[KeptRollback, ...] = Field(default=(), max_length=MAX_ROLLBACKS)

    @field_validator("rounds")
    @classmethod
    def _check_rounds(cls, rounds: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for record in rounds:
            if not {"ending", "result"} <= record.keys():
                raise ValueError("a round has no ending, or no result")
            Ending(str(record["ending"]))
            round_result(record)
        return rounds

    @classmethod
    def of(cls, plan: Plan, *, planned_ms: int) -> Checkpoint:
        """The first checkpoint of a plan."""
        waves = WaveState(phase=Phase.RUNNING) if plan.waves else None
        document = plan.jobs[1].document
        return cls(planned_ms=planned_ms, document=document, things=plan.things, waves=waves)

    @property
    def _states(self) -> tuple[WaveState, ...]:
        """The progress of everything with waves: the rollbacks, then the deployment."""
        waves = () if self.waves is None else (self.waves,)
        return (*(kept.waves for kept in self.rollbacks), *waves)

    @property
    def created_jobs(self) -> int:
        """The number of jobs created so far for waves, including those of rollbacks."""
        steps = (pair for state in self._states for pair in state.steps.items())
        return sum(key.endswith("/job") and step.record is not None for key, step in steps)

    @property
    def open_gates(self) -> tuple[GateStatus, ...]:
        """The gates of what is running: of the unfinished rollback that has gates, if any."""
        is_open = (state.gates for state in self._states if state.phase is not Phase.FINISHED)
        # Rollbacks are written together, but run one after the other.
        return next(filter(None, is_open), ())

    @property
    def rollback_gate(self) -> GateStatus | None:
        """The gate that a rollback was left at; None if it waits for something else."""
        return self.open_gates[-1] if self.rollbacks and self.open_gates else None


def read_checkpoint(
    request: JobRequest, store: ReleaseStore, *, before: int | None = None
) -> Checkpoint | None:
    """The checkpoint of the last worker; None if it made no plan.

    Its writer's fence must be below ``before``; by default, below the request's own fence.

    Raises:
        FileRefused: It exists and cannot be used.
    """
    if request.checkpoint is None:
        return None
    _check_name(request, request.checkpoint, request.fence if before is None else before)
    content = store.read(request.bucket, request.checkpoint, limit_bytes=_MAX_BYTES)
    try:
        return Checkpoint.model_validate_json(content)
    except ValidationError as error:
        raise FileRefused(f"{request.checkpoint.key} is no checkpoint: {error}") from error


def _check_name(request: JobRequest, file: StoredFile, before: int) -> None:
    """Check a name that only workers may write (deployment/queue-adder-policy.json).

    Raises:
        FileRefused: It was not written by a worker of this request.
    """
    start = re.escape(release_key(FileRole.CHECKPOINT, request.aws_job_id, ""))
    match = re.fullmatch(start + r"(\d{1,12})-\d{1,9}\.json", file.key, re.ASCII)
    if match is None or int(match[1]) >= before or file.sha256 is None:
        raise FileRefused(f"{file.key} is no checkpoint of {request.job_id}")


@dataclass(eq=False)
class CheckpointKeeper(JournalListener):
    """Writes the checkpoints of one deployment.

    Attributes:
        checkpoint: The last one.
    """

    claimed: ClaimedRequest
    store: ReleaseStore
    checkpoint: Checkpoint
    plan: Plan
    retry: Callable[[Callable[[], None]], None]
    monotonic_ms: Callable[[], int]
    _number: int = field(init=False, default=0)
    _kept_ms: int = field(init=False)
    _journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self._kept_ms = self.monotonic_ms()

    def watch(self, journal: Journal) -> None:
        """Write a checkpoint after each entry into a journal, from now on."""
        self._journal = journal
        journal.listener = self

    def keep(self, **changes: object) -> None:
        """Write the checkpoint with these changes.

        Raises:
            LeaseLost: Another worker has the request.
        """
        self.checkpoint = self.checkpoint.model_copy(update=changes)
        self.retry(self._keep)

    def on_entered(self) -> None:
        """Write the progress of waves, before the deployment continues.

        Raises:
            LeaseLost: Another worker has the request.
        """
        self.keep_waves(at_gate=False)

    def keep_waves(self, *, at_gate: bool) -> None:
        """Write the progress of waves, if it is newer than what is stored.

        Raises:
            LeaseLost: Another worker has the request.
        """
        if not self.plan.waves:
            return
        state = self.further(self._journal, self.checkpoint.waves, at_gate=at_gate)
        if state is not None:
            self.keep(waves=state)

    def further(
        self, journal: Journal, kept: WaveState | None, *, at_gate: bool
    ) -> WaveState | None:
        """The state of a journal, if it must replace the stored one."""
        state = WaveState.of(journal, journal.plan)
        is_further = self._is_further(state, kept, at_gate=at_gate)
        if not is_further and not at_gate:
            return None
        state = state.with_versions(journal)
        is_same = kept is not None and state.versions == kept.versions
        return None if is_same and not is_further else state

    def _is_further(self, state: WaveState, kept: WaveState | None, *, at_gate: bool) -> bool:
        if kept is None or state.substance != kept.substance:
            return True
        is_due = at_gate or self.monotonic_ms() - self._kept_ms >= _FILLING_MS
        return is_due and state.filling != kept.filling

    def on_round_entered(self, result: RoundResult) -> None:
        """Write how a round ended. Safe to repeat.

        Raises:
            LeaseLost: Another worker has the request.
        """
        # While versions are verified, the next worker must find the executions again.
        if not self.plan.closing:
            self._keep_round(result.round)

    def _keep_round(self, number: int) -> None:
        record = self._journal.record(f"round-{number}/await")
        if record is not None:
            self.keep(rounds=(*self.checkpoint.rounds[: number - 1], record))

    def on_phase_entered(self) -> None:
        """Write how the deployment ended, before anything is deleted.

        Raises:
            LeaseLost: Another worker has the request.
        """
        self.on_entered()
        journal = self._journal
        if journal.phase is not Phase.CLEANING or self.plan.waves:
            return
        if journal.failure is not None and has_begun_a_job(journal):
            self.keep(failure=journal.failure)
        elif journal.failure is None and self.plan.closing:
            for result in journal.rounds:
                self._keep_round(result.round)

    def _keep(self) -> None:
        request = self.claimed.request
        kept = KeptWaves() if request.waves else KeptWaves.of(self.plan)
        waves = write_kept(request, self.store, kept) if kept != KeptWaves() else None
        # A new name each time: an earlier worker cannot replace a later worker's checkpoint.
        name = f"{request.fence}-{self._number}.json"
        self._number += 1
        key = release_key(FileRole.CHECKPOINT, request.aws_job_id, name)
        content = self.checkpoint.model_dump_json().encode()
        self.claimed.keep_checkpoint(self.store.write(request.bucket, key, content), waves)
        self._kept_ms = self.monotonic_ms()


def has_begun_a_job(journal: Journal) -> bool:
    """Whether a job of this deployment was or may have been created."""
    return any(journal.state(step.key) is not None for step in journal.plan.jobs.values())


def restore(journal: Journal, checkpoint: Checkpoint, *, now_ms: int) -> None:
    """Enter the checkpoint into a new journal; with waves, its exact state.

    The last round is not entered as finished, though its steps are done, so that the executor reads
    its result again, and undoes what the last worker may not have undone.

    Raises:
        FileRefused: It is not the state of such a deployment.
    """
    plan, records = journal.plan, checkpoint.rounds
    if plan.waves:
        if checkpoint.waves is not None:
            try:
                checkpoint.waves.enter_into(journal, now_ms=now_ms)
            except ValueError as error:
                raise FileRefused(f"the checkpoint is not this deployment's: {error}") from error
        return
    done = len(records)
    if checkpoint.failure:
        journal.enter_outcome(Outcome.FAILED, checkpoint.failure)
        journal.enter_phase(Phase.CLEANING)
        done = len(plan.rounds)
    if done:
        _enter_done(journal, plan.setup, now_ms, {})
    for number, steps in enumerate(plan.rounds[:done], start=1):
        record = records[number - 1] if number <= len(records) else {}
        _enter_done(journal, steps, now_ms, record)
        if number < len(records):
            journal.enter_round(round_result(records[number - 1]))


def _enter_done(
    journal: Journal, steps: Sequence[Step], now_ms: int, outcome: dict[str, Any]
) -> None:
    for step in steps:
        record = outcome if isinstance(step, AwaitJob) else {}
        journal.enter(step.key, StepState.DONE, now_ms=now_ms, record=record)

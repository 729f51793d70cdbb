"""What a worker leaves for the one that may have to go on: kept in S3, pointed at by the request.

The first checkpoint is kept when the plan is made, before anything is created; another one after
each round, and when the deployment failed, before anything is deleted. It holds only what cannot be
computed again: the job document (a signature is never the same twice), how many things the
deployment is for (a group may have changed), and how each round ended. The plan itself is built
anew from the request's own files, with all its checks, and the document must be the one that those
make (``deploy.preparation.prepare_again``): a checkpoint can make nobody do what they do not say.
How rounds ended only workers can write: the policies bind who adds to other names and states.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from otactl.aws.release_store import FileRefused
from otactl.deploy.ending import Ending
from otactl.deploy.journal import Journal, Phase, StepState
from otactl.deploy.step import AwaitJob, CreateJob
from otactl.deploy.step.job import round_result
from otactl.jobqueue.stored_file import FileRole, release_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otactl.aws.release_store import ReleaseStore
    from otactl.deploy.plan import Plan
    from otactl.deploy.step import Step
    from otactl.jobqueue.held import HeldRequest
    from otactl.jobqueue.request import JobRequest
    from otactl.jobqueue.stored_file import StoredFile
    from otactl.model.outcome import RoundResult

_MAX_BYTES = 64 * 1024 * 1024
#: Epoch milliseconds of the year 5138; no more can be shown as a date, or counted here.
_MAX_NUMBER = 10**14


class Checkpoint(BaseModel):
    """How far a deployment is.

    Attributes:
        planned_ms: When the plan was made, epoch milliseconds.
        document: The job document.
        things: How many things the deployment is for.
        rounds: The journal's record of each round that is over, in order.
        failure: Why it ended before its time, once what it created is being deleted; the next
            worker goes on deleting, and deploys nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    planned_ms: int = Field(ge=0, le=_MAX_NUMBER)
    document: str
    things: int = Field(ge=0, le=_MAX_NUMBER)
    rounds: tuple[dict[str, Any], ...] = ()
    failure: str = ""

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
        job = next(step for step in plan.steps if isinstance(step, CreateJob))
        return cls(planned_ms=planned_ms, document=job.document, things=plan.things)


def read_checkpoint(request: JobRequest, store: ReleaseStore) -> Checkpoint | None:
    """What the last worker left; None when it made no plan.

    Raises:
        FileRefused: It is there and cannot be used.
    """
    if request.checkpoint is None:
        return None
    _check_name(request, request.checkpoint)
    content = store.read(request.bucket, request.checkpoint, limit_bytes=_MAX_BYTES)
    try:
        return Checkpoint.model_validate_json(content)
    except ValidationError as error:
        raise FileRefused(f"{request.checkpoint.key} is no checkpoint: {error}") from error


def _check_name(request: JobRequest, file: StoredFile) -> None:
    """Only workers may write files of this name (deployment/queue-adder-policy.json).

    Raises:
        FileRefused: No worker of this request wrote it.
    """
    start = re.escape(release_key(FileRole.CHECKPOINT, request.aws_job_id, ""))
    match = re.fullmatch(start + r"(\d{1,12})-(failed|\d{1,6})\.json", file.key, re.ASCII)
    if match is None or int(match[1]) >= request.fence or file.sha256 is None:
        raise FileRefused(f"{file.key} is no checkpoint of {request.job_id}")


class CheckpointKeeper:
    """Keeps the checkpoints of one deployment.

    Args:
        held: The request; only its owner can point it at a checkpoint.
        store: Where they are kept.
        checkpoint: What there is already.
        insist: Does something again and again while AWS cannot be reached.
    """

    def __init__(
        self,
        held: HeldRequest,
        store: ReleaseStore,
        checkpoint: Checkpoint,
        insist: Callable[[Callable[[], None]], None],
    ) -> None:
        self._held = held
        self._store = store
        self._checkpoint = checkpoint
        self._insist = insist

    def keep(self) -> None:
        """Keep what there is.

        Raises:
            LeaseLost: Somebody else has the request.
        """
        self._insist(self._keep)

    def keep_round(self, record: dict[str, Any], number: int) -> None:
        """Keep how a round ended. Doing it again is no error.

        Raises:
            LeaseLost: Somebody else has the request.
        """
        rounds = (*self._checkpoint.rounds[: number - 1], record)
        self._checkpoint = self._checkpoint.model_copy(update={"rounds": rounds})
        self.keep()

    def keep_failure(self, failure: str) -> None:
        """Keep that the deployment failed, and is about to be undone.

        Raises:
            LeaseLost: Somebody else has the request.
        """
        self._checkpoint = self._checkpoint.model_copy(update={"failure": failure})
        self.keep()

    def _keep(self) -> None:
        request = self._held.request
        # A name of its own each time: what a later worker points at, no earlier one replaces.
        end = "failed" if self._checkpoint.failure else str(len(self._checkpoint.rounds))
        name = f"{request.fence}-{end}.json"
        key = release_key(FileRole.CHECKPOINT, request.aws_job_id, name)
        content = self._checkpoint.model_dump_json().encode()
        self._held.keep_checkpoint(self._store.write(request.bucket, key, content))


class CheckpointedJournal(Journal):
    """A journal of which the next worker finds what it needs."""

    keeper: CheckpointKeeper | None = None

    def enter_round(self, result: RoundResult) -> None:
        """Write down what a round came to, here and in the queue."""
        super().enter_round(result)
        record = self.record(f"round-{result.round}/await")
        if self.keeper is not None and record is not None:
            self.keeper.keep_round(record, result.round)

    def enter_phase(self, phase: Phase) -> None:
        """Write down that the deployment is that far; in the queue, that it failed."""
        super().enter_phase(phase)
        if (
            phase is Phase.CLEANING
            and self.keeper is not None
            and self.failure is not None
            and self.has_begun_a_job
        ):
            self.keeper.keep_failure(self.failure)

    @property
    def has_begun_a_job(self) -> bool:
        """Whether a job of this deployment was created, or may have been."""
        return any(
            isinstance(step, CreateJob) and self.state(step.key) is not None
            for step in self.plan.steps
        )

    def restore(self, checkpoint: Checkpoint, *, now_ms: int) -> None:
        """Write down what the last worker had done.

        Its last round is not entered as over, though its steps are done: so the executor takes its
        result once more, and undoes what the last worker may not have undone.
        """
        plan, records = self.plan, checkpoint.rounds
        done = len(records)
        if checkpoint.failure:
            self.enter_failure(checkpoint.failure)
            super().enter_phase(Phase.CLEANING)
            done = len(plan.rounds)
        if done:
            self._enter_done(plan.setup, now_ms, {})
        for number, steps in enumerate(plan.rounds[:done], start=1):
            self._enter_done(steps, now_ms, records[number - 1] if number <= len(records) else {})
            if number < len(records):
                super().enter_round(round_result(records[number - 1]))

    def _enter_done(self, steps: Sequence[Step], now_ms: int, outcome: dict[str, Any]) -> None:
        for step in steps:
            record = outcome if isinstance(step, AwaitJob) else {}
            self.enter(step.key, StepState.DONE, now_ms=now_ms, record=record)

"""Records how an attempt at a request ended, in the queue and in a report for CI.

If the result were not written, the same deployment would happen again. So writing is retried while
AWS is unreachable, until it succeeds or another worker has the request. If the lease was lost,
nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from otactl.errors import LocalResourceMissing, OtactlError, UserMistake
from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.failure_policy import (
    is_attempt,
    may_pass,
    refuses_the_worker,
    release_pause_ms,
)
from otactl.jobqueue.request import Failure, JobRequest, Outcome
from otactl.jobqueue.state import FailureKind
from otactl.model.json_output import queue as json_queue
from otactl.model.json_output.shaping import shaped
from otactl.model.outcome import DeploymentResult
from otactl.model.wave import GateStatus, OpenJobs
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend
from otactl.operations.queue.request_fields import request_fields
from otactl.operations.text_file import write_atomically
from otactl.rules.backoff import Retry

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """How one worker's attempt at a request ended.

    Attributes:
        request: As it was last written.
        result: The deployment's result, if there was one.
        error: Why it did not succeed.
        is_recorded: Whether the request has ended; else it was released, or another worker has it.
        stop_signal: The signal by which the user asked to stop; None without one.
        ends_worker: Whether the worker would fail with other requests too.
        waits: The words of the gate that it was left at; empty if it was not.
        is_poll: Whether the attempt only polled a gate and created nothing.
    """

    request: JobRequest
    result: DeploymentResult | None = None
    error: OtactlError | None = None
    is_recorded: bool = True
    stop_signal: int | None = None
    ends_worker: bool = False
    waits: str = ""
    is_poll: bool = False

    def to_fields(self) -> json_queue.Attempt:
        """The report on the attempt."""
        error = self.error and {"message": str(self.error), "exitCode": self.error.exit_code}
        request = request_fields(self.request)
        return shaped(json_queue.Attempt, self, request=request, error=error)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records the end of one attempt."""

    claimed: ClaimedRequest
    frontend: Frontend

    def succeed(
        self, result: DeploymentResult, left_open: tuple[OpenJobs, int] | None = None
    ) -> AttemptResult:
        """Record that it is deployed, and which jobs stay open until when."""
        outcome = outcome_of(result)
        return self._ended(lambda: self.claimed.succeed(outcome, left_open), result=result)

    def fail(
        self,
        kind: FailureKind,
        error: OtactlError,
        result: DeploymentResult | None = None,
        left_open: tuple[OpenJobs, int] | None = None,
    ) -> AttemptResult:
        """Record that it failed, why, and which jobs of rollbacks stay open until when."""
        hint = f" ({error.hint})" if error.hint else ""
        failure = Failure(kind=kind, reason=f"{error}{hint}", exit_code=error.exit_code)
        outcome = None if result is None else outcome_of(result)
        return self._ended(
            lambda: self.claimed.fail(failure, outcome, left_open), result=result, error=error
        )

    def release(self, error: OtactlError, result: DeploymentResult | None = None) -> AttemptResult:
        """Release it for the next worker, with this worker's error."""
        pause_ms = release_pause_ms(error, self.claimed.request.attempt)
        return self._ended(
            lambda: self.claimed.release(
                after_ms=pause_ms, error=str(error), is_attempt=is_attempt(error)
            ),
            result=result,
            error=error,
            is_recorded=False,
            ends_worker=refuses_the_worker(error),
        )

    def leave(
        self,
        gate: GateStatus | None,
        words: str,
        result: DeploymentResult,
        *,
        after_ms: int,
        is_poll: bool,
    ) -> AttemptResult:
        """Leave it at a gate until the next poll; nothing failed or ended."""
        return self._ended(
            lambda: self.claimed.leave(after_ms=after_ms, gate=gate, words=words),
            result=result,
            is_recorded=False,
            waits=words,
            is_poll=is_poll,
        )

    def _ended(self, write: Callable[[], object], **fields: Any) -> AttemptResult:
        """Write how the attempt ended; returns its result with these fields."""
        try:
            self.retry_until_done(write)
        except LeaseLost as loss:
            return self.lost(loss)
        return AttemptResult(request=self.claimed.request, **fields)

    def end_by(self, error: OtactlError) -> AttemptResult:
        """Release it or let it fail, by the cause of the error."""
        if isinstance(error, LocalResourceMissing) or may_pass(error):
            return self.release(error)
        is_refused = isinstance(error, UserMistake)
        return self.fail(FailureKind.REFUSED if is_refused else FailureKind.AWS, error)

    def lost(self, loss: LeaseLost) -> AttemptResult:
        """Record nothing: another worker has the request, or it has ended."""
        return AttemptResult(request=self.claimed.request, error=loss, is_recorded=False)

    def retry_until_done(self, act: Callable[[], R]) -> R:
        """Call ``act``, and retry while AWS is unreachable: what follows depends on it."""
        # Uses a clock of its own: a first signal does not stop it, a second one still does.
        return Retry(CommandClock().sleep, self.frontend.warn_of_retry()).until_done(act)


def outcome_of(result: DeploymentResult) -> Outcome:
    """The outcome of a deployment, by its last round."""
    succeeded = result.rounds[-1].succeeded if result.rounds else 0
    outcome = Outcome(things=result.things, succeeded=succeeded, rounds=len(result.rounds))
    if not result.rollbacks:
        return outcome
    return replace(
        outcome,
        to_roll_back=sum(one.things for one in result.rollbacks),
        rolled_back=sum(one.succeeded for one in result.rollbacks),
    )


def keep_report(result: AttemptResult, folder: Path, warn: Callable[[str], None]) -> None:
    """Write the report on a request, one file for each worker that had it.

    What the queue has recorded does not depend on the report: warn if it cannot be written.
    """
    path = folder / f"{result.request.aws_job_id}-{result.request.fence}.json"
    text = json.dumps(result.to_fields(), indent=2, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        warn(f"cannot make {folder}: {error.strerror}")
    except LocalResourceMissing as error:
        warn(str(error))

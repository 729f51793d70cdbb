"""Writes into the queue how a worker's hold on a request ended; nothing when it was lost.

What is written here must not be left out because AWS is away for a while: the same deployment would
happen again. So it is tried until it is done, or until the request turns out to be another's.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from otactl.cli import terminal
from otactl.cli.queue.ended import Ended
from otactl.errors import AwsUnreachable, LocalResourceMissing, UserMistake
from otactl.jobqueue.failure_policy import (
    hand_back_pause_ms,
    is_attempt,
    may_pass,
    refuses_the_worker,
)
from otactl.jobqueue.held import LeaseLost
from otactl.jobqueue.request import Failure, Outcome
from otactl.jobqueue.state import FailureKind
from otactl.rules.backoff import pause_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.errors import OtactlError
    from otactl.jobqueue.held import HeldRequest
    from otactl.model.outcome import DeploymentResult

R = TypeVar("R")


class Recorder:
    """Records the end of one hold.

    Args:
        held: The request.
    """

    def __init__(self, held: HeldRequest) -> None:
        self._held = held

    def succeed(self, result: DeploymentResult) -> Ended:
        """Record that it is deployed.

        Raises:
            LeaseLost: Somebody else has the request.
        """
        after = self.insist(lambda: self._held.succeed(_outcome(result)))
        return Ended(request=after, result=result)

    def fail(
        self, kind: FailureKind, error: OtactlError, result: DeploymentResult | None = None
    ) -> Ended:
        """Record that it failed, and why."""
        hint = f" ({error.hint})" if error.hint else ""
        failure = Failure(kind=kind, reason=f"{error}{hint}", exit_code=error.exit_code)
        outcome = None if result is None else _outcome(result)
        try:
            after = self.insist(lambda: self._held.fail(failure, outcome))
        except LeaseLost as loss:
            return self.lost(loss)
        return Ended(request=after, result=result, error=error)

    def hand_back(self, error: OtactlError, result: DeploymentResult | None = None) -> Ended:
        """Leave it to the next worker, and say what hindered this one."""
        pause_ms = hand_back_pause_ms(error, self._held.request.attempt)
        try:
            self.insist(
                lambda: self._held.hand_back(
                    after_ms=pause_ms, trouble=str(error), is_attempt=is_attempt(error)
                )
            )
        except LeaseLost as loss:
            return self.lost(loss)
        return Ended(
            request=self._held.request,
            result=result,
            error=error,
            is_recorded=False,
            ends_worker=refuses_the_worker(error),
        )

    def end_by(self, error: OtactlError) -> Ended:
        """Hand it back or let it fail, by whose trouble it is."""
        if isinstance(error, LocalResourceMissing) or may_pass(error):
            return self.hand_back(error)
        is_refused = isinstance(error, UserMistake)
        return self.fail(FailureKind.REFUSED if is_refused else FailureKind.AWS, error)

    def lost(self, loss: LeaseLost) -> Ended:
        """Record nothing: the request is another worker's, or over."""
        return Ended(request=self._held.request, error=loss, is_recorded=False)

    def insist(self, act: Callable[[], R]) -> R:
        """Do it, and again while AWS cannot be reached: what follows must not happen without it."""
        failures = 0
        while True:
            try:
                return act()
            except AwsUnreachable as error:
                failures += 1
                pause = pause_seconds(failures)
                terminal.warn(f"{error}; next try in {pause:g} s")
            # Not the clock's own sleep, which a signal ends: a second signal still does.
            time.sleep(pause)


def _outcome(result: DeploymentResult) -> Outcome:
    last = result.rounds[-1].to_fields() if result.rounds else {}
    return Outcome(
        things=result.things, succeeded=last.get("succeeded", 0), rounds=len(result.rounds)
    )

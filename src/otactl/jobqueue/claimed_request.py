"""A request that one worker has claimed: every write of the worker goes through here.

Each write names the worker and its fence, so one that was taken over can change nothing any more.
``check`` is asked before anything is sent to AWS; see ``lease_policy`` for why that is enough.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from otactl.errors import OtactlError
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.ports import RequestTable
from otactl.jobqueue.request import Failure, JobRequest, LeftOpen, Outcome
from otactl.jobqueue.stored_file import StoredFile
from otactl.jobqueue.transition import (
    Guard,
    deployed,
    failed,
    guard_of,
    left_at_gate,
    released,
    renewed,
    with_checkpoint,
)
from otactl.model.clock import Clock
from otactl.model.wave import GateStatus, OpenJobs


class LeaseLost(OtactlError):
    """Raised when a worker finds that its request is no longer its own."""


class ClaimedRequest:
    """A request this worker has claimed. Safe to use from several threads.

    Every write raises ``LeaseLost`` when another worker has the request.
    """

    def __init__(
        self, table: RequestTable, request: JobRequest, time: Clock, policy: LeasePolicy
    ) -> None:
        self._table = table
        self._request = request
        self._time = time
        self._ahead_ms = time.now_ms() - time.monotonic_ms()
        self._policy = policy
        self._is_claimed = True
        self._lock = threading.Lock()

    def _now_ms(self) -> int:
        """The time as the wall clock had it at the claim, counted on by the monotonic one.

        A wall clock that is set while the request is held must make the lease neither shorter nor
        longer than the others see it.
        """
        return self._ahead_ms + self._time.monotonic_ms()

    @property
    def request(self) -> JobRequest:
        """The request as this worker last wrote it."""
        return self._request

    def check(self) -> None:
        """Go on, if the request is still this worker's.

        Raises:
            LeaseLost: It is not.
            AwsUnreachable: It may not be, and the queue cannot be asked.
        """
        lease = self._mine().lease
        if lease is None or self._now_ms() >= lease.until_ms - self._policy.margin_ms:
            self.renew()

    def renew(self) -> None:
        """Renew the lease."""
        # The time is taken before the call: the lease must not seem longer than it is.
        until_ms = self._now_ms() + self._policy.lease_ms
        self._amend(lambda request: renewed(request, until_ms=until_ms))

    def keep_checkpoint(self, checkpoint: StoredFile, waves: StoredFile | None = None) -> None:
        """Point the request at what the next worker would go on from; ``waves`` only if new."""
        self._amend(lambda request: with_checkpoint(request, checkpoint, waves))

    def release(self, *, after_ms: int, error: str, is_attempt: bool = True) -> None:
        """Release it to other workers after a pause, with the reason.

        Only an attempt counts towards those after which a request is dead.
        """
        at_ms = self._now_ms() + after_ms
        self._amend(
            lambda request: released(request, at_ms=at_ms, error=error, is_attempt=is_attempt),
            releases=True,
        )

    def leave(self, *, after_ms: int, gate: GateStatus | None, words: str) -> None:
        """Leave it at a gate; whichever worker is there after the pause polls again.

        Without a gate something else is waited for.
        """
        at_ms = self._now_ms() + after_ms
        self._amend(
            lambda request: left_at_gate(request, at_ms=at_ms, gate=gate, words=words),
            releases=True,
        )

    def succeed(
        self, outcome: Outcome, left_open: tuple[OpenJobs, int] | None = None
    ) -> JobRequest:
        """Record that it is deployed, with the jobs that stay for offline things until when."""
        now_ms = self._now_ms()
        return self._end(lambda request: deployed(request, outcome, now_ms=now_ms), left_open)

    def fail(
        self,
        failure: Failure,
        outcome: Outcome | None = None,
        left_open: tuple[OpenJobs, int] | None = None,
    ) -> JobRequest:
        """Record that it failed, with the jobs of its rollbacks that stay, and until when."""
        now_ms = self._now_ms()
        return self._end(
            lambda request: failed(request, failure, now_ms=now_ms, outcome=outcome), left_open
        )

    def _end(
        self, change: Callable[[JobRequest], JobRequest], left_open: tuple[OpenJobs, int] | None
    ) -> JobRequest:
        if left_open is None:
            return self._write(change, self._table.move, releases=True)
        jobs, due_ms = left_open
        left = LeftOpen(order_key=self._request.order_key, jobs=jobs, due_ms=due_ms)
        return self._write(
            lambda request: replace(change(request), open_until_ms=due_ms),
            partial(self._table.move, left_open=left),
            releases=True,
        )

    def _amend(self, change: Callable[[JobRequest], JobRequest], *, releases: bool = False) -> None:
        self._write(change, self._table.amend, releases=releases)

    def _write(
        self,
        change: Callable[[JobRequest], JobRequest],
        write: Callable[[JobRequest, JobRequest, Guard], bool],
        *,
        releases: bool,
    ) -> JobRequest:
        with self._lock:
            after = change(self._mine())
            if not write(self._request, after, guard_of(self._request)):
                self._is_claimed = False
                raise self._loss()
            self._request, self._is_claimed = after, not releases
        return after

    def _mine(self) -> JobRequest:
        if not self._is_claimed:
            raise self._loss()
        return self._request

    def _loss(self) -> LeaseLost:
        return LeaseLost(
            f"{self._request.job_id} is no longer this worker's: another has it, or it is over",
            hint="a worker that is stopped or cut off for longer than its lease loses its request",
        )

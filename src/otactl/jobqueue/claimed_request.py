"""A request that one worker has claimed: every write of the worker goes through here.

Each write names the worker and its fence, so a worker whose request was taken over can change
nothing. ``check`` is called before anything is sent to AWS; ``lease_policy`` says why this is safe.
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
        """The wall clock's time at the claim, advanced by the monotonic clock.

        If the wall clock is set while the request is held, the lease must become neither shorter
        nor longer than other workers see it.
        """
        return self._ahead_ms + self._time.monotonic_ms()

    @property
    def request(self) -> JobRequest:
        """The request as this worker last wrote it."""
        return self._request

    def check(self) -> None:
        """Check that the request is still this worker's; renew a lease that ends soon.

        Raises:
            LeaseLost: It is not.
            AwsUnreachable: The lease must be renewed, and the queue is unreachable.
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
        """Record the files from which another worker can resume; ``waves`` only if new."""
        self._amend(lambda request: with_checkpoint(request, checkpoint, waves))

    def release(self, *, after_ms: int, error: str, is_attempt: bool = True) -> None:
        """Release it to other workers after a pause, with the reason.

        Only attempts count towards the maximum after which a request is dead.
        """
        at_ms = self._now_ms() + after_ms
        self._amend(
            lambda request: released(request, at_ms=at_ms, error=error, is_attempt=is_attempt),
            releases=True,
        )

    def leave(self, *, after_ms: int, gate: GateStatus | None, words: str) -> None:
        """Leave it at a gate; after the pause any worker polls it again.

        ``gate`` is None if it waits for something else.
        """
        at_ms = self._now_ms() + after_ms
        self._amend(
            lambda request: left_at_gate(request, at_ms=at_ms, gate=gate, words=words),
            releases=True,
        )

    def succeed(
        self, outcome: Outcome, left_open: tuple[OpenJobs, int] | None = None
    ) -> JobRequest:
        """Record that it is deployed; some jobs may stay open for offline things until a time."""
        now_ms = self._now_ms()
        return self._end(lambda request: deployed(request, outcome, now_ms=now_ms), left_open)

    def fail(
        self,
        failure: Failure,
        outcome: Outcome | None = None,
        left_open: tuple[OpenJobs, int] | None = None,
    ) -> JobRequest:
        """Record that it failed; some jobs of its rollbacks may stay open until a time."""
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

"""A worker: claims requests and deploys them, one after the other."""

from __future__ import annotations

import os
import random
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from otactl.errors import AwsRefused, CredentialsUnusable, Interrupted
from otactl.jobqueue.claimed_request import ClaimedRequest
from otactl.jobqueue.claiming import Claimer
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend
from otactl.operations.queue.attempt import WorkerParts, deploy_claimed
from otactl.operations.queue.closing import CLOSING_PAUSE_MS, close_due
from otactl.operations.queue.recorder import AttemptResult, keep_report
from otactl.operations.queue.session import QueueSession
from otactl.rules.backoff import Retry

_MAX_OWNER_LENGTH = 120
#: Consecutive tries to reach the queue, for a worker that ends by itself.
_TRIES = 5


class WorkUntil(StrEnum):
    """When a worker ends."""

    ONE = "one"
    EMPTY = "empty"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """When a worker ends, and what it keeps.

    Attributes:
        until: When it ends.
        idle_seconds: Seconds between two polls of an empty queue.
        report_dir: Where it writes a report on each request; None for no reports.
    """

    until: WorkUntil
    idle_seconds: float
    report_dir: Path | None


def new_owner() -> str:
    """A worker's unique name: its host, process and a random part."""
    host = "".join(sign for sign in socket.gethostname() if sign.isalnum() or sign in "-.")
    return f"{host[:_MAX_OWNER_LENGTH]}/{os.getpid()}/{secrets.token_hex(3)}"


class Worker:
    """Claims requests of a queue, deploys them, and notifies the result of each attempt."""

    def __init__(
        self,
        parts: WorkerParts,
        options: WorkerOptions,
        notify: Callable[[AttemptResult], None],
        *,
        clock: CommandClock | None = None,
    ) -> None:
        self._parts, self._frontend = parts, parts.frontend
        self._options = options
        self._notify = notify
        self._clock = clock or CommandClock(own_ms=parts.session.now_ms)
        self._claimer = new_claimer(
            parts.session, self._clock, parts.settings.policy, parts.frontend
        )
        self._closing_ms: int | None = None

    def run(self) -> int:
        """Work until the end. Returns the number of requests that have ended.

        Raises:
            Interrupted: The user asked to stop.
            AwsUnreachable: The queue is unreachable, and the worker ends by itself.
            AwsRefused: The worker itself lacks a permission, or its session has expired.
        """
        ended = 0
        while True:
            with self._frontend.handle_signals(self._clock, "taking no further request"):
                request = self._claim()
                if request is None:
                    self._close_due()
                if request is None and self._options.until is not WorkUntil.STOPPED:
                    return ended
                if request is None:
                    self._clock.sleep(self._options.idle_seconds)
                    continue
            # From here on the deployment's own clock handles the signals.
            result = self._deploy(request)
            with self._frontend.handle_signals(self._clock, "taking no further request"):
                self._close_due()
            ended += result.is_recorded
            # A visit that only polled a gate does not count for --once.
            if self._options.until is WorkUntil.ONE and not result.is_poll:
                return ended

    def _claim(self) -> JobRequest | None:
        self._clock.check()
        retry = Retry(
            self._clock.sleep,
            self._frontend.warn_of_retry("the queue cannot be read: "),
            # A worker in a CI job fails; the job's next run tries again.
            max_tries=None if self._options.until is WorkUntil.STOPPED else _TRIES,
        )
        return retry.until_done(self._claimer.claim)

    def _close_due(self) -> None:
        """Close jobs that finished requests left open, at most every CLOSING_PAUSE_MS."""
        now_ms = self._clock.monotonic_ms()
        if self._closing_ms is None or now_ms >= self._closing_ms:
            self._closing_ms = now_ms + CLOSING_PAUSE_MS
            close_due(self._parts.session, self._parts.settings.trust, self._frontend)

    def _deploy(self, request: JobRequest) -> AttemptResult:
        self._frontend.note(f"{request.job_id}: claimed (attempt {request.attempt})")
        policy = self._parts.settings.policy
        claimed = ClaimedRequest(self._parts.session.table, request, self._clock, policy)
        try:
            self._clock.check()
        except Interrupted:
            claimed.release(after_ms=0, error="interrupted before it began", is_attempt=False)
            raise
        result = deploy_claimed(claimed, self._parts)
        if self._options.report_dir is not None and not result.is_poll:
            keep_report(result, self._options.report_dir, self._frontend.warn)
        if not result.is_poll:
            self._notify(result)
        if result.stop_signal is not None:
            raise Interrupted(result.stop_signal)
        if result.ends_worker and result.error is not None:
            raise result.error
        return result


def requests_at_gates(session: QueueSession) -> list[JobRequest]:
    """The requests that were left at gates; empty if they cannot be read."""
    try:
        found = list(session.table.listed(RequestState.DEPLOYING))
    except (AwsRefused, CredentialsUnusable):
        return []
    return [each for each in found if isinstance(each, JobRequest) and each.is_at_gate]


def new_claimer(
    session: QueueSession, clock: CommandClock, policy: LeasePolicy, frontend: Frontend
) -> Claimer:
    """A claimer for a queue, under a new unique owner name."""
    return Claimer(
        session.table,
        session.targets,
        clock,
        owner=new_owner(),
        policy=policy,
        draw=random.random,
        warn=frontend.warn,
    )

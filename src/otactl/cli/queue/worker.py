"""A worker: takes requests and carries them out, one after the other."""

from __future__ import annotations

import os
import random
import secrets
import socket
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING

from otactl.cli import terminal
from otactl.cli.queue.report import write_report
from otactl.cli.signals import hear_signals
from otactl.errors import AwsUnreachable, Interrupted
from otactl.jobqueue.held import HeldRequest
from otactl.jobqueue.taking import Taker
from otactl.operations.clock import CommandClock
from otactl.rules.backoff import pause_seconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otactl.cli.queue.carry_out import Carrier
    from otactl.cli.queue.ended import Ended
    from otactl.jobqueue.request import JobRequest

_MAX_OWNER_LENGTH = 120
#: How often in a row a worker that is to end looks for a queue that cannot be reached.
_TRIES = 5


class Until(StrEnum):
    """When a worker ends."""

    ONE = "one"
    EMPTY = "empty"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """How a worker goes about it.

    Attributes:
        until: When it ends.
        idle_seconds: From one look at an empty queue to the next.
        report_dir: Where it keeps a report on each request; None for nowhere.
    """

    until: Until
    idle_seconds: float
    report_dir: Path | None


def new_owner() -> str:
    """A worker's name: where it runs, and nobody else's."""
    host = "".join(sign for sign in socket.gethostname() if sign.isalnum() or sign in "-.")
    return f"{host[:_MAX_OWNER_LENGTH]}/{os.getpid()}/{secrets.token_hex(3)}"


class Worker:
    """Takes requests from a queue.

    Args:
        carrier: Carries them out.
        pattern: How it goes about it.
        tell: Told each request that ended.
        clock: Time, and the user's wish to stop; the wall's when left out.
    """

    def __init__(
        self,
        carrier: Carrier,
        pattern: Pattern,
        tell: Callable[[Ended], None],
        *,
        clock: CommandClock | None = None,
    ) -> None:
        self._carrier = carrier
        self._pattern = pattern
        self._tell = tell
        self._clock = clock or CommandClock()
        self._table = carrier.session.table
        self._taker = Taker(
            self._table,
            carrier.session.targets,
            self._clock,
            owner=new_owner(),
            policy=carrier.settings.policy,
            draw=random.random,
            warn=terminal.warn,
        )

    def run(self) -> int:
        """Work until the end. Returns how many requests it has brought to an end.

        Raises:
            Interrupted: The user asked to stop.
            AwsUnreachable: The queue cannot be reached, and the worker is to end.
            AwsRefused: The worker itself lacks a permission, or its session is over.
        """
        ended = 0
        while True:
            with hear_signals(self._clock, "taking no further request"):
                request = self._take()
                if request is None and self._pattern.until is not Until.STOPPED:
                    return ended
                if request is None:
                    self._clock.sleep(self._pattern.idle_seconds)
                    continue
            # From here on the deployment's own clock hears the signals.
            ended += self._see_through(request)
            if self._pattern.until is Until.ONE:
                return ended

    def _take(self) -> JobRequest | None:
        for failures in count(1):
            try:
                self._clock.check()
                return self._taker.take()
            except AwsUnreachable as error:
                # Whoever waits for the end, such as a CI job, is told; the next run tries again.
                if self._pattern.until is not Until.STOPPED and failures == _TRIES:
                    raise
                pause = pause_seconds(failures)
                terminal.warn(f"the queue cannot be read: {error}; next try in {pause:g} s")
            self._clock.sleep(pause)
        raise AssertionError("counting never ends")

    def _see_through(self, request: JobRequest) -> bool:
        session, settings = self._carrier.session, self._carrier.settings
        terminal.note(f"{request.job_id}: taken (attempt {request.attempt})")
        held = HeldRequest(session.table, request, self._clock, settings.policy)
        try:
            self._clock.check()
        except Interrupted:
            held.hand_back(after_ms=0, trouble="interrupted before it began", is_attempt=False)
            raise
        ended = self._carrier.carry_out(held)
        if self._pattern.report_dir is not None:
            keep_report(ended, self._pattern.report_dir)
        self._tell(ended)
        if ended.stop_signal is not None:
            raise Interrupted(ended.stop_signal)
        if ended.ends_worker and ended.error is not None:
            raise ended.error
        return ended.is_recorded


def keep_report(ended: Ended, folder: Path) -> None:
    """Keep the report on a request, one file for each worker that had it."""
    write_report(folder, f"{ended.request.aws_job_id}-{ended.request.fence}", ended.to_fields())

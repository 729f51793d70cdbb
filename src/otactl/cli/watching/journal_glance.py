"""What a watch needs of a journal that another process is writing, read again when it changed.

A process that is killed leaves its journal at RUNNING for ever; the lock beside it tells whether
anybody is at work.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from otactl.deploy.journal import Journal, Phase
from otactl.deploy.recorded_failure import recorded_failure
from otactl.deploy.step.alarm import PutAlarm
from otactl.errors import OtactlError
from otactl.model.standing import RoundSummary

if TYPE_CHECKING:
    from pathlib import Path

    from otactl.model.outcome import RoundResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """How a deployment stands by its journal.

    Attributes:
        things: How many things each round is for.
        rounds: How many are planned.
        done: Those that are over.
        is_running: Whether it has more to do, and nothing went wrong.
        has_ended: Whether nothing more will come.
        failure: How it failed.
        alarms: The names of the alarms it created.
    """

    things: int
    rounds: int
    done: tuple[RoundSummary, ...]
    is_running: bool
    has_ended: bool
    failure: OtactlError | None
    alarms: tuple[str, ...]


class JournalGlance:
    """Glances at one journal.

    Args:
        path: The journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._glance: Glance | None = None

    @property
    def deployment_id(self) -> str:
        """Whose journal it is."""
        return self._path.stem

    def now(self) -> Glance | None:
        """How the deployment stands; None when nobody can tell."""
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._stamp:
                self._glance = self._read()
                self._stamp = stamp
        except (OSError, sqlite3.Error, OtactlError):
            # It is being written, or gone: what was seen last still holds.
            return self._glance
        return self._glance

    def is_at_work(self) -> bool:
        """Whether a process holds the journal's lock."""
        try:
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            # Shared and not waited for: only the process at work has it to itself.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            return False
        finally:
            os.close(lock)

    def round_result(self, number: int) -> RoundResult | None:
        """What a round came to, with every execution that was kept; None before it is over."""
        try:
            journal = Journal.read(self._path)
            try:
                result = next((each for each in journal.rounds if each.round == number), None)
                if result is None:
                    return None
                kept = tuple(journal.executions(number))
                return replace(result, outcomes=kept or result.outcomes)
            finally:
                journal.close()
        except (sqlite3.Error, OtactlError):
            return None

    def _read(self) -> Glance:
        journal = Journal.read(self._path)
        try:
            plan = journal.plan
            return Glance(
                things=plan.things,
                rounds=len(plan.rounds),
                done=tuple(
                    RoundSummary(
                        round=result.round,
                        status=result.status,
                        counts=result.counts,
                        duration_seconds=result.duration_seconds,
                    )
                    for result in journal.rounds
                ),
                is_running=journal.phase is Phase.RUNNING and journal.failure is None,
                has_ended=journal.phase is not Phase.RUNNING,
                failure=recorded_failure(journal),
                alarms=tuple(step.name for step in plan.setup if isinstance(step, PutAlarm)),
            )
        finally:
            journal.close()

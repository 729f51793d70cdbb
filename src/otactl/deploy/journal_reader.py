"""Reads a journal that another process writes, again after each change of the file.

A killed process leaves its journal at RUNNING for ever; the lock beside it shows whether a process
works on it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from otactl.deploy.journal import Journal, Phase
from otactl.deploy.plan import Plan
from otactl.deploy.recorded_result import recorded_failure
from otactl.deploy.step.alarm import PutAlarm
from otactl.deploy.store import DeploymentStore
from otactl.errors import OtactlError
from otactl.model.outcome import RoundResult
from otactl.model.progress import RoundSummary
from otactl.model.wave import GateStatus

#: Raised for a journal that is being written, damaged, or of another version.
_UNREADABLE = (sqlite3.Error, OtactlError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStatus:
    """The status of a deployment by its journal.

    Attributes:
        things: How many things each round is for.
        done: The rounds that are over.
        is_running: Whether it has more to do, and no failure is recorded.
        has_ended: Whether it has ended.
        gate: Of a wave, the last status of its gate.
    """

    things: int
    rounds: int
    done: tuple[RoundSummary, ...]
    is_running: bool
    has_ended: bool
    failure: OtactlError | None
    alarms: tuple[str, ...]
    gate: GateStatus | None = None


@dataclass(eq=False)
class JournalReader:
    """Reads one journal.

    Attributes:
        job_id: The job to report on: of a deployment in waves, one of several.
    """

    path: Path
    job_id: str = ""
    _stamp: tuple[int, int] | None = field(init=False, default=None)
    _status: DeploymentStatus | None = field(init=False, default=None)

    @property
    def deployment_id(self) -> str:
        """The id of the journal's deployment."""
        return self.path.stem

    def now(self) -> DeploymentStatus | None:
        """The deployment's status; None if the journal was never readable."""
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._stamp:
                self._status = self._read()
                self._stamp = stamp
        except (OSError, *_UNREADABLE):
            # It is being written, gone, or of another version: return the last status.
            return self._status
        return self._status

    def is_at_work(self) -> bool:
        """Whether a process holds the journal's lock."""
        try:
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            # Shared and without waiting: only a process that works on it has an exclusive lock.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            # A file system without locks: no process can work there.
            return False
        else:
            return False
        finally:
            os.close(lock)

    def round_result(self, number: int) -> RoundResult | None:
        """The result of a round, with every execution that was kept; None before it is over."""
        try:
            with closing(Journal.read(self.path)) as journal:
                number = self._wave(journal.plan) or number
                result = next((each for each in journal.rounds if each.round == number), None)
                if result is None:
                    return None
                kept = tuple(journal.executions(number))
                return replace(result, outcomes=kept or result.outcomes)
        except _UNREADABLE:
            return None

    def _read(self) -> DeploymentStatus:
        with closing(Journal.read(self.path)) as journal:
            plan = journal.plan
            wave = self._wave(plan)
            steps = plan.rounds[wave - 1] if wave else plan.setup
            return DeploymentStatus(
                things=plan.waves[wave - 1].things if wave else plan.things,
                rounds=1 if wave else len(plan.rounds),
                done=tuple(
                    RoundSummary(
                        round=1 if wave else result.round,
                        status=result.status,
                        counts=result.counts,
                        duration_seconds=result.duration_seconds,
                    )
                    for result in journal.rounds
                    if not wave or result.round == wave
                ),
                is_running=journal.phase is Phase.RUNNING and journal.failure is None,
                has_ended=journal.phase is not Phase.RUNNING,
                failure=recorded_failure(journal),
                alarms=tuple(step.name for step in steps if isinstance(step, PutAlarm)),
                gate=next((each for each in journal.gates if each.wave == wave), None),
            )

    def _wave(self, plan: Plan) -> int:
        """The number of the job's wave; 0 without waves."""
        jobs = [wave.job_id for wave in plan.waves]
        return jobs.index(self.job_id) + 1 if self.job_id in jobs else 0


@dataclass(frozen=True, slots=True)
class RunningDeployment:
    """A deployment that a process of this machine carries out at this moment.

    Attributes:
        about: ``Journal.about``: where it is carried out.
        job_ids: The ids of its jobs: one, or one a wave.
    """

    path: Path
    job_id: str
    about: dict[str, Any]
    job_ids: tuple[str, ...] = ()


def running_deployments(store: DeploymentStore) -> Iterator[RunningDeployment]:
    """Find them, the newest first. A lock is tried before its journal is opened: that is faster."""
    for deployment_id in store.ids():
        path = store.path(deployment_id)
        if JournalReader(path).is_at_work():
            try:
                with closing(Journal.read(path)) as journal:
                    phase, plan, about = journal.phase, journal.plan, journal.about
            except (OSError, *_UNREADABLE):
                # Its first entry is being written; the next poll finds it.
                continue
            if phase is Phase.RUNNING:
                yield RunningDeployment(path, plan.job_id, about, plan.job_ids)

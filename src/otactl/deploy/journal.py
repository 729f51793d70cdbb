"""What a deployment plans, does and finds, recorded before and after each act.

One SQLite file per deployment. A step is entered as BEGUN before any call, and as DONE with its
record afterwards; undoing is entered the same way. So a process that reads the file after a crash
finds everything that may exist. SQLite's journal and ``synchronous=FULL`` make each entry survive a
power cut; a lock file beside it allows only one process on a deployment.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from otactl.deploy.journal_entries import JournalEntries
from otactl.deploy.journal_file import Database, connect_reading, connect_writing
from otactl.deploy.plan import Plan
from otactl.deploy.step.job import ROUND_RESULT
from otactl.errors import LocalResourceMissing, UserMistake
from otactl.model.outcome import RoundResult, ThingOutcome
from otactl.model.status import ExecutionStatus


class StepState(StrEnum):
    """The state of a step. BEGUN and UNDOING mean: it may or may not have happened."""

    BEGUN = "BEGUN"
    DONE = "DONE"
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"


class Phase(StrEnum):
    """The phase of a deployment."""

    RUNNING = "RUNNING"
    CLEANING = "CLEANING"
    FINISHED = "FINISHED"


class Outcome(StrEnum):
    """How a deployment ended. A missing failure does not mean success."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    #: `otactl clean` removed it before its end.
    CLEANED = "CLEANED"
    #: It ended, but an earlier otactl that did not record outcomes wrote this journal.
    UNKNOWN = "UNKNOWN"


class JournalListener:
    """Is notified after an entry was written; it may raise to stop the deployment."""

    def on_entered(self) -> None:
        """A step changed, a gate was judged, or a group was filled further."""

    def on_round_entered(self, result: RoundResult) -> None:  # noqa: ARG002
        """The journal has a round's result."""
        self.on_entered()

    def on_phase_entered(self) -> None:
        """The deployment's phase changed."""
        self.on_entered()


class Journal(JournalEntries):
    """The journal of one deployment: ``create`` and ``open`` take its lock, ``read`` does not.

    Attributes:
        path: The file.

    Args:
        lock: The open lock file; None for a journal that is only read.
    """

    def __init__(self, path: Path, database: Database, lock: int | None) -> None:
        self.path = path
        self._database = database
        self._lock = lock
        #: Is notified of what is entered.
        self.listener = JournalListener()

    @classmethod
    def create(
        cls,
        path: Path,
        plan: Plan,
        *,
        now_ms: int,
        about: Mapping[str, Any],
        fill: Callable[[Journal], None] = lambda _journal: None,
    ) -> Journal:
        """Begin the journal of a new deployment.

        Args:
            path: The file.
            plan: What is deployed.
            now_ms: The time, epoch milliseconds.
            about: What ``otactl history`` shows in addition to the plan.
            fill: Enters the things of the plan in the same transaction: a journal that has its plan
                but not its things would be resumed without them.

        Raises:
            LocalResourceMissing: It cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            journal = cls(path, *connect_writing(path))
        except (OSError, sqlite3.Error) as error:
            raise LocalResourceMissing(
                f"cannot write the journal {path}: {error}",
                hint="without a journal nothing is created; choose another --state-dir",
            ) from error
        try:
            with journal._database.at_once():
                journal._set(
                    ("plan", plan.model_dump_json()),
                    ("phase", Phase.RUNNING),
                    ("created_ms", str(now_ms)),
                    ("about", json.dumps(dict(about))),
                )
                fill(journal)
        except BaseException:
            journal.close()
            raise
        return journal

    @classmethod
    def open(cls, path: Path) -> Journal:
        """Open the journal of an earlier deployment.

        Raises:
            UserMistake: It does not exist, is damaged, or another process works on it.
        """
        if not path.is_file():
            raise UserMistake(
                f"there is no deployment {path.stem}", hint="`otactl history` lists them"
            )
        try:
            return cls(path, *connect_writing(path))
        except (OSError, sqlite3.Error) as error:
            raise UserMistake(f"the journal {path} cannot be read: {error}") from error

    @classmethod
    def read(cls, path: Path) -> Journal:
        """Open a journal for reading, also while another process writes it.

        Raises:
            UserMistake: It cannot be read.
        """
        return cls(path, connect_reading(path), None)

    def close(self) -> None:
        """Close the file and release the lock; a second call does nothing."""
        self._database.close()
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None

    def _get(self, name: str) -> str:
        found = self._find(name)
        if found is None:
            raise UserMistake(f"the journal {self.path} lacks its {name}: it is incomplete")
        return found

    def check(self) -> None:
        """Read once what every reader needs.

        Raises:
            UserMistake: It is damaged, or another version wrote it.
        """
        try:
            _ = self.plan, self.about, self.created_ms, self.outcome, self.rounds, self.gates
        except (ValueError, TypeError) as error:
            raise UserMistake(f"the journal {self.path} is damaged: {error}") from error

    @cached_property
    def plan(self) -> Plan:
        """The plan as it was made; it never changes.

        Raises:
            UserMistake: It was made by an otactl version with another plan format.
        """
        try:
            return Plan.model_validate_json(self._get("plan"))
        except ValidationError as error:
            raise UserMistake(
                f"the journal {self.path} cannot be read: the stored plan is invalid",
                hint="was it written by another version of otactl? Then use that one",
            ) from error

    @property
    def phase(self) -> Phase:
        """The phase of the deployment."""
        return Phase(self._get("phase"))

    @property
    def created_ms(self) -> int:
        """When it was begun, epoch milliseconds."""
        return int(self._get("created_ms"))

    @property
    def about(self) -> dict[str, Any]:
        """The ``about`` given to ``create``."""
        return dict(json.loads(self._get("about")))

    @property
    def is_rehearsal(self) -> bool:
        """Whether its things and its cloud ended with its process."""
        return bool(self.about.get("rehearsal"))

    @property
    def failure(self) -> str | None:
        """How it failed, in words, or None."""
        return self._find("failure")

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None before its end."""
        recorded = self._find("outcome")
        if recorded is not None:
            return Outcome(recorded)
        if self.phase is Phase.RUNNING:
            return None
        return Outcome.UNKNOWN if self.failure is None else Outcome.FAILED

    @property
    def interruption(self) -> str | None:
        """Why the last process stopped before the end, or None."""
        return self._find("interruption")

    def enter_phase(self, phase: Phase) -> None:
        """Record the phase of the deployment."""
        self._set(("phase", phase))
        self.listener.on_phase_entered()

    def enter_outcome(self, outcome: Outcome, failure: str = "") -> None:
        """Record how it ended; the first record stays."""
        if self._find("outcome") is None:
            entries = [("outcome", outcome.value)] + ([("failure", failure)] if failure else [])
            self._set(*entries)

    def reopen(self, keys: Sequence[str], rounds: Sequence[int]) -> None:
        """Delete the record of the deployment's end: its job still runs, and is watched again.

        Args:
            keys: The keys of the steps to do again: those that waited for the job.
            rounds: The rounds or waves whose results are collected again.
        """
        again = "UPDATE step SET state = 'BEGUN', record = NULL WHERE key = ?"
        with self._database.at_once():
            self._set(("reopened", "True"), ("phase", Phase.RUNNING))
            self._database.write_many(
                "DELETE FROM round WHERE round = ?", [(number,) for number in rounds]
            )
            self._database.write_many(again, [(key,) for key in keys])
            self._database.write("DELETE FROM deployment WHERE name IN ('outcome', 'failure')")
        self.listener.on_phase_entered()

    @property
    def is_reopened(self) -> bool:
        """Whether a deployment that had ended is watched again: its --max-wait is over."""
        return self._find("reopened") is not None

    def enter_interruption(self, reason: str | None) -> None:
        """Record why this process stops before the end; None deletes it: a process works again."""
        if reason is None:
            self._database.write("DELETE FROM deployment WHERE name = 'interruption'")
        else:
            self._set(("interruption", reason))

    def waited_ms(self, key: str) -> int:
        """For how long earlier processes waited in a step, milliseconds."""
        return int(self._find(f"waited/{key}") or 0)

    def enter_waited(self, key: str, waited_ms: int) -> None:
        """Record for how long a step has waited in total, milliseconds."""
        self._set((f"waited/{key}", str(waited_ms)))

    def enter(
        self, key: str, state: StepState, *, now_ms: int, record: Mapping[str, Any] | None = None
    ) -> None:
        """Record the state of a step; a ``record``, once given, stays."""
        self._database.write(
            "INSERT INTO step VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
            " state = excluded.state, at_ms = excluded.at_ms,"
            " record = coalesce(excluded.record, record)",
            *(key, state, None if record is None else json.dumps(dict(record)), now_ms),
        )
        self._entered()

    def _entered(self) -> None:
        self.listener.on_entered()

    def state(self, key: str) -> StepState | None:
        """The state of a step, or None if it was never begun."""
        row = self._database.row("SELECT state FROM step WHERE key = ?", key)
        return None if row is None else StepState(row[0])

    def record(self, key: str) -> dict[str, Any] | None:
        """The record of a step that was done, or None."""
        row = self._database.row("SELECT record FROM step WHERE key = ?", key)
        return None if row is None or row[0] is None else dict(json.loads(row[0]))

    def steps(self) -> dict[str, tuple[StepState, dict[str, Any] | None]]:
        """The state of each step that was begun, and its record if it was done, by its key."""
        return {
            str(key): (StepState(state), None if record is None else dict(json.loads(record)))
            for key, state, record in self._database.rows("SELECT key, state, record FROM step")
        }

    def enter_round(self, result: RoundResult) -> None:
        """Record the result of a round."""
        self._database.write(
            "REPLACE INTO round VALUES (?, ?)",
            *(result.round, ROUND_RESULT.dump_json(result).decode()),
        )
        self.listener.on_round_entered(result)

    @property
    def rounds(self) -> tuple[RoundResult, ...]:
        """The results of the rounds so far, in order."""
        rows = self._database.rows("SELECT result FROM round ORDER BY round")
        return tuple(ROUND_RESULT.validate_json(row[0]) for row in rows)

    def enter_executions(self, round_number: int, executions: Sequence[ThingOutcome]) -> None:
        """Keep executions as they were at the end of a round; each once, with details once known.

        They stay after clean-up, which deletes the job and its history.
        """
        self._database.write_many(
            "INSERT INTO execution VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " status = excluded.status, queued_ms = coalesce(excluded.queued_ms, queued_ms),"
            " started_ms = coalesce(excluded.started_ms, started_ms),"
            " updated_ms = coalesce(excluded.updated_ms, updated_ms),"
            " details = coalesce(excluded.details, details)",
            (_execution_row(round_number, execution) for execution in executions),
        )

    def executions(self, round_number: int) -> Iterator[ThingOutcome]:
        """The executions of a round, by thing and attempt; none in a journal that kept none."""
        if not self._database.has("execution"):
            return
        for row in self._database.rows(
            "SELECT thing, number, status, queued_ms, started_ms, updated_ms, details"
            " FROM execution WHERE round = ? ORDER BY thing, number",
            round_number,
        ):
            yield ThingOutcome(
                thing_name=row[0],
                execution_number=row[1],
                status=ExecutionStatus(row[2]),
                queued_at_ms=row[3],
                started_at_ms=row[4],
                updated_at_ms=row[5],
                status_details=json.loads(row[6]) if row[6] else {},
            )

    def enter_calls(self, counts: Mapping[str, int]) -> None:
        """Keep how many calls were made so far, by operation."""
        self._database.write_many("REPLACE INTO api_call VALUES (?, ?)", counts.items())

    @property
    def calls(self) -> dict[str, int]:
        """How many calls were made, by operation."""
        rows = self._database.rows("SELECT name, count FROM api_call ORDER BY name")
        return {str(name): int(count) for name, count in rows}


def _execution_row(round_number: int, execution: ThingOutcome) -> tuple[object, ...]:
    details = execution.status_details
    return (
        round_number,
        execution.thing_name,
        execution.execution_number,
        execution.status.value,
        execution.queued_at_ms,
        execution.started_at_ms,
        execution.updated_at_ms,
        json.dumps(dict(details)) if details else None,
    )

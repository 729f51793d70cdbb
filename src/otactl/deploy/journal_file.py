"""The SQLite file of a journal: written by one process at a time, read by any number."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from otactl.errors import LocalResourceMissing, UserMistake

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deployment (name TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS step (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, record TEXT, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS round (round INTEGER PRIMARY KEY, result TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS target (ordinal INTEGER PRIMARY KEY, arn TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS member (
    round INTEGER NOT NULL, thing TEXT NOT NULL, PRIMARY KEY (round, thing)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wave_thing (
    wave INTEGER NOT NULL, thing TEXT NOT NULL, refusal TEXT,
    PRIMARY KEY (wave, thing)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS former (thing TEXT PRIMARY KEY, version TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS left_out (
    thing TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS version (
    round INTEGER NOT NULL, thing TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (round, thing)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gate (wave INTEGER PRIMARY KEY, status TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS arm (
    wave INTEGER NOT NULL, thing TEXT NOT NULL, is_control INTEGER NOT NULL, boots INTEGER,
    PRIMARY KEY (wave, thing)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS comparison (
    wave INTEGER NOT NULL, point TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (wave, point)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS execution (
    round INTEGER NOT NULL, thing TEXT NOT NULL, number INTEGER NOT NULL, status TEXT NOT NULL,
    queued_ms INTEGER, started_ms INTEGER, updated_ms INTEGER, details TEXT,
    PRIMARY KEY (round, thing, number)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS api_call (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
"""
#: How long a write waits for another program that locks the file, such as a backup.
_LOCKED_SECONDS = 30.0


class JournalLocked(UserMistake):
    """Raised when another process works on a deployment."""


class JournalUnusable(LocalResourceMissing):
    """Raised when an open journal cannot be written or read: the disk is full, or it is locked."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        super().__init__(
            f"cannot use the journal {path}: {error}",
            hint=f"nothing was undone; free the disk or the file, then `otactl resume {path.stem}`"
            " goes on",
        )


class Database:
    """An open journal file. Errors of SQLite become ``JournalUnusable``."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """All writes within it are one transaction: all of them survive a kill, or none does."""
        with self._translated(), self._connection:
            self._connection.execute("BEGIN")
            yield

    def write(self, statement: str, *values: object) -> None:
        """Execute one statement as a transaction."""
        self.write_many(statement, [values])

    def write_many(self, statement: str, rows: Iterable[Any]) -> None:
        """Execute a statement for each row, in one transaction."""
        with self._translated():
            if self._connection.in_transaction:  # within ``at_once``
                self._connection.executemany(statement, rows)
                return
            with self._connection:
                self._connection.executemany(statement, rows)

    def row(self, statement: str, *values: object) -> Any:
        """The first row of an answer, or None."""
        with self._translated():
            return self._connection.execute(statement, values).fetchone()

    def rows(self, statement: str, *values: object) -> list[Any]:
        """All rows of an answer: an answer read only in part would keep the file locked."""
        with self._translated():
            return self._connection.execute(statement, values).fetchall()

    def has(self, table: str) -> bool:
        """Whether a table exists; a journal that an earlier otactl wrote may lack it."""
        return self.row("SELECT 1 FROM sqlite_master WHERE name = ?", table) is not None

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalUnusable(self._path, error) from error


def connect_writing(path: Path) -> tuple[Database, int]:
    """Open a journal for the process that works on it, and create missing tables.

    Returns:
        The database, and the open lock file; closing the file releases the lock.

    Raises:
        JournalLocked: Another process works on it.
        OSError, sqlite3.Error: It cannot be written.
    """
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise JournalLocked(
            f"another process is at work on deployment {path.stem}",
            hint="let it finish, or stop it first",
        ) from error
    except OSError:
        # The file system has no locks.
        os.close(lock)
        raise
    try:
        # One transaction: one wait for the disk, and no file has half of the tables.
        script = f"PRAGMA synchronous=FULL; BEGIN; {_SCHEMA} COMMIT;"
        return Database(path, _opened(path, script, check_same_thread=False)), lock
    except sqlite3.Error:
        os.close(lock)
        raise


def connect_reading(path: Path) -> Database:
    """Open an existing journal for reading, also while another process writes it.

    The file itself is opened for writing where that is allowed: SQLite rolls back what a killed
    process wrote only in part when the next process opens the file, even for reading.

    Raises:
        UserMistake: It is missing, damaged, or was cut short at its very beginning.
    """
    address = f"{path.resolve().as_uri()}?mode=rw"
    try:
        script = "PRAGMA query_only=ON; SELECT 1 FROM deployment LIMIT 1"
        return Database(path, _opened(address, script, uri=True))
    except sqlite3.Error as error:
        raise UserMistake(f"the journal {path} cannot be read: {error}") from error


def _opened(
    database: Path | str, script: str, *, check_same_thread: bool = True, uri: bool = False
) -> sqlite3.Connection:
    """A database in which a script ran; closed again if the script fails."""
    connection = sqlite3.connect(
        database, timeout=_LOCKED_SECONDS, check_same_thread=check_same_thread, uri=uri
    )
    try:
        connection.executescript(script)
    except sqlite3.Error:
        connection.close()
        raise
    return connection

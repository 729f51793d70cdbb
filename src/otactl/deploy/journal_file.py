"""The SQLite file of a journal: to be written by one process at a time, and read by any."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from typing import TYPE_CHECKING

from otactl.errors import UserMistake

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deployment (name TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS step (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, record TEXT, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS round (round INTEGER PRIMARY KEY, result TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS target (ordinal INTEGER PRIMARY KEY, arn TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS execution (
    round INTEGER NOT NULL, thing TEXT NOT NULL, number INTEGER NOT NULL, status TEXT NOT NULL,
    queued_ms INTEGER, started_ms INTEGER, updated_ms INTEGER, details TEXT,
    PRIMARY KEY (round, thing, number)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS api_call (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
"""


def connect_writing(path: Path) -> tuple[sqlite3.Connection, int]:
    """Open a journal for the process that is at work on it, and make what is missing.

    Returns:
        The database, and the open lock file; closing the file lets go of the lock.

    Raises:
        UserMistake: Another process is at work on it.
        OSError, sqlite3.Error: It cannot be written.
    """
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise UserMistake(
            f"another process is at work on deployment {path.stem}",
            hint="let it finish, or stop it first",
        ) from error
    try:
        return _opened(path, f"PRAGMA synchronous=FULL; {_SCHEMA}", check_same_thread=False), lock
    except sqlite3.Error:
        os.close(lock)
        raise


def connect_reading(path: Path) -> sqlite3.Connection:
    """Open a journal that exists for reading, also while another process writes it.

    The file itself is opened for writing where that is allowed: what a killed process wrote by
    half is taken back by whoever comes first, and that may be a reader.

    Raises:
        UserMistake: It is missing, damaged, or was cut short at its very beginning.
    """
    address = f"{path.resolve().as_uri()}?mode=rw"
    try:
        return _opened(address, "PRAGMA query_only=ON; SELECT 1 FROM deployment LIMIT 1", uri=True)
    except sqlite3.Error as error:
        raise UserMistake(f"the journal {path} cannot be read: {error}") from error


def _opened(
    database: Path | str, script: str, *, check_same_thread: bool = True, uri: bool = False
) -> sqlite3.Connection:
    """A database in which a script ran; closed again when it cannot."""
    connection = sqlite3.connect(database, check_same_thread=check_same_thread, uri=uri)
    try:
        connection.executescript(script)
    except sqlite3.Error:
        connection.close()
        raise
    return connection

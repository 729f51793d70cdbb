"""What people decided about a deployment, in a file beside its journal that needs no lock.

The process that deploys holds the journal's lock, so decisions of others go into a separate file:
one line of JSON each, appended by a single write, in the order that counts. A line that was cut
short by a full disk or a power cut is ignored.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from otactl.errors import LocalResourceMissing
from otactl.model.wave import DECISION, Decision


class Decisions(Protocol):
    """The decisions of one deployment, in any storage."""

    def read(self) -> tuple[Decision, ...]:
        """All decisions, in the order that counts."""

    def append(self, decision: Decision) -> None:
        """Add a decision; it is kept when this returns."""


class DecisionFile:
    """The decisions of one deployment."""

    def __init__(self, journal_path: Path) -> None:
        self._path = journal_path.with_suffix(".decisions")

    def read(self) -> tuple[Decision, ...]:
        """All decisions, in order; none if there is no file."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise LocalResourceMissing(f"cannot read {self._path}: {error}") from error
        decisions = []
        for line in lines:
            try:
                decisions.append(DECISION.validate_json(line))
            except ValidationError:
                continue
        return tuple(decisions)

    def append(self, decision: Decision) -> None:
        """Add a decision; it is on the disk when this returns.

        Raises:
            LocalResourceMissing: It cannot be written.
        """
        line = b"\n" + DECISION.dump_json(decision) + b"\n"
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.write(file, line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise LocalResourceMissing(f"cannot write {self._path}: {error}") from error

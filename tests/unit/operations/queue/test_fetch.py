"""A request that was claimed and cannot be written into the folder is released for others."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pytest
from tests.support.memory_queue import MemoryTable, MemoryTargets, request_for

from otactl.errors import LocalResourceMissing
from otactl.jobqueue.stored_file import StoredFile
from otactl.operations.frontend import Frontend
from otactl.operations.queue.fetch import CLAIM_NAME, fetch_claimed
from otactl.operations.queue.session import QueueSession


class EmptyFiles:
    """A store whose files are all empty."""

    def download(
        self, bucket: str, file: StoredFile, folder: Path, *, name: str, limit_bytes: int
    ) -> Path:
        (folder / name).touch()
        return folder / name


def session_of(table: MemoryTable) -> QueueSession:
    class MemorySession(QueueSession):
        @cached_property
        def table(self) -> MemoryTable:
            return table

        @cached_property
        def targets(self) -> MemoryTargets:
            return MemoryTargets()

        @cached_property
        def store(self) -> EmptyFiles:
            return EmptyFiles()

    return MemorySession("queue", None, "us-east-1", None)


def test_a_claim_that_cannot_be_written_is_given_back(tmp_path: Path) -> None:
    table = MemoryTable()
    table.add([request_for("one")])
    session = session_of(table)
    (tmp_path / CLAIM_NAME).mkdir()

    with pytest.raises(LocalResourceMissing, match=CLAIM_NAME):
        fetch_claimed(session, tmp_path, Frontend(), lease_ms=900_000)

    (released,) = table.active().requests
    assert CLAIM_NAME in released.last_error
    assert released.lease.until_ms < session.now_ms() + 60_000

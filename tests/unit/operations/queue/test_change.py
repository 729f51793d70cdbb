"""What a person is told about the job of a request names the job of its present run."""

from __future__ import annotations

import json
from functools import cached_property

import pytest
from tests.support.memory_queue import NOW_MS, MemoryTable, request_for

from otactl.errors import UserMistake
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.stored_file import FileRole, StoredFile, release_key
from otactl.model.wave import Act
from otactl.operations.queue.change import decide_request
from otactl.operations.queue.session import QueueSession


class Checkpoints:
    """A store whose files are all a checkpoint without waves."""

    def read(self, bucket: str, file: StoredFile, *, limit_bytes: int) -> bytes:
        return json.dumps({"planned_ms": NOW_MS, "document": "{}", "things": 1}).encode()


def test_the_job_of_a_retried_request_is_named_with_its_run() -> None:
    request: JobRequest = request_for("one", state=RequestState.DEPLOYING, run=2, fence=3)
    key = release_key(FileRole.CHECKPOINT, request.aws_job_id, "2-0.json")
    table = MemoryTable()
    table.add(
        [
            request_for(
                "one",
                state=RequestState.DEPLOYING,
                run=2,
                fence=3,
                checkpoint=StoredFile(key=key, sha256="d" * 64),
            )
        ]
    )

    class MemorySession(QueueSession):
        @cached_property
        def table(self) -> MemoryTable:
            return table

        @cached_property
        def store(self) -> Checkpoints:
            return Checkpoints()

    session = MemorySession("queue", None, "us-east-1", None)
    with pytest.raises(UserMistake, match="has no waves") as refused:
        decide_request(session, request.job_id, Act.REJECT, now_ms=NOW_MS)

    assert refused.value.hint == f"`otactl cancel {request.job_id}-r2` stops its job"

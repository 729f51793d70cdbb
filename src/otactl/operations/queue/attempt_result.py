"""The result of an attempt at a request, and the report on it that CI keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from otactl.errors import LocalResourceMissing, OtactlError
from otactl.jobqueue.request import JobRequest
from otactl.model.json_output import queue as json_queue
from otactl.model.json_output.shaping import shaped
from otactl.model.outcome import DeploymentResult
from otactl.operations.queue.request_fields import request_fields
from otactl.operations.text_file import write_atomically


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """How one worker's attempt at a request ended.

    Attributes:
        request: As it was last written.
        result: The deployment's result, if there was one.
        error: Why it did not succeed.
        is_recorded: Whether the request is over; else it was released, or another worker has it.
        stop_signal: The signal by which the user asked to stop; None without one.
        ends_worker: Whether the worker would fail with other requests too.
        waits: What the gate said that it was left at; empty when it was not.
        is_poll: Whether it was left where it was found: nothing was created.
    """

    request: JobRequest
    result: DeploymentResult | None = None
    error: OtactlError | None = None
    is_recorded: bool = True
    stop_signal: int | None = None
    ends_worker: bool = False
    waits: str = ""
    is_poll: bool = False

    def to_fields(self) -> json_queue.Attempt:
        """The report on it."""
        error = self.error and {"message": str(self.error), "exitCode": self.error.exit_code}
        request = request_fields(self.request)
        return shaped(json_queue.Attempt, self, request=request, error=error)


def keep_report(result: AttemptResult, folder: Path) -> None:
    """Keep the report on a request, one file for each worker that had it.

    Raises:
        LocalResourceMissing: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalResourceMissing(f"cannot make {folder}: {error.strerror}") from error
    path = folder / f"{result.request.aws_job_id}-{result.request.fence}.json"
    write_atomically(path, json.dumps(result.to_fields(), indent=2, ensure_ascii=False) + "\n")

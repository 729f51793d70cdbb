"""How a worker's hold on a request ended: what it tells, and what CI keeps as a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from otactl.cli import terminal
from otactl.cli.queue.report import request_fields
from otactl.jobqueue.held import LeaseLost

if TYPE_CHECKING:
    from otactl.errors import OtactlError
    from otactl.jobqueue.request import JobRequest
    from otactl.model.outcome import DeploymentResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a worker's hold on a request ended.

    Attributes:
        request: As it was last written.
        result: What the deployment came to, when there was one.
        error: Why it did not succeed.
        is_recorded: Whether the request is over; otherwise it was handed back, or taken away.
        stop_signal: The signal by which the user asked to stop meanwhile; None when nobody did.
        ends_worker: Whether the worker has no chance with other requests either.
    """

    request: JobRequest
    result: DeploymentResult | None = None
    error: OtactlError | None = None
    is_recorded: bool = True
    stop_signal: int | None = None
    ends_worker: bool = False

    def to_fields(self) -> dict[str, Any]:
        """The report on it."""
        return {
            "request": request_fields(self.request),
            "recorded": self.is_recorded,
            "result": None if self.result is None else self.result.to_fields(),
            "error": None
            if self.error is None
            else {"message": str(self.error), "exitCode": self.error.exit_code},
        }


def print_ended(ended: Ended, *, with_error: bool) -> None:
    """Tell people: the result on standard output, the rest on standard error.

    Args:
        ended: What ended.
        with_error: Whether its error is told too; not when the command is about to end by it.
    """
    from otactl.views.result_table import print_result

    if ended.result is not None:
        print_result(terminal.stdout_console(), ended.result)
    if ended.is_recorded:
        state = ended.request.state.value
    else:
        state = "another worker's" if isinstance(ended.error, LeaseLost) else "handed back"
    terminal.note(f"{ended.request.job_id}: {state}")
    if with_error and ended.error is not None:
        terminal.print_error(ended.error)

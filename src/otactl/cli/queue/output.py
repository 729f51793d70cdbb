"""What the queue's commands print about requests and attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.cli import terminal

if TYPE_CHECKING:
    from otactl.operations.queue.attempt_result import AttemptResult


def print_attempt(result: AttemptResult, *, with_error: bool) -> None:
    """Print the deployment's result on standard output, the rest on standard error.

    Args:
        result: The attempt's.
        with_error: Whether its error is printed too; not when the command is about to end by it.
    """
    from otactl.jobqueue.claimed_request import LeaseLost
    from otactl.views.result_table import print_result

    if result.result is not None:
        print_result(terminal.stdout_console(), result.result)
    if result.is_recorded:
        state = result.request.state.value
    elif result.waits:
        state = f"left at a gate: {result.waits}"
    else:
        state = "another worker's" if isinstance(result.error, LeaseLost) else "handed back"
    terminal.note(f"{result.request.job_id}: {state}")
    if with_error and result.error is not None:
        terminal.print_error(result.error)

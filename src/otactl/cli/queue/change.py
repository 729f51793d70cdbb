"""``otactl queue cancel`` and ``retry``, and the decisions at gates of a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.decide import CommentOption, WaveOption, print_decision
from otactl.cli.option_group import grouped
from otactl.cli.queue.options import Queue, QueueLocation, Request


@grouped
def cancel(
    request: Request,
    series: Annotated[
        bool, typer.Option("--series", help="Cancel all pending requests of its series.")
    ] = False,
    *,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Cancel a pending request. `otactl queue retry` makes it pending again.

    A request that is being deployed is no longer pending: `otactl cancel REQUEST` stops its job.
    """
    from otactl.operations.queue.change import cancel_request

    _report(cancel_request(queue.session(), request, series=series), "cancelled", output)


@grouped
def retry(
    request: Request,
    *,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Add a failed or cancelled request to the queue again.

    It is deployed as a new job, REQUEST-r2 the first time; requests that come after it continue
    when it has succeeded.
    """
    from otactl.operations.queue.change import retry_request

    retry_request(queue.session(), request)
    _report([request], "pending again", output)


def _report(job_ids: list[str], what: str, output: options.OutputFormat) -> None:
    if output is options.JSON:
        terminal.print_json({"requests": job_ids})
        return
    for job_id in job_ids:
        terminal.stdout_console().print(f"{job_id} is {what}", markup=False)
    if not job_ids:
        terminal.note(f"nothing was {what}")


@grouped
def approve(
    request: Request,
    wave: WaveOption = None,
    comment: CommentOption = "",
    *,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Let the next wave of a request begin, if its gate waits for approval."""
    _decide("approve", request, queue, output, comment, wave)


def _command(act: str, about: str) -> Callable[..., None]:
    """The command for an act about a request, at any wave."""

    @grouped
    def decide(
        request: Request,
        comment: CommentOption = "",
        *,
        queue: Queue,
        output: options.Output = options.TEXT,
    ) -> None:
        _decide(act, request, queue, output, comment)

    decide.__doc__ = about
    return decide


reject = _command(
    "reject", "Stop a request that is deployed in waves: every open job of it is cancelled."
)
pause = _command("pause", "Let no further wave of a request begin until `otactl queue continue`.")
continue_ = _command("continue", "End a pause of a request.")


def _decide(
    act: str,
    request: str,
    queue: QueueLocation,
    output: options.OutputFormat,
    comment: str,
    wave: str | None = None,
) -> None:
    from otactl.model.wave import Act
    from otactl.operations.queue.change import decide_request

    now_ms = time.time_ns() // 1_000_000
    decision = decide_request(
        queue.session(), request, Act(act), now_ms=now_ms, wave=wave, comment=comment
    )
    print_decision({"request": request}, decision, output, "the next poll of its gate acts on it")

"""``otactl queue cancel`` and ``otactl queue retry``: what a person may change."""

from __future__ import annotations

from typing import Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.cli.queue.options import Queue, Request


@grouped
def cancel(
    request: Request,
    series: Annotated[
        bool, typer.Option("--series", help="And what is still pending of its series.")
    ] = False,
    *,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Take a pending request out of the queue. `otactl queue retry` puts it in again.

    One that is being deployed is not pending any more: `otactl cancel REQUEST` stops its job.
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
    """Put a failed or cancelled request into the queue again.

    It is deployed as a job of its own, REQUEST-r2 the first time; requests that come after it go
    on when it has succeeded.
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

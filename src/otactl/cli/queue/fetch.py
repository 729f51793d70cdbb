"""``otactl queue fetch``: downloads a request's files, to inspect or to deploy them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.cli.queue.options import Queue
from otactl.cli.queue.run import note_waiting
from otactl.errors import UserMistake
from otactl.jobqueue.lease_policy import DEFAULT_LEASE_MS, MAX_LEASE_MS


@grouped
def fetch(
    request: Annotated[
        str | None,
        typer.Argument(
            metavar="[REQUEST]", help="The request's id; the next to deploy when left out."
        ),
    ] = None,
    into: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Target folder. [default: the request's id]")
    ] = None,
    claim: Annotated[
        bool,
        typer.Option(
            "--claim", help="Claim the request; `otactl queue run --fetched DIR` deploys it."
        ),
    ] = False,
    lease: Annotated[
        float,
        typer.Option(
            min=2,
            max=MAX_LEASE_MS // 1000,
            metavar="SECONDS",
            help="With --claim: how long the claim is valid.",
        ),
    ] = DEFAULT_LEASE_MS / 1000,
    *,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Download a request's dev.ini, thing list and image, verified by their digests.

    Without --claim nothing changes in the queue.
    """
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.queue.fetch import fetch_claimed, fetch_request
    from otactl.operations.queue.request_fields import request_fields

    session = queue.session()
    if claim and request is not None:
        raise UserMistake("--claim claims the next request", hint="leave out REQUEST")
    if claim:
        found, folder = fetch_claimed(session, into, TerminalFrontend(), lease_ms=int(lease * 1000))
    else:
        found, folder = fetch_request(session, request, into)
    if output is options.JSON:
        fields = None if found is None else request_fields(found)
        terminal.print_json({"request": fields, "folder": str(folder) if found else None})
    elif found is None:
        note_waiting(session)
    else:
        terminal.stdout_console().print(f"{found.job_id} is in {folder}", markup=False)

"""``otactl queue list`` and ``otactl queue show``: the requests, and what they wait for."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.cli.queue.options import Queue, Request
from otactl.errors import AwsRefused, UserMistake
from otactl.jobqueue.state import RequestState

if TYPE_CHECKING:
    from otactl.jobqueue.schedule import Wait
    from otactl.model.eligibility import LeftOut
    from otactl.operations.queue.session import QueueSession

_OPEN = (RequestState.DEPLOYING, RequestState.PENDING)


@grouped
def list_requests(
    state: Annotated[
        list[RequestState] | None,
        typer.Option(help="List this state; repeatable. [default: those that have not ended]"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="List every state.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most N requests of each state.")] = 100,
    *,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """List requests in the queue's order, and what the pending ones wait for."""
    from otactl.operations.queue.request_fields import request_fields, wait_fields
    from otactl.views.request_table import remark, request_lines

    session = queue.session()
    states = tuple(RequestState) if everything else tuple(state or _OPEN)
    found = [
        each for each_state in states for each in islice(session.table.listed(each_state), limit)
    ]
    waits = _waits(session, limit) if RequestState.PENDING in states else {}
    if output is options.JSON:
        fields = [request_fields(each) | wait_fields(waits.get(each.order_key)) for each in found]
        terminal.print_json({"requests": fields})
        return
    now_ms = time.time_ns() // 1_000_000
    rows = [(each, remark(each, waits.get(each.order_key), now_ms)) for each in found]
    terminal.stdout_console().print(
        request_lines(rows, now_ms) if rows else "the queue is empty", soft_wrap=True
    )
    if not everything and not state:
        # Failed requests have ended, so they are not in the list.
        failed = sum(1 for _ in islice(session.table.listed(RequestState.FAILED), limit))
        more = " or more" if failed == limit else ""
        if failed:
            terminal.note(f"{failed:,}{more} Failed not shown: --state Failed, or --all")


@grouped
def show(
    request: Request,
    *,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Show everything about one request."""
    from otactl.jobqueue.request import MalformedRequest
    from otactl.model.json_output import deployment
    from otactl.model.json_output.shaping import shaped
    from otactl.operations.queue.request_fields import iso, request_fields
    from otactl.operations.queue.wave_file import read_waves
    from otactl.views.request_table import field_lines

    session = queue.session()
    found = session.find(request)
    fields = request_fields(found)
    decided = () if isinstance(found, MalformedRequest) else session.decisions(found).read()
    left_out: tuple[LeftOut, ...] = ()
    try:
        if not isinstance(found, MalformedRequest):
            left_out = read_waves(found, session.store).left_out
    except (AwsRefused, UserMistake) as error:
        terminal.warn(f"which things are left out cannot be read: {error}")
    if output is options.JSON:
        lists = {
            "leftOut": [shaped(deployment.LeftOut, one) for one in left_out],
            "decisions": [shaped(deployment.Decision, one) for one in decided],
        }
        terminal.print_json({**fields, **lists})
        return
    console = terminal.stdout_console()
    tables = {
        "leftOut": {one.thing_name: one.words for one in left_out},
        # Numbered: AWS's clock shows seconds, and two decisions may have the same.
        "decisions": {
            f"{number} {iso(one.at_ms)}": one.words for number, one in enumerate(decided, start=1)
        },
    }
    for line in field_lines({**fields, **tables}):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _waits(session: QueueSession, limit: int) -> dict[str, Wait]:
    from otactl.jobqueue.overview import Overview
    from otactl.operations.clock import CommandClock

    overview = Overview(session.table, session.targets, CommandClock())
    verdicts = islice(overview.verdicts(session.table.active(), overview.pending()), limit)
    return {each.request.order_key: each.wait for each in verdicts if each.wait is not None}

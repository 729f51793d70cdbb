"""``otactl queue init``: make the queue's table."""

from __future__ import annotations

from typing import Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.cli.queue.options import Queue


@grouped
def init(
    capacity: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="UNITS",
            help="Read and write units a second (the manual has 5). [default: pay per request]",
        ),
    ] = None,
    ttl: Annotated[
        bool, typer.Option("--ttl", help="Let requests with --keep-days expire.")
    ] = False,
    recovery: Annotated[
        bool, typer.Option("--recovery", help="Let the table be restored to any second.")
    ] = False,
    *,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Make the queue's DynamoDB table, unless it exists already.

    templates/queue-table.yaml makes the same table by CloudFormation.
    """
    from otactl.aws.queue_setup import TableSettings, make_table

    session = queue.session()
    settings = TableSettings(
        name=queue.table, capacity_units=capacity, expires=ttl, is_recoverable=recovery
    )
    made = make_table(session.clients, settings)
    if output is options.JSON:
        terminal.print_json(
            {"table": queue.table, "region": session.clients.region, "created": made}
        )
    else:
        terminal.note(
            f"the table {queue.table} {'is ready' if made else 'exists already and is valid'}"
        )

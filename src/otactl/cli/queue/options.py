"""The options that the queue's commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import options
from otactl.cli.option_group import OptionGroup
from otactl.jobqueue.order import Priority

if TYPE_CHECKING:
    from otactl.operations.queue.session import QueueSession

QUEUE_PANEL = "Queue"
#: The manual's name of the table.
DEFAULT_TABLE = "job_config_table"

Table = Annotated[
    str, options.under(QUEUE_PANEL, "The queue's DynamoDB table.", envvar="OTACTL_QUEUE_TABLE")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLocation:
    """The table and location of a queue."""

    table: Table = DEFAULT_TABLE
    profile: options.Profile = None
    region: options.Region = None
    endpoint_url: options.EndpointUrl = None

    def session(self) -> QueueSession:
        """The queue.

        Raises:
            UserMistake: No table or region can have that name.
        """
        from otactl.operations.queue.session import QueueSession

        return QueueSession(self.table, self.profile, self.region, self.endpoint_url)


#: The options of QueueLocation as one argument.
Queue = Annotated[QueueLocation, OptionGroup(QueueLocation)]

Request = Annotated[
    str, typer.Argument(metavar="REQUEST", help="The request's id, jobId_….", show_default=False)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOptions:
    """How a deployment is added to the queue."""

    image: Annotated[
        Path | None, typer.Option(help="The image; it must be the one the dev.ini names.")
    ] = None
    thing_list: Annotated[
        Path | None, typer.Option(help="The thing list; it must be the one the dev.ini names.")
    ] = None
    priority: Annotated[
        Priority, typer.Option(help="Within one priority the oldest goes first.")
    ] = Priority.NORMAL
    not_before: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Do not deploy before TIME: 2026-12-01T03:00+01:00; UTC without an offset.",
        ),
    ] = None
    after: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REQUEST",
            help="Deploy only after this request has succeeded; repeatable.",
        ),
    ] = None
    split: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="THINGS",
            help="Make a series of requests of N things each; if one fails, the later ones"
            " are not deployed. Groups are replaced by their things.",
        ),
    ] = None
    required_succeeded: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=100,
            metavar="PERCENT",
            help="With --split: a request is deployed if N percent of its things succeeded,"
            " rounded up; then the next one may begin. Without it, all of them must.",
        ),
    ] = None
    max_minutes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=43_200,
            metavar="MINUTES",
            help="With --required-succeeded: decide after MINUTES, even if things have not ended.",
        ),
    ] = None
    keep_days: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=36_500,
            metavar="DAYS",
            help="Delete the request from the table DAYS after its end (needs `queue init --ttl`).",
        ),
    ] = None
    bucket: Annotated[
        str | None,
        typer.Option(
            help="Where the request's files are stored. [default: the bucket of the dev.ini]",
            rich_help_panel=QUEUE_PANEL,
        ),
    ] = None


Adding = Annotated[AddOptions, OptionGroup(AddOptions)]
#: For a file that the wizard has just written, for one rollout.
Creating = Annotated[
    AddOptions, OptionGroup(AddOptions, without=("required_succeeded", "max_minutes"))
]

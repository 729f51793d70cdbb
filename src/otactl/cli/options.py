"""The options that many commands share, with the same help everywhere.

Related options form a group (``otactl.cli.option_group``), one argument of a command.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otactl.cli import completion
from otactl.cli.option_group import OptionGroup
from otactl.model.defaults import DEFAULT_DETAILS
from otactl.operations.location_options import LocationOptions

if TYPE_CHECKING:
    from otactl.deploy.planner import PlanOptions
    from otactl.operations.fleet_address import BrokerOptions
    from otactl.views.result_files import ResultFiles


class OutputFormat(StrEnum):
    """The output format of a command."""

    TEXT = "text"
    JSON = "json"


TEXT, JSON = OutputFormat.TEXT, OutputFormat.JSON

#: In seconds: the longest pause between two polls, and the longest wait. No clock waits for "inf".
LONGEST_PAUSE, LONGEST_WAIT = 86_400, 366 * 86_400


def deployment_argument(metavar: str, text: str) -> Any:
    """An argument that names a deployment or a job; the shell offers those of this machine."""
    return typer.Argument(
        metavar=metavar, autocompletion=completion.deployments, help=text, show_default=False
    )


def under(panel: str, text: str, *flags: str, **how: Any) -> Any:
    """An option that help shows under a given heading."""
    return typer.Option(*flags, help=text, rich_help_panel=panel, **how)


_AWS, _MQTT = "AWS", "Broker"

Profile = Annotated[
    str | None, under(_AWS, "Profile of the AWS configuration to use.", envvar="AWS_PROFILE")
]
Region = Annotated[
    str | None,
    under(_AWS, "AWS region; in place of AWS_REGION, AWS_DEFAULT_REGION and the profile's."),
]
EndpointUrl = Annotated[
    str | None,
    under(
        _AWS,
        "Call this endpoint instead of AWS, such as a local cloud's.",
        envvar="AWS_ENDPOINT_URL",
    ),
]
Output = Annotated[
    OutputFormat,
    typer.Option(
        "--output",
        "-o",
        help="text for people, json for scripts: one object on stdout, also for an error.",
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        envvar="OTACTL_STATE_DIR",
        help="Where journals, keys and local state are kept. [default: the user's state directory]",
    ),
]
MaxWait = Annotated[
    float | None,
    typer.Option(
        "--max-wait",
        min=1,
        max=LONGEST_WAIT,
        metavar="SECONDS",
        help="End an unfinished round after SECONDS; with waves, leave the gate that waits.",
    ),
]
NoWait = Annotated[
    bool,
    typer.Option(
        "--no-wait",
        help="With waves: leave a gate that waits (exit code 10) after one poll; `otactl resume`"
        " continues.",
    ),
]
Details = Annotated[
    int,
    typer.Option(
        "--details",
        min=0,
        metavar="THINGS",
        help="Query at most N things one by one at the end of a round (reasons, times).",
    ),
]
Poll = Annotated[
    float,
    typer.Option(
        "--poll",
        min=0.1,
        max=LONGEST_PAUSE,
        metavar="SECONDS",
        help="Poll the running job every SECONDS.",
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write the report here: .html to look at, .json or .csv with every execution."
        " [default: a page in the state directory]",
        show_default=False,
    ),
]
Junit = Annotated[
    Path | None,
    typer.Option(
        "--junit",
        metavar="FILE",
        help="Write the result as JUnit XML, which CI servers show.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; the answer is yes.")]
Configuration = Annotated[
    Path, typer.Argument(metavar="FILE", help="The deployment's dev.ini.", show_default=False)
]
Deployment = Annotated[
    str | None,
    deployment_argument(
        "[DEPLOYMENT]",
        "The deployment's id, or its job's; the newest unfinished one when left out.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Delete a job that has the configured id, even if otactl did not create it."
    ),
]
Dir = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="DIR",
        help="The fleet's keys, certificates and images. [default: fleet, in the state directory]",
        show_default=False,
    ),
]
MqttHost = Annotated[
    str | None,
    under(_MQTT, "[default: the local cloud's, or the account's]", envvar="OTACTL_MQTT_HOST"),
]
MqttPort = Annotated[int, typer.Option(envvar="OTACTL_MQTT_PORT", min=1, rich_help_panel=_MQTT)]
MqttCaFile = Annotated[
    Path | None,
    under(_MQTT, "PEM. [default: Amazon's roots among the system's]", envvar="OTACTL_MQTT_CA_FILE"),
]


def _location(
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
    state_dir: StateDir = None,
) -> LocationOptions:
    return LocationOptions(
        profile=profile, region=region, endpoint_url=endpoint_url, state_dir=state_dir
    )


#: Where to work; for a stored deployment, whose region is known; for the account alone.
Location = Annotated[LocationOptions, OptionGroup(_location)]
StoredLocation = Annotated[LocationOptions, OptionGroup(_location, without=("region",))]
AccountLocation = Annotated[LocationOptions, OptionGroup(_location, without=("state_dir",))]


def _planning(max_wait: MaxWait = None, details: Details = DEFAULT_DETAILS) -> Any:
    from otactl.deploy.planner import PlanOptions

    return PlanOptions(detail_limit=details, max_wait_seconds=max_wait)


#: How long a round lasts at most, and how many things are queried at its end.
Planning = Annotated["PlanOptions", OptionGroup(_planning)]


def _results(report: Report = None, junit: Junit = None) -> Any:
    from otactl.views.result_files import ResultFiles

    return ResultFiles(report, junit)


#: The files that the result is written to.
Results = Annotated["ResultFiles", OptionGroup(_results)]


def _broker(
    mqtt_host: MqttHost = None, mqtt_port: MqttPort = 8883, mqtt_ca_file: MqttCaFile = None
) -> Any:
    from otactl.operations.fleet_address import BrokerOptions

    return BrokerOptions(mqtt_host, mqtt_port, mqtt_ca_file)


#: The message broker that devices connect to.
Broker = Annotated["BrokerOptions", OptionGroup(_broker)]

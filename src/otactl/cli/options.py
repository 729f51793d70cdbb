"""The options that many commands share, declared once so that they read alike everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import completion


class OutputFormat(StrEnum):
    """How a command that reports writes its report."""

    TEXT = "text"
    JSON = "json"


AWS_PANEL = "AWS"

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        envvar="AWS_PROFILE",
        help="Profile of the AWS configuration to use.",
        rich_help_panel=AWS_PANEL,
    ),
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        "--region",
        help="AWS region; in place of AWS_REGION, AWS_DEFAULT_REGION and the profile's.",
        rich_help_panel=AWS_PANEL,
    ),
]
EndpointUrlOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        envvar="AWS_ENDPOINT_URL",
        help="Call this endpoint instead of AWS, such as a local cloud's.",
        rich_help_panel=AWS_PANEL,
    ),
]
OutputOption = Annotated[
    OutputFormat,
    typer.Option(
        "--output",
        "-o",
        help="text for people, json for scripts: one object on stdout, also of an error.",
    ),
]
StateDirOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        envvar="OTACTL_STATE_DIR",
        help="Where journals, keys and local state are kept. [default: the user's state directory]",
    ),
]
MaxWaitOption = Annotated[
    float | None,
    typer.Option(
        "--max-wait",
        min=1,
        metavar="SECONDS",
        help="End a round that is not over by then; with waves, leave the gate that waits.",
    ),
]
NoWaitOption = Annotated[
    bool,
    typer.Option(
        "--no-wait",
        help="With waves: leave a gate that waits (exit code 10) after one look; `otactl resume`"
        " goes on.",
    ),
]
DetailsOption = Annotated[
    int,
    typer.Option(
        "--details",
        min=0,
        metavar="THINGS",
        help="Query at most N things one by one at the end of a round (reasons, times).",
    ),
]
PollOption = Annotated[
    float,
    typer.Option("--poll", min=0.1, metavar="SECONDS", help="Look at the running job this often."),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write the report here: .html to look at, .json or .csv with every execution."
        " [default: a page in the state directory]",
        show_default=False,
    ),
]
JunitOption = Annotated[
    Path | None,
    typer.Option(
        "--junit",
        metavar="FILE",
        help="Write the result as JUnit XML, which CI servers show.",
        show_default=False,
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; the answer is yes.")]
ConfigurationArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The deployment's dev.ini.", show_default=False)
]
DeploymentArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[DEPLOYMENT]",
        autocompletion=completion.deployments,
        help="The deployment's id, or its job's; the newest unfinished one when left out.",
        show_default=False,
    ),
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force", help="Delete a job that has the configured id, even if otactl did not create it."
    ),
]
DirOption = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="DIR",
        help="The fleet's keys, certificates and images. [default: fleet, in the state directory]",
        show_default=False,
    ),
]
_MQTT_PANEL = "Broker"
MqttHostOption = Annotated[
    str | None,
    typer.Option(
        envvar="OTACTL_MQTT_HOST",
        help="[default: the local cloud's, or the account's]",
        rich_help_panel=_MQTT_PANEL,
    ),
]
MqttPortOption = Annotated[
    int, typer.Option(envvar="OTACTL_MQTT_PORT", min=1, rich_help_panel=_MQTT_PANEL)
]
MqttCaFileOption = Annotated[
    Path | None,
    typer.Option(
        envvar="OTACTL_MQTT_CA_FILE",
        help="PEM. [default: Amazon's roots among the system's]",
        rich_help_panel=_MQTT_PANEL,
    ),
]

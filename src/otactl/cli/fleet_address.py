"""Where a fleet lies on this machine, and which broker its devices connect to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.errors import UserMistake
from otactl.operations.state_directory import state_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.aws.clients import AwsClients
    from otactl.fleet import FleetClock, FleetEndpoint, FleetManifest

DirOption = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="DIR",
        help="The fleet's keys, certificates and images. [default: fleet, in the state directory]",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """What the command line and the environment say of the broker."""

    host: str | None
    port: int
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class FleetAddress:
    """Where devices connect to, and the time there."""

    endpoint: FleetEndpoint
    clock: FleetClock


def fleet_directory(given: Path | None, state_dir: Path | None) -> Path:
    """The fleet's directory: what ``--dir`` says, or one in the state directory."""
    return given or state_directory(state_dir) / "fleet"


def resolve_address(
    options: BrokerOptions,
    manifest: FleetManifest,
    *,
    state_dir: Path | None,
    make_clients: Callable[[], AwsClients],
) -> FleetAddress:
    """The broker of a fleet: the one that is named, its local cloud's, or its account's.

    Args:
        options: What is named.
        manifest: Says where the fleet was made.
        state_dir: Where a local cloud of this machine says where it is.
        make_clients: Makes the clients to ask AWS with; not called for a local cloud.

    Raises:
        UserMistake: The fleet lives in a local cloud that is not to be found.
    """
    from otactl.cloud import read_record
    from otactl.fleet import FleetClock, FleetEndpoint
    from otactl.operations.state_directory import local_state_directory

    local = None
    if manifest.endpoint_url is not None:
        local = read_record(local_state_directory(state_dir))
        if local is not None and local.endpoint_url != manifest.endpoint_url:
            local = None
    clock = FleetClock.of_local_cloud(local) if local else FleetClock()
    if options.host is not None:
        ca_file = str(options.ca_file) if options.ca_file else None
        return FleetAddress(FleetEndpoint(options.host, options.port, ca_file), clock)
    if local is not None:
        return FleetAddress(FleetEndpoint.of_local_cloud(local), clock)
    if manifest.endpoint_url is not None:
        raise UserMistake(
            f"this fleet was made in a local cloud at {manifest.endpoint_url}, "
            "and nothing says where its broker is",
            hint='is it up? then: eval "$(otactl local env)"',
        )
    from otactl.aws.provisioning import data_endpoint

    return FleetAddress(FleetEndpoint(data_endpoint(make_clients()), options.port), clock)

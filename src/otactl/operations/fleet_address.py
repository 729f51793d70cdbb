"""A fleet's directory, its broker, and the key its devices check signatures with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otactl.errors import UserMistake
from otactl.operations.state_directory import state_directory
from otactl.operations.text_file import read_named_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from otactl.aws.clients import AwsClients
    from otactl.fleet import FleetClock, FleetDirectory, FleetEndpoint, FleetManifest

#: A public key of the largest curve has 300 characters.
_MAX_PEM_LENGTH = 64 * 1024


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The caller's options for the broker."""

    host: str | None
    port: int
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class FleetAddress:
    """The endpoint that devices connect to, and its clock."""

    endpoint: FleetEndpoint
    clock: FleetClock


def fleet_directory(given: Path | None, state_dir: Path | None) -> FleetDirectory:
    """The fleet's directory: the given one (``--dir``), or one in the state directory."""
    from otactl.fleet import FleetDirectory

    return FleetDirectory(given or state_directory(state_dir) / "fleet")


def resolve_address(
    options: BrokerOptions,
    manifest: FleetManifest,
    *,
    state_dir: Path | None,
    make_clients: Callable[[], AwsClients],
) -> FleetAddress:
    """The broker of a fleet: the one in the options, its local cloud's, or its account's.

    Args:
        options: The caller's.
        manifest: Says where the fleet was made.
        state_dir: Where a local cloud of this machine records its address.
        make_clients: Makes the AWS clients; not called for a local cloud.

    Raises:
        UserMistake: The fleet is in a local cloud that was not found.
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
            "whose broker was not found",
            hint='if it is running: eval "$(otactl local env)"',
        )
    from otactl.aws.signed_websocket import data_endpoint

    return FleetAddress(FleetEndpoint(data_endpoint(make_clients()), options.port), clock)


def read_public_key(path: Path | None) -> ec.EllipticCurvePublicKey | None:
    """The key that devices check signatures with.

    Raises:
        LocalResourceMissing: The file cannot be read.
        UserMistake: It does not hold such a key.
    """
    from otactl.device.verification import load_public_key

    if path is None:
        return None
    text = read_named_text(path, "public key", limit=_MAX_PEM_LENGTH)
    try:
        return load_public_key(text.encode())
    except ValueError as error:
        raise UserMistake(f"{path} is {error}") from error

"""The settings of a local cloud."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from otactl.errors import UserMistake

DEFAULT_ACCOUNT_ID = "000000000000"
DEFAULT_REGION = "us-east-1"
#: At more, devices cannot keep up with the cloud's clock.
MAX_SPEED = 600.0

#: At more, no retry budget is enough.
MAX_FAULT_PERCENT = 80.0

_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d", re.ASCII)
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSettings:
    """How to start a local cloud.

    Attributes:
        port: Of the gateway for every AWS API; 0 takes a free one.
        mqtt_port: Of the broker, MQTT over mutual TLS; 0 takes a free one.
        state_dir: The directory of all its files; None uses a temporary one, removed at the end.
        account_id: The account of devices and callers, twelve digits.
        region: The region of a request that names none.
        speed: Cloud seconds for each real second.
        fault_percent: The percentage of otactl's calls that fail, to test its retries.
        fault_seed: Another seed makes other calls fail.
        log_level: MiniStack's log level for ``cloud.log``.
        largest_page: The most entries of a page; small ones reveal callers that ignore nextToken.
        executions_per_minute: The most things a job notifies, or cancels, per minute; AWS's value.
        delete_job_seconds: Real seconds that a deleted job stays in DELETION_IN_PROGRESS.
        member_seconds: Real seconds until a thing that joined a group is visible in lists and as a
            job's target; AWS documents the delay, but not how long it is.
        connection_rates: Whether a connection's messages and bytes per second are limited as on
            AWS.
        least_keep_alive_seconds: The shortest keep alive of a connection; AWS's value.
        index_lag_seconds: Cloud seconds from a change of a thing until the fleet index has it.
        index_build_seconds: Cloud seconds that it takes to build the fleet index.
        host_names: Its host names in addition to localhost, *.localhost and 127.0.0.1.

    Raises:
        UserMistake: A value is invalid.
    """

    port: int = 0
    mqtt_port: int = 0
    state_dir: Path | None = None
    account_id: str = DEFAULT_ACCOUNT_ID
    region: str = DEFAULT_REGION
    speed: float = 1.0
    fault_percent: float = 0.0
    fault_seed: int = 0
    log_level: str = "INFO"
    largest_page: int = 250
    executions_per_minute: int = 1000
    delete_job_seconds: float = 2.0
    member_seconds: float = 0.0
    connection_rates: bool = True
    least_keep_alive_seconds: int = 30
    index_lag_seconds: float = 0.0
    index_build_seconds: float = 0.0
    host_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, port in (("--port", self.port), ("--mqtt-port", self.mqtt_port)):
            if not 0 <= port <= _MAX_PORT:
                raise UserMistake(f"{name} {port}: a port is a number from 0 (any) to {_MAX_PORT}")
        if self.port and self.port == self.mqtt_port:
            raise UserMistake(f"--port and --mqtt-port are both {self.port}: choose two")
        if _ACCOUNT_ID.fullmatch(self.account_id) is None:
            raise UserMistake(f"{self.account_id!r} is not an account id, which has 12 digits")
        if _REGION.fullmatch(self.region) is None:
            raise UserMistake(f"{self.region!r} is not an AWS region, such as us-east-1")
        if not 0 < self.speed <= MAX_SPEED:
            raise UserMistake(
                f"--speed {self.speed:g}: it must be above 0 and at most {MAX_SPEED:g}"
            )
        if not 0 <= self.fault_percent <= MAX_FAULT_PERCENT:
            raise UserMistake(
                f"--faults {self.fault_percent:g}: it must be from 0 to {MAX_FAULT_PERCENT:g}"
            )
        for host_name in self.host_names:
            if _HOST_NAME.fullmatch(host_name) is None:
                raise UserMistake(
                    f"--host-name {host_name}: it must be a name such as build-host.example,"
                    " without a port"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The settings of the child process, sent as JSON on its standard input.

    The child inherits open files by number: three listening sockets, the lock on the state
    directory, and a pipe that closes when the parent ends.

    Attributes:
        gateway_fd: Listening socket of the gateway.
        https_fd: Listening socket of the gateway for HTTPS.
        mqtt_fd: Listening socket of the broker.
        lifeline_fd: Reading end of the pipe; None if the cloud must outlive its parent.
        remove_state_dir: Whether the directory is temporary and removed at the end.
        clock_origin_ms: When the cloud's clock and real time were equal, epoch milliseconds.
        access_key_id: Of the administrator.
        secret_access_key: Of the administrator.
        cloud_secret: For the cloud's own and its owner's requests; see ``guard``.
        chosen: The user's settings; the actual ports and directory are those above.
    """

    gateway_fd: int
    https_fd: int
    mqtt_fd: int
    lifeline_fd: int | None
    port: int
    https_port: int
    mqtt_port: int
    state_dir: str
    remove_state_dir: bool
    clock_origin_ms: int
    access_key_id: str
    secret_access_key: str = field(repr=False)
    cloud_secret: str = field(repr=False)
    chosen: CloudSettings

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> ServerSettings:
        """Read the parent's JSON."""
        chosen = fields["chosen"]
        settings = CloudSettings(**chosen | {"host_names": tuple(chosen["host_names"])})
        return cls(**fields | {"chosen": settings})

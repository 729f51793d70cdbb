"""A fleet's profile: how it connects, downloads, installs and fails.

A profile is a TOML file. Every key has a default, so a file has only what is known; the defaults
are assumptions about a usual fleet, and a forecast that uses them says so. Shares and rates are
numbers from 0 to 1. ``docs/forecast.md`` explains each key with an example.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from otactl.errors import ConfigurationInvalid
from otactl.errors.problem import Problem
from otactl.forecast.distribution import Distribution, constant
from otactl.forecast.toml_text import Strict, TomlFault, read_toml

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
HOURS_PER_DAY = 24
#: The index of a group has eight bits.
MAX_GROUPS = 100
#: What one MQTT connection carries per second (DG19 limits-iot; aws-facts A9).
STREAM_BYTES_PER_SECOND = 512 * 1024


class Delivery(Strict):
    """How a thing downloads the image over an MQTT stream, for the count of messages.

    The deployment, not the fleet, says whether the image comes by stream or by presigned URL.

    Attributes:
        block_bytes: Size of a block; 256 to 131072 (aws-facts G4).
        blocks_per_request: Blocks per GetStream; at most 128 KB are sent for one request.
        encoding: CBOR carries a block as it is, JSON as base64: a third more.
        qos: 1 adds one metered PUBACK per block (aws-facts L).
        progress_reports: Updates a thing sends between starting and ending.
    """

    block_bytes: Annotated[int, Field(ge=256, le=131_072)] = 4096
    blocks_per_request: Annotated[int, Field(ge=1, le=98_304)] = 1
    encoding: Literal["cbor", "json"] = "cbor"
    qos: Literal[0, 1] = 1
    progress_reports: Annotated[int, Field(ge=0)] = 2


class Group(Strict):
    """Things that behave alike.

    Attributes:
        share: Their part of the fleet; the shares of all groups are taken in proportion.
        online: Share connected at any moment; ``online_by_hour`` gives it for each hour 0-23.
        never: Share that never connects again: its executions stay QUEUED for ever.
        start_delay_seconds: From the notification to IN_PROGRESS, for a thing that is connected.
        check_in_seconds: Until a thing that is not connected comes back.
        bandwidth_bytes_per_second: Download speed of one thing.
        install_seconds, reboot_seconds: After the download, before the report.
        failure_rate: Share of attempts that end in FAILED.
        failure_after_install: Share of those failures that happen after the image was installed.
        rejection_rate: Share of things that answer REJECTED at once.
        silence_rate: Share of attempts that start and never report again.
        silence_after_install: Share of those that had the new image installed by then.
        repeat_failure_rate: Chance that a retry after FAILED fails too; ``failure_rate`` when
            left out, 1 for an image that fails on the same things every time.
        old_rate: Share of things that report SUCCEEDED and come back with the old version.
        dark_rate: Share of things that report SUCCEEDED and never connect again.
    """

    name: str = "all"
    share: Annotated[float, Field(ge=1e-9, le=1e9, allow_inf_nan=False)] = 1.0
    online: Share = 0.9
    online_by_hour: tuple[Share, ...] | None = None
    never: Share = 0.0
    start_delay_seconds: Distribution = constant(2)
    check_in_seconds: Distribution = Distribution(median=7_200, p95=86_400)
    bandwidth_bytes_per_second: Distribution = Distribution(median=100_000, p5=20_000)
    install_seconds: Distribution = constant(20)
    reboot_seconds: Distribution = constant(15)
    failure_rate: Share = 0.005
    failure_after_install: Share = 1.0
    rejection_rate: Share = 0.0
    silence_rate: Share = 0.001
    silence_after_install: Share = 1.0
    repeat_failure_rate: Share | None = None
    old_rate: Share = 0.0
    dark_rate: Share = 0.0

    @model_validator(mode="after")
    def _consistent(self) -> Group:
        if self.online_by_hour is not None and len(self.online_by_hour) != HOURS_PER_DAY:
            raise ValueError("online_by_hour must have 24 shares, midnight first")
        if self.failure_rate + self.rejection_rate + self.silence_rate > 1 + 1e-12:
            raise ValueError("failure_rate, rejection_rate and silence_rate together exceed 1")
        if self.old_rate + self.dark_rate > 1:
            raise ValueError("old_rate and dark_rate together exceed 1")
        if self.bandwidth_bytes_per_second.quantile(0.001) <= 0:
            raise ValueError("bandwidth_bytes_per_second must be above 0")
        return self

    @property
    def online_shares(self) -> tuple[float, ...]:
        """The share connected in each hour of the day."""
        return self.online_by_hour or (self.online,) * HOURS_PER_DAY


class FleetProfile(Strict):
    """A fleet.

    Attributes:
        image_bytes: Size of the image; None: that of the deployment's own image.
        start_hour: Hour of the fleet's day at which the job is created, 0 to 24.
    """

    image_bytes: Annotated[int, Field(gt=0)] | None = None
    start_hour: Annotated[float, Field(ge=0, le=24)] = 9.0
    delivery: Delivery = Delivery()
    group: tuple[Group, ...] = (Group(),)

    @model_validator(mode="after")
    def _names_differ(self) -> FleetProfile:
        if not 0 < len(self.group) <= MAX_GROUPS:
            raise ValueError(f"there must be 1 to {MAX_GROUPS} [[group]]s")
        names = [group.name for group in self.group]
        if len(set(names)) != len(names):
            raise ValueError("every [[group]] needs a name of its own")
        return self

    def with_share_gone(self, share: float) -> FleetProfile:
        """The same fleet, of which this share never connects again."""
        factor = share / self.share_gone if share else 0.0
        return self._with_groups(lambda group: {"never": min(1.0, group.never * factor)})

    @property
    def share_gone(self) -> float:
        """The share of all things that never connects again."""
        weights = sum(group.share for group in self.group)
        return sum(group.share * group.never for group in self.group) / weights

    def with_failure_rate(self, rate: float) -> FleetProfile:
        """The same fleet with an image that fails at this rate in every group."""
        return self._with_groups(
            lambda group: {
                "failure_rate": rate,
                "silence_rate": min(group.silence_rate, 1 - rate),
                "rejection_rate": min(
                    group.rejection_rate, max(0.0, 1 - rate - group.silence_rate)
                ),
            }
        )

    def _with_groups(self, changed: Callable[[Group], dict[str, float]]) -> FleetProfile:
        groups = tuple(group.model_copy(update=changed(group)) for group in self.group)
        return self.model_copy(update={"group": groups})

    def after_ms(self, elapsed_ms: float) -> FleetProfile:
        """The same fleet for a job that is created this many milliseconds later."""
        hour = (self.start_hour + elapsed_ms / 3_600_000) % HOURS_PER_DAY
        return self.model_copy(update={"start_hour": hour})

    @property
    def names_unproven(self) -> bool:
        """Whether a group sets ``old_rate`` or ``dark_rate``."""
        return any({"old_rate", "dark_rate"} & group.model_fields_set for group in self.group)


def parse_profile(text: str, *, file_name: str = "") -> FleetProfile:
    """Read a profile.

    Raises:
        ConfigurationInvalid: Every problem of the file, each with its key.
    """
    try:
        fields = read_toml(text)
    except TomlFault as error:
        problem = Problem(message=str(error), file=file_name, code="syntax")
        raise ConfigurationInvalid([problem]) from error
    try:
        return FleetProfile.model_validate(fields)
    except ValidationError as error:
        problems = [_problem(details, file_name) for details in error.errors()]
        raise ConfigurationInvalid(problems) from error


def _problem(details: Any, file_name: str) -> Problem:
    where = ""
    for part in details["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    message = details["msg"].removeprefix("Value error, ")
    code = "unknown-key" if details["type"] == "extra_forbidden" else "range"
    if code == "unknown-key":
        message = "is not a key of a fleet profile"
    return Problem(message=message, file=file_name, key=where, code=code)

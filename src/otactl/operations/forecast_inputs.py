"""What ``forecast`` and ``lint`` read: a ``dev.ini``, a fleet profile, the number of things.

Neither command needs the image or the thing list: a rollout can be forecast before they exist.
A value that is not given is read from the files; if that fails, the error names the option for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from otactl.errors import ConfigurationInvalid, LocalResourceMissing, UserMistake
from otactl.errors.problem import Problem, Severity
from otactl.forecast.price import Prices, parse_prices, shipped_prices
from otactl.forecast.profile import FleetProfile, parse_profile
from otactl.forecast.toml_text import MAX_TOML_LENGTH
from otactl.model.configuration import DeploymentConfiguration
from otactl.operations.named_files import read_thing_list
from otactl.operations.text_file import read_named_text, regular_size


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetInputs:
    """The fleet as the caller describes it.

    Attributes:
        profile: The one given, or the defaults of ``FleetProfile()``.
        is_assumed: Whether no profile was given.
        things: Number of things; None for those of the thing list.
        image_bytes: None for the profile's value, or the size of the file's image.
    """

    profile: FleetProfile
    is_assumed: bool
    things: int | None = None
    image_bytes: int | None = None


def read_fleet(
    path: Path | None, things: int | None = None, image_bytes: int | None = None
) -> FleetInputs:
    """Read the profile, if one is given."""
    return FleetInputs(
        profile=FleetProfile() if path is None else read_profile(path),
        is_assumed=path is None,
        things=things,
        image_bytes=image_bytes,
    )


def read_profile(path: Path) -> FleetProfile:
    """Read a fleet profile.

    Raises:
        LocalResourceMissing: It cannot be read.
        ConfigurationInvalid: It is invalid.
    """
    hint = "name a TOML file after --profile; docs/forecast.md shows one"
    text = read_named_text(path, "fleet profile", limit=MAX_TOML_LENGTH, hint=hint)
    return parse_profile(text, file_name=str(path))


def read_prices(path: Path | None) -> Prices:
    """Read a price file, or the one that comes with otactl.

    Raises:
        LocalResourceMissing: It cannot be read.
        UserMistake: It is not a price file.
    """
    if path is None:
        return shipped_prices()
    text = read_named_text(path, "price file", limit=MAX_TOML_LENGTH)
    return parse_prices(text, file_name=str(path))


def count_things(configuration: DeploymentConfiguration, fleet: FleetInputs) -> int:
    """How many things the deployment is for.

    Raises:
        UserMistake: It was not given, and the thing list does not say.
        ConfigurationInvalid: The thing list is invalid.
    """
    if fleet.things is not None:
        return fleet.things
    path = Path(configuration.thing_list)
    location = Problem(message="", file=configuration.file_name, section="DEFAULT", key="thingList")
    found, problems = read_thing_list(
        path, location, region=configuration.region, account=configuration.account
    )
    if found is None:
        if path.exists():
            raise ConfigurationInvalid([p for p in problems if p.severity is Severity.ERROR])
        raise UserMistake(
            f"the number of things is unknown: there is no thing list {path}",
            hint="give it with --things N",
        )
    if found.groups:
        raise UserMistake(
            f"the number of things is unknown: {path} names thing groups",
            hint="give it with --things N",
        )
    return len(found.things)


def size_of_image(configuration: DeploymentConfiguration, fleet: FleetInputs) -> int | None:
    """The size of the image in bytes; None if unknown."""
    given = fleet.image_bytes or fleet.profile.image_bytes
    if given is not None:
        return given
    try:
        return regular_size(Path(configuration.image)) or None
    except LocalResourceMissing:
        return None


def require_size(configuration: DeploymentConfiguration, fleet: FleetInputs) -> int:
    """The size of the image in bytes.

    Raises:
        UserMistake: It is unknown.
    """
    size_bytes = size_of_image(configuration, fleet)
    if size_bytes is None:
        raise UserMistake(
            f"the size of the image is unknown: there is no file {configuration.image}",
            hint="give it with --image-bytes N, or with image_bytes in the profile",
        )
    return size_bytes

"""The options that describe the fleet for ``forecast``, ``lint`` and ``profile``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from otactl.cli.option_group import OptionGroup
from otactl.cli.options import under

if TYPE_CHECKING:
    from otactl.operations.forecast_inputs import FleetInputs

FLEET_PANEL = "The fleet"
MAX_THINGS = 10_000_000

ImageBytes = Annotated[
    int | None,
    under(FLEET_PANEL, "Size of the image, in place of the profile's or that of binName.", min=1),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """The options that describe a fleet."""

    things: Annotated[
        int | None,
        under(
            FLEET_PANEL,
            "Number of things, if the thing list does not say.",
            min=1,
            max=MAX_THINGS,
            metavar="N",
        ),
    ] = None
    profile: Annotated[
        Path | None,
        under(
            FLEET_PANEL,
            "TOML file with how the fleet connects, downloads and fails.",
            metavar="PROFILE",
        ),
    ] = None
    image_bytes: ImageBytes = None

    def read(self) -> FleetInputs:
        """The fleet of these options, with its profile."""
        from otactl.operations.forecast_inputs import read_fleet

        return read_fleet(self.profile, self.things, self.image_bytes)


Fleet = Annotated[FleetOptions, OptionGroup(FleetOptions)]

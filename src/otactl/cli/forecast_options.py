"""The options that say what fleet ``forecast``, ``lint`` and ``profile`` are about."""

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
    """What fleet it is."""

    things: Annotated[
        int | None,
        under(
            FLEET_PANEL,
            "How many things there are, when the thing list does not tell.",
            min=1,
            max=MAX_THINGS,
            metavar="N",
        ),
    ] = None
    profile: Annotated[
        Path | None,
        under(
            FLEET_PANEL,
            "TOML file that says how the fleet connects, downloads and fails.",
            metavar="PROFILE",
        ),
    ] = None
    image_bytes: ImageBytes = None

    def read(self) -> FleetInputs:
        """The fleet, with what its profile says."""
        from otactl.operations.forecast_inputs import read_fleet

        return read_fleet(self.profile, self.things, self.image_bytes)


Fleet = Annotated[FleetOptions, OptionGroup(FleetOptions)]

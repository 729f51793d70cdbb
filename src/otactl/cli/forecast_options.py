"""The options that say what fleet ``forecast``, ``lint`` and ``profile`` are about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli.option_group import OptionGroup

if TYPE_CHECKING:
    from otactl.operations.forecast_inputs import FleetInputs

FLEET_PANEL = "The fleet"
MAX_THINGS = 10_000_000

ImageBytes = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Size of the image, in place of the profile's or that of binName.",
        rich_help_panel=FLEET_PANEL,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """What fleet it is."""

    things: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_THINGS,
            metavar="N",
            help="How many things there are, when the thing list does not tell.",
            rich_help_panel=FLEET_PANEL,
        ),
    ] = None
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="PROFILE",
            help="TOML file that says how the fleet connects, downloads and fails.",
            rich_help_panel=FLEET_PANEL,
        ),
    ] = None
    image_bytes: ImageBytes = None

    def read(self) -> FleetInputs:
        """The fleet, with what its profile says."""
        from otactl.operations.forecast_inputs import read_fleet

        return read_fleet(self.profile, self.things, self.image_bytes)


Fleet = Annotated[FleetOptions, OptionGroup(FleetOptions)]

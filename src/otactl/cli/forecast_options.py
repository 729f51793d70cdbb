"""The options that say what fleet ``forecast``, ``lint`` and ``profile`` are about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FLEET_PANEL = "The fleet"
MAX_THINGS = 10_000_000

ThingsOption = Annotated[
    int | None,
    typer.Option(
        "--things",
        min=1,
        max=MAX_THINGS,
        metavar="N",
        help="How many things there are, when the thing list does not tell.",
        rich_help_panel=FLEET_PANEL,
    ),
]
FleetProfileOption = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="PROFILE",
        help="TOML file that says how the fleet connects, downloads and fails.",
        rich_help_panel=FLEET_PANEL,
    ),
]
ImageBytesOption = Annotated[
    int | None,
    typer.Option(
        "--image-bytes",
        min=1,
        help="Size of the image, in place of the profile's or that of binName.",
        rich_help_panel=FLEET_PANEL,
    ),
]

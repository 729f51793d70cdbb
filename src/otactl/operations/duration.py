"""Reads durations the way people write them: ``90m``, ``4h``, ``2d``, ``1h30m``."""

from __future__ import annotations

import re

from otactl.errors import UserMistake

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(min|[smhd])")


def parse_duration(text: str, *, flag: str) -> float:
    """Seconds; a message names the flag.

    Raises:
        UserMistake: It is no duration.
    """
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text).strip():
        raise UserMistake(
            f"{flag}: {text!r} is no duration", hint="write 90m, 4h, 2d or 1h30m, for example"
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts)

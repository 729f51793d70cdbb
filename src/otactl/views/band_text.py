"""Writes a forecast's numbers the way people read them: durations, bytes, counts, bands."""

from __future__ import annotations

import math
from collections.abc import Callable

from otactl.forecast.band import Band
from otactl.views.wording import duration

_NEVER = "never"
_BYTE_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_KILO = 1000
_TEN, _HUNDRED = 10, 100
#: The highest percentage that is shown until it is really all.
_NEARLY = 99.9


def duration_text(seconds: float) -> str:
    """``35 s``, ``4 min 10 s``, ``3 h 20 min``, ``2 d 5 h``; ``never`` when infinite."""
    return duration(seconds) if math.isfinite(seconds) else _NEVER


def count_text(count: float) -> str:
    """``12,345``."""
    return f"{round(count):,}" if math.isfinite(count) else _NEVER


def bytes_text(number: float) -> str:
    """``1.5 GB``, in powers of ten as AWS bills them."""
    unit = 0
    # A number that rounds to 1000 becomes 1 of the next unit: 999,600 is 1 MB, not 1e+03 KB.
    while round(number) >= _KILO and unit < len(_BYTE_UNITS) - 1:
        number, unit = number / _KILO, unit + 1
    if number >= _HUNDRED:
        return f"{number:,.0f} {_BYTE_UNITS[unit]}"
    return f"{number:.0f} {_BYTE_UNITS[unit]}" if unit == 0 else f"{number:.3g} {_BYTE_UNITS[unit]}"


def rate_text(bytes_per_second: float) -> str:
    """``1.5 GB/s``."""
    return f"{bytes_text(bytes_per_second)}/s"


def dollars_text(dollars: float) -> str:
    """``$1,234`` or ``$1.23``."""
    return f"${dollars:,.2f}" if dollars < _KILO else f"${dollars:,.0f}"


def share_text(share: float) -> str:
    """``12%``; small shares keep their first digits, and 100% is all."""
    percent = 100 * share
    if percent < _HUNDRED and round(percent) == _HUNDRED:
        return f"{min(percent, _NEARLY):.1f}%"
    if percent == 0 or percent >= _TEN:
        return f"{percent:.0f}%"
    return f"{percent:.2g}%"


def band_text(band: Band | None, write: Callable[[float], str]) -> str:
    """``median (low to high)``; only the median if all three are equal."""
    if band is None:
        return "-"
    low, median, high = write(band.low), write(band.median), write(band.high)
    return median if low == high else f"{median} ({low} to {high})"

"""How long one of many workers waits before it tries again.

Workers that collided once would collide again if they all waited equally long; so each draws its
pause at random, from a range that doubles with every failure in a row.
"""

from __future__ import annotations

_MAX_DOUBLINGS = 16


def jittered_pause_seconds(
    failures: int, draw: float, *, first_seconds: float, longest_seconds: float
) -> float:
    """The pause after N failures in a row.

    Args:
        failures: Counted from 1.
        draw: A random number of [0, 1).
        first_seconds: The range after the first failure.
        longest_seconds: The range never grows beyond it.
    """
    reach = first_seconds * float(1 << min(failures - 1, _MAX_DOUBLINGS))
    return draw * min(reach, longest_seconds)

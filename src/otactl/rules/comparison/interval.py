"""The 95% interval of the difference of two shares.

Of each share Wilson's score interval, of the difference Newcombe's combination of the two
(R. G. Newcombe, Statistics in Medicine 17, 1998, method 10): it stays within -1 and 1, and says
something also when no thing at all was bad.
"""

from __future__ import annotations

from math import hypot, sqrt

#: The 97.5% quantile of the normal distribution.
_Z = 1.959963984540054


def wilson(bad: int, things: int) -> tuple[float, float]:
    """The 95% interval of one share."""
    share, z2 = bad / things, _Z * _Z
    centre = (share + z2 / (2 * things)) / (1 + z2 / things)
    half = _Z * sqrt(share * (1 - share) / things + z2 / (4 * things * things)) / (1 + z2 / things)
    return (0.0 if bad == 0 else centre - half), (1.0 if bad == things else centre + half)


def difference_interval(
    first_bad: int, first: int, second_bad: int, second: int
) -> tuple[float, float]:
    """The 95% interval of the first share less the second."""
    one, two = first_bad / first, second_bad / second
    (one_low, one_high), (two_low, two_high) = wilson(first_bad, first), wilson(second_bad, second)
    difference = one - two
    return (
        difference - hypot(one - one_low, two_high - two),
        difference + hypot(one_high - one, two - two_low),
    )

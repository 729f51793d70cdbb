"""Assigns values to the things of a fleet by shares in percent, exactly and by a seed.

10 percent of 100 things are exactly 10 things. If a share is not a whole number of things, the
largest remainders get the things left over. The assignment depends on the seed, the thing names
and the shares, not on the order of the things.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TypeVar

ALL_PERCENT = 100

Dealt = TypeVar("Dealt", bound=Hashable)


def deal(things: Iterable[str], shares: Mapping[Dealt, Decimal], seed: str) -> dict[str, Dealt]:
    """Give every thing a value.

    Args:
        things: The thing names, each once.
        shares: In percent by value; the sum is 100.
        seed: Another seed gives another assignment.
    """
    shuffled = sorted(things, key=lambda thing: (_rank(thing, seed), thing))
    dealt: dict[str, Dealt] = {}
    remaining = iter(shuffled)
    for what, count in _counts(shares, len(shuffled)).items():
        dealt.update((next(remaining), what) for _ in range(count))
    return dealt


def parse_share(name: str, percent: str) -> Decimal:
    """Read a share in percent, with or without the sign ``%``.

    Raises:
        ValueError: It is not a number from 0 to 100.
    """
    try:
        share = Decimal(percent.removesuffix("%"))
    except InvalidOperation:
        share = Decimal("NaN")
    if not (share.is_finite() and 0 <= share <= ALL_PERCENT):
        raise ValueError(f"{name}={percent} is no share in percent, 0 to {ALL_PERCENT}")
    return share


def parse_versions(text: str) -> dict[str, Decimal]:
    """Read ``1.2.0=80,1.3.0=20``, or ``1.2.0=80,1.3.0``: versions and their shares in percent.

    Versions without a share get equal parts of the rest.

    Raises:
        ValueError: A version is missing or given twice, or the shares do not add up to 100.
    """
    shares: dict[str, Decimal] = {}
    open_versions: list[str] = []
    for part in text.split(","):
        version, separator, percent = (piece.strip() for piece in part.partition("="))
        if not version or version in shares:
            raise ValueError(f"{text!r} has an empty version, or one twice")
        shares[version] = parse_share(version, percent) if separator else Decimal(0)
        if not separator:
            open_versions.append(version)
    rest = ALL_PERCENT - sum(shares.values(), Decimal(0))
    if rest < 0 or (rest and not open_versions):
        raise ValueError(f"the shares in {text!r} do not add up to the whole fleet")
    return shares | dict.fromkeys(open_versions, rest / max(1, len(open_versions)))


def _rank(thing: str, seed: str) -> bytes:
    return hashlib.sha256(f"{seed}:{thing}".encode()).digest()


def _counts(shares: Mapping[Dealt, Decimal], things: int) -> dict[Dealt, int]:
    """The number of things for each value; the sum is ``things``."""
    wanted = {what: Fraction(share) * things / ALL_PERCENT for what, share in shares.items()}
    counts = {what: int(share) for what, share in wanted.items()}
    left_over = things - sum(counts.values())
    by_remainder = sorted(wanted, key=lambda what: counts[what] - wanted[what])
    for what in by_remainder[:left_over]:
        counts[what] += 1
    return counts

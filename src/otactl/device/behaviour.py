"""How a virtual device behaves, and how behaviours are dealt to a fleet.

Shares are percentages of the fleet. They are dealt exactly: 10 percent of 100 things are 10
things. Where a share is no whole number of things, the largest remainders get the things left
over. Who gets what follows from the seed and the thing's name alone, not from the order in which
the things are given.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction


class Behaviour(StrEnum):
    """What a device does with every job it is handed."""

    #: Installs the image.
    SUCCEED = "succeed"
    #: Fails while it installs, before the slots are switched.
    FAIL = "fail"
    #: Answers REJECTED without a look at the image.
    REJECT = "reject"
    #: Takes the job and says nothing more.
    SILENT = "silent"
    #: Has a link that lets few bytes through.
    SLOW = "slow"
    #: Has a link that alters a byte; verification has to catch it.
    CORRUPT = "corrupt"
    #: Loses its connection midway, comes back and resumes.
    DROP = "drop"


ALL_PERCENT = 100


def parse_behave(text: str) -> dict[Behaviour, Decimal]:
    """Read ``fail=10,silent=2``: behaviours and their shares in percent.

    What is not given away succeeds. An empty text gives every thing to SUCCEED.

    Raises:
        ValueError: A name is unknown, a share is no percentage, or they add up to more than 100.
    """
    shares: dict[Behaviour, Decimal] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, separator, percent = (piece.strip() for piece in part.partition("="))
        if not separator:
            raise ValueError(f"{part!r} is not a behaviour and its share, such as fail=10")
        behaviour = _behaviour(name)
        if behaviour in shares:
            raise ValueError(f"{name} is given twice")
        shares[behaviour] = _share(name, percent)
    total = sum(shares.values())
    if total > ALL_PERCENT:
        raise ValueError(f"the shares add up to {total} percent, more than the whole fleet")
    return shares


def deal_behaviours(
    things: Iterable[str], shares: Mapping[Behaviour, Decimal], seed: int
) -> dict[str, Behaviour]:
    """Give every thing a behaviour.

    Args:
        things: The thing names, each once.
        shares: Percent of the fleet; what they leave of 100 goes to SUCCEED.
        seed: Another seed, another deal.
    """
    shuffled = sorted(things, key=lambda thing: (_rank(thing, seed), thing))
    dealt: dict[str, Behaviour] = {}
    remaining = iter(shuffled)
    for behaviour, count in _counts(shares, len(shuffled)).items():
        dealt.update((next(remaining), behaviour) for _ in range(count))
    return dealt


def _behaviour(name: str) -> Behaviour:
    try:
        return Behaviour(name)
    except ValueError:
        known = [behaviour.value for behaviour in Behaviour]
        nearest = difflib.get_close_matches(name, known, n=1)
        suggestion = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(known)}"
        raise ValueError(f"{name!r} is no behaviour; {suggestion}") from None


def _share(name: str, percent: str) -> Decimal:
    try:
        share = Decimal(percent.removesuffix("%"))
    except InvalidOperation:
        share = Decimal("NaN")
    if not (share.is_finite() and 0 <= share <= ALL_PERCENT):
        raise ValueError(f"{name}={percent} is no share in percent, 0 to {ALL_PERCENT}")
    return share


def _rank(thing: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{thing}".encode()).digest()


def _counts(shares: Mapping[Behaviour, Decimal], things: int) -> dict[Behaviour, int]:
    """How many things each behaviour gets; the sum is the number of things."""
    rest = ALL_PERCENT - sum(shares.values())
    wanted = {
        behaviour: Fraction(shares.get(behaviour, Decimal(0))) * things / ALL_PERCENT
        for behaviour in Behaviour
    }
    wanted[Behaviour.SUCCEED] += Fraction(rest) * things / ALL_PERCENT
    counts = {behaviour: int(share) for behaviour, share in wanted.items()}
    left_over = things - sum(counts.values())
    by_remainder = sorted(wanted, key=lambda behaviour: counts[behaviour] - wanted[behaviour])
    for behaviour in by_remainder[:left_over]:
        counts[behaviour] += 1
    return counts

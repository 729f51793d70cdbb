"""How a virtual device behaves, and how behaviours are dealt to a fleet (``device.deal``)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

from otactl.device.deal import ALL_PERCENT, deal, parse_share


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
    #: Says SUCCEEDED, then its self-test fails and the bootloader falls back to the old image.
    REVERT = "revert"
    #: Says SUCCEEDED, then reboots again and again.
    CRASHLOOP = "crashloop"
    #: Says SUCCEEDED and reports the new version, then is gone for good.
    DARK = "dark"
    #: Says SUCCEEDED and does not survive the reboot.
    BRICK = "brick"
    #: Says SUCCEEDED without installing anything.
    LIAR = "liar"
    #: Reports the new version long after it said SUCCEEDED.
    LATE = "late"


#: How an image that was installed, or seems to be, goes wrong. An image that ran well before runs
#: well again, whatever the behaviour.
AFTER_SUCCESS = frozenset(
    {
        *(Behaviour.REVERT, Behaviour.CRASHLOOP, Behaviour.DARK),
        *(Behaviour.BRICK, Behaviour.LIAR, Behaviour.LATE),
    }
)


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
        shares[behaviour] = parse_share(name, percent)
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
    wanted = {behaviour: shares.get(behaviour, Decimal(0)) for behaviour in Behaviour}
    wanted[Behaviour.SUCCEED] += ALL_PERCENT - sum(shares.values())
    return deal(things, wanted, str(seed))


def _behaviour(name: str) -> Behaviour:
    try:
        return Behaviour(name)
    except ValueError:
        known = [behaviour.value for behaviour in Behaviour]
        nearest = difflib.get_close_matches(name, known, n=1)
        suggestion = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(known)}"
        raise ValueError(f"{name!r} is no behaviour; {suggestion}") from None

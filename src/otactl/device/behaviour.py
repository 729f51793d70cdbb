"""How a virtual device behaves, and how behaviours are dealt to a fleet (``device.deal``)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

from otactl.device.deal import ALL_PERCENT, deal, parse_share


class Behaviour(StrEnum):
    """What a device does with every job."""

    #: Installs the image.
    SUCCEED = "succeed"
    #: Fails while it installs, before the slots are switched.
    FAIL = "fail"
    #: Reports REJECTED without reading the image.
    REJECT = "reject"
    #: Starts the job and reports nothing more.
    SILENT = "silent"
    #: Has a link with little bandwidth.
    SLOW = "slow"
    #: Has a link that alters a byte; verification must detect it.
    CORRUPT = "corrupt"
    #: Loses its connection midway, reconnects and resumes.
    DROP = "drop"
    #: Reports SUCCEEDED, then its self-test fails and the bootloader boots the old image.
    REVERT = "revert"
    #: Reports SUCCEEDED, then reboots again and again.
    CRASHLOOP = "crashloop"
    #: Reports SUCCEEDED and the new version, then goes offline for good.
    DARK = "dark"
    #: Reports SUCCEEDED and does not survive the reboot.
    BRICK = "brick"
    #: Reports SUCCEEDED without installing anything.
    LIAR = "liar"
    #: Reports the new version long after SUCCEEDED.
    LATE = "late"


#: How an image fails after SUCCEEDED. An image that ran well before runs well again, whatever the
#: behaviour.
AFTER_SUCCESS = frozenset(
    {
        *(Behaviour.REVERT, Behaviour.CRASHLOOP, Behaviour.DARK),
        *(Behaviour.BRICK, Behaviour.LIAR, Behaviour.LATE),
    }
)


def parse_behave(text: str) -> dict[Behaviour, Decimal]:
    """Read ``fail=10,silent=2``: behaviours and their shares in percent.

    The rest of the fleet gets SUCCEED. With an empty text, all of it does.

    Raises:
        ValueError: A name is unknown or given twice, a share is not a percentage, or the sum is
            more than 100.
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
        shares: Percent of the fleet; the rest gets SUCCEED.
        seed: Another seed gives another assignment.
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

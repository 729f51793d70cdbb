"""What a rollout costs if nothing goes wrong: every thing succeeds at its first attempt.

The same prices and the same counting as a forecast, without playing it: no fleet is drawn, so it
is there at once and needs no NumPy. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from otactl.forecast.cost import Bill, bill, messages_per_download, messages_per_execution
from otactl.forecast.price import Prices
from otactl.forecast.profile import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class UndisturbedCost:
    """The bill of an undisturbed rollout.

    Attributes:
        executions: Job executions of all rounds.
        messages: Metered MQTT messages, as an unremarkable fleet sends them.
        prices_read: When the oldest of the prices was read.
    """

    bill: Bill
    executions: int
    messages: int
    prices_read: date


def undisturbed_cost(
    prices: Prices, *, things: int, rounds: int, image_bytes: int, by_url: bool, alarms: int
) -> UndisturbedCost:
    """The cost of a deployment whose every thing succeeds at its first attempt.

    Args:
        prices: What one of each costs.
        things: Things a round is for.
        rounds: Rounds, each with the same things.
        image_bytes: Size of the image.
        by_url: Whether it is fetched from S3 by presigned address instead of by MQTT stream.
        alarms: CloudWatch alarms.
    """
    executions = things * rounds
    delivery = Delivery()
    blocks = 0 if by_url else messages_per_download(delivery, image_bytes)
    messages = executions * (blocks + messages_per_execution(delivery))
    return UndisturbedCost(
        bill=bill(
            prices,
            executions=executions,
            messages=messages,
            downloads=executions,
            downloaded_bytes=float(executions * image_bytes),
            by_url=by_url,
            alarms=alarms,
        ),
        executions=executions,
        messages=messages,
        prices_read=prices.read,
    )

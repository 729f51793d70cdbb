"""How many things the service notifies per minute.

| rule | source |
|---|---|
| at most ``maximumPerMinute``; without a rollout, the service's 1000 | Developer Guide, |
| | jobs-configurations-details; aws-facts A9, B |
| after k raises the rate is min(base x factor^k, maximum) | the guide's table; aws-facts B2 |
| the k-th raise comes when the counter reaches k x N, counted from the start | aws-facts B2 |
| the counter is things notified, or things succeeded: exactly one of them | aws-facts B1 |
| if the counter stands still, the rollout continues at the same rate: not a gate | aws-facts B2 |
| a thing that joins a CONTINUOUS job late bypasses the rate | aws-facts A8 |

The service's documentation leaves open how it spreads a minute's things over that minute, how it
rounds a fractional rate, and whether several raises may happen at once (aws-facts B2,
UNCONFIRMED). Here a minute's things are notified together when the minute begins, counted from
the job's creation; a fraction of a thing is not notified; and as many raises happen as the
counter allows. The local cloud decides the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from otactl.model.job_configuration import ExponentialRate, RateIncreaseCriteria, Rollout

MINUTE_MS = 60_000
#: Things that the service notifies per minute if the job sets no rate.
DEFAULT_MAXIMUM_PER_MINUTE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutState:
    """The progress of a rollout.

    Attributes:
        waiting: Things not notified yet.
        notified: Things notified since the job began; a retry does not count again.
        succeeded: Executions that ended in SUCCEEDED.
    """

    waiting: int
    notified: int = 0
    succeeded: int = 0


def counted(criteria: RateIncreaseCriteria, state: RolloutState) -> tuple[int, int]:
    """The counter that raises the rate, and N: each multiple of N is one raise."""
    if criteria.number_of_succeeded_things is not None:
        return state.succeeded, criteria.number_of_succeeded_things
    return state.notified, criteria.number_of_notified_things or 0


def raises(rate: ExponentialRate, state: RolloutState) -> int:
    """The number of raises so far."""
    counter, step = counted(rate.rate_increase_criteria, state)
    return counter // step if step > 0 else 0


def rate_after(rollout: Rollout, number_of_raises: int) -> int:
    """Things per minute after N raises.

    The factor has one decimal (botocore IncrementFactor), so the arithmetic is exact: in binary
    floating point 45 x 1.4 is a little less than 63, and would round down to 62.
    """
    rate = rollout.exponential_rate
    if rate is None:
        return rollout.maximum_per_minute
    tenths = round(rate.increment_factor * 10)
    per_minute, scale = rate.base_rate_per_minute, 1
    for _ in range(number_of_raises):
        if per_minute >= rollout.maximum_per_minute * scale:
            break
        per_minute, scale = per_minute * tenths, scale * 10
    return min(per_minute // scale, rollout.maximum_per_minute)


def rate_per_minute(rollout: Rollout | None, state: RolloutState) -> int:
    """Things per minute in this state."""
    if rollout is None:
        return DEFAULT_MAXIMUM_PER_MINUTE
    rate = rollout.exponential_rate
    return rate_after(rollout, 0 if rate is None else raises(rate, state))


def next_release(rollout: Rollout | None, state: RolloutState) -> int:
    """How many things may be notified in the minute that begins now."""
    return min(state.waiting, rate_per_minute(rollout, state))


def missing_for_raise(rollout: Rollout | None, state: RolloutState) -> int | None:
    """How much the counter must grow for the next raise; None if there is no further raise."""
    rate = None if rollout is None else rollout.exponential_rate
    if (
        rollout is None
        or rate is None
        or rate_per_minute(rollout, state) >= (rollout.maximum_per_minute)
    ):
        return None
    counter, step = counted(rate.rate_increase_criteria, state)
    return step - counter % step if step > 0 else None


def releases(rollout: Rollout | None, things: int) -> Iterator[int]:
    """The things notified in each minute of a rollout whose rate does not wait for successes.

    Raises:
        ValueError: The rate depends on successes, so the batches are not known in advance.
    """
    if depends_on_success(rollout):
        raise ValueError("the rate depends on how many things succeed")
    notified = 0
    while notified < things:
        batch = next_release(rollout, RolloutState(waiting=things - notified, notified=notified))
        notified += batch
        yield batch


def depends_on_success(rollout: Rollout | None) -> bool:
    """Whether the rate is raised by things succeeding rather than by things notified."""
    rate = None if rollout is None else rollout.exponential_rate
    return rate is not None and rate.rate_increase_criteria.number_of_succeeded_things is not None

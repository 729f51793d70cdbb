"""The rollouts that are considered, and an estimate of all of them at once.

A rollout begins at a base rate and grows with its successes up to a maximum, or it has one constant
rate. Each is computed minute by minute from the fleet estimate instead of from things: good enough
to leave out bad rollouts. The engine decides in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from otactl.forecast.attempts import Integers
from otactl.forecast.ensemble import SAMPLE, Scenario, play
from otactl.model.job_configuration import ExponentialRate, RateIncreaseCriteria, Rollout
from otactl.model.status import ExecutionStatus
from otactl.rules.abort import executed
from otactl.rules.rollout import DEFAULT_MAXIMUM_PER_MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetEstimate:
    """How a fleet behaves in any rollout: how long things take, and how often they fail.

    Estimated once from a sample that is notified all at once, and then used to judge hundreds of
    rollouts without playing them.

    Attributes:
        finished: Share of the notified things that have finished after N minutes.
        succeeded: Share that have succeeded by then.
        failure_share: Share of ended executions that an ALL criterion counts.
        bricked_share: Share of the notified things that are bricked in the end.
    """

    finished: NDArray[np.float64]
    succeeded: NDArray[np.float64]
    failure_share: float
    bricked_share: float


def estimate_fleet(scenario: Scenario, minutes: int) -> FleetEstimate:
    """Play a sample for N minutes."""
    # For a small fleet too: the abort threshold depends on the share of failures found here.
    job = replace(scenario.job, rollout=Rollout(maximum_per_minute=SAMPLE), abort_criteria=())
    (found,) = play(replace(scenario, job=job, things=SAMPLE, runs=1), workers=1)
    axis = np.arange(minutes + 1)
    curves = found.curves
    succeeded = curves.at("succeeded", axis) / SAMPLE
    ended = executed(found.executions)
    failed = ended - found.executions[ExecutionStatus.SUCCEEDED]
    return FleetEstimate(
        finished=succeeded + curves.at("unsuccessful", axis) / SAMPLE,
        succeeded=succeeded,
        failure_share=failed / max(1, ended),
        bricked_share=found.bricked / SAMPLE,
    )


BASES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
FACTORS = (1.2, 1.5, 2.0, 3.0)
#: The step of the criterion, in base rates.
STEPS = (1, 3, 10)
MAXIMA = (50, 100, 200, 500, DEFAULT_MAXIMUM_PER_MINUTE)


def rollouts() -> list[Rollout]:
    """All rollouts that are considered; they are within AWS's limits."""
    constant = [
        Rollout(maximum_per_minute=rate) for rate in sorted({*BASES, DEFAULT_MAXIMUM_PER_MINUTE})
    ]
    rising = [
        Rollout(
            maximum_per_minute=maximum,
            exponential_rate=ExponentialRate(
                base_rate_per_minute=base,
                increment_factor=factor,
                rate_increase_criteria=RateIncreaseCriteria(number_of_succeeded_things=base * step),
            ),
        )
        for base, factor, step, maximum in product(BASES, FACTORS, STEPS, MAXIMA)
        if base < maximum
    ]
    return constant + rising


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEstimates:
    """An estimate of each rollout.

    Attributes:
        notified: Things notified when each minute has begun, ``(minutes, rollouts)``.
    """

    notified: Integers
    things: int

    def finished_minute(self, estimate: FleetEstimate, percent: float) -> NDArray[np.float64]:
        """When that percentage of the fleet has finished; infinite if not within the minutes."""
        wanted = self.things * percent / 100
        batches = np.diff(self.notified, axis=0, prepend=0)
        return np.array([_first_minute(one, estimate.finished, wanted) for one in batches.T])

    def executed_minute(self, rollout: int, estimate: FleetEstimate, count: float) -> float:
        """When N executions of one rollout have ended; infinite if not within the minutes."""
        batches = np.diff(self.notified[:, rollout], prepend=0)
        return _first_minute(batches, estimate.finished, count)

    def notified_by(self, rollout: int, minute: float) -> int:
        """Things notified by a minute, including its batch."""
        last = len(self.notified) - 1
        return int(self.notified[int(min(minute, last)), rollout])


def estimate_rollouts(
    options: list[Rollout], estimate: FleetEstimate, things: int, minutes: int
) -> RolloutEstimates:
    """Estimate every rollout for N minutes."""
    base, factor, step, maximum = _columns(options)
    notified = np.zeros((minutes, len(options)), dtype=np.int64)
    lag, share = _lag(estimate)
    so_far = np.zeros(len(options), dtype=np.int64)
    most = np.log(np.maximum(1.0, maximum / base)) / np.log(factor)
    for minute in range(minutes):
        succeeded = share * notified[minute - lag] if minute >= lag else np.zeros(len(options))
        raises = np.minimum(succeeded // step, np.ceil(most))
        rate = np.minimum(np.floor(base * factor**raises), maximum)
        so_far = np.minimum(things, so_far + rate.astype(np.int64))
        notified[minute] = so_far
    return RolloutEstimates(notified=notified, things=things)


def _columns(options: list[Rollout]) -> tuple[NDArray[np.float64], ...]:
    rows = []
    for option in options:
        rate = option.exponential_rate
        if rate is None:
            rows.append((option.maximum_per_minute, 2.0, np.inf, option.maximum_per_minute))
            continue
        step = rate.rate_increase_criteria.number_of_succeeded_things or np.inf
        rows.append(
            (rate.base_rate_per_minute, rate.increment_factor, step, option.maximum_per_minute)
        )
    return tuple(np.array(rows, dtype=np.float64).T)


def _lag(estimate: FleetEstimate) -> tuple[int, float]:
    """The minutes until 75% of all successes, and the share of things succeeded by then."""
    final = estimate.succeeded[-1]
    if final <= 0:
        return len(estimate.succeeded), 0.0
    lag = max(1, int(np.searchsorted(estimate.succeeded, 0.75 * final)))
    return lag, float(estimate.succeeded[lag])


def _first_minute(batches: Integers, shares: NDArray[np.float64], wanted: float) -> float:
    """The first minute by whose end N things have finished, by bisection."""

    def reached(minute: int) -> float:
        return float(batches[: minute + 1] @ shares[minute + 1 :: -1][: minute + 1])

    low, high = 0, len(batches) - 1
    if reached(high) < wanted:
        return np.inf
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= wanted else (middle + 1, high)
    return low + 1.0

"""How a fleet behaves whatever the rollout: how long a thing takes, and how often it fails.

Learned once from a sample that is notified all at once, and then used to judge hundreds of
rollouts without playing them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otactl.forecast.ensemble import SAMPLE, Scenario, play
from otactl.model.job_configuration import Rollout
from otactl.model.status import ExecutionStatus
from otactl.rules.abort import executed


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetEstimate:
    """What a fleet does.

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


def learn(scenario: Scenario, minutes: int) -> FleetEstimate:
    """Watch a sample for N minutes."""
    # However small the fleet: the abort threshold hangs on the share of failures found here.
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

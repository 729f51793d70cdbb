"""What ``--output json`` says of a rollback."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from otactl.model.json_output.deployment import Deployment, PlanSteps
from otactl.model.json_output.forecast import WavesForecast
from otactl.model.json_output.shaping import Of


class BegunRollback(TypedDict):
    """A rollback that an earlier call began; one that has not ended is resumed first."""

    jobId: str
    things: int
    ended: Annotated[bool, Of("has_ended")]


class Rollback(TypedDict):
    """How a deployment was, or with ``--dry-run`` would be, rolled back."""

    deploymentId: str
    things: dict[str, list[str]]
    """The things that are rolled back, by the reason."""
    noFormerVersion: list[str]
    withoutImage: dict[str, list[str]]
    begun: list[BegunRollback]
    """Empty without ``--dry-run``."""
    plans: list[PlanSteps]
    forecasts: list[WavesForecast]
    """Of each plan, in the same order; empty where NumPy is not installed."""
    rollbacks: Annotated[list[Deployment], Of("results")]
    failure: str | None

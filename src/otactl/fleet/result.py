"""What a fleet did: one result for each execution that left a device's hands, and the standing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from otactl.device.behaviour import Behaviour
from otactl.device.effect import Finished
from otactl.device.state import Phase
from otactl.model.status import ExecutionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingResult(Finished):
    """One execution on one thing, as the device saw it end; times are by the fleet's clock."""

    thing_name: str
    behaviour: Behaviour

    @property
    def download_seconds(self) -> float:
        """How long the download took."""
        return self.download_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetProgress:
    """Where a running fleet stands.

    Attributes:
        finished: How many executions ended, by status; None for those taken away.
        is_settled: Whether every device is connected and nothing is pending for any of them.
        faults: Why devices cannot connect, by thing; only those that cannot now.
    """

    things: int
    connected: int
    phases: Counter[Phase]
    finished: Counter[ExecutionStatus | None]
    is_settled: bool
    faults: dict[str, str] = field(default_factory=dict)

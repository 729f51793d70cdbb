"""What a fleet did: one result for each execution that left a device's hands, and the standing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from otactl.device.behaviour import Behaviour
from otactl.device.state import Phase
from otactl.model.status import ExecutionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingResult:
    """One execution on one thing, as the device saw it end.

    Attributes:
        status: What the service has on record as far as the device knows; None when the
            execution was taken from the device and nobody said how it ended.
        reason: Why it did not succeed.
        sha256: Of the bytes the device holds, lower-case hex; None before they were verified.
        download_seconds: By the fleet's clock.
        retries: Requests for blocks that were sent again.
    """

    thing_name: str
    behaviour: Behaviour
    job_id: str
    execution_number: int
    status: ExecutionStatus | None
    reason: str
    sha256: str | None
    download_seconds: float
    received_blocks: int
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetProgress:
    """Where a running fleet stands.

    Attributes:
        things: How many devices there are.
        connected: How many of them are connected.
        phases: How many devices are in each phase.
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

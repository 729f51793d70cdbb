"""Which devices to run, and what the devices of a fleet share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otactl.device.behaviour import Behaviour
from otactl.device.profile import DeviceProfile
from otactl.wire.stream_topic import PayloadFormat

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Executor

    from cryptography.hazmat.primitives.asymmetric import ec

    from otactl.device.effect import Finished
    from otactl.fleet.clock import FleetClock
    from otactl.fleet.endpoint import FleetEndpoint
    from otactl.fleet.range_fetch import RangeFetcher


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePlan:
    """One device to run."""

    thing_name: str
    behaviour: Behaviour = Behaviour.SUCCEED
    profile: DeviceProfile = field(default_factory=DeviceProfile)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetContext:
    """What the devices of a fleet share.

    Attributes:
        gate: Held while connecting, so that not all devices do it at once.
        workers: Threads for verifying and fetching.
        on_finished: Told of every execution that leaves a device's hands.
    """

    endpoint: FleetEndpoint
    clock: FleetClock
    payload_format: PayloadFormat
    public_key: ec.EllipticCurvePublicKey | None
    gate: asyncio.Semaphore
    workers: Executor
    fetcher: RangeFetcher
    on_finished: Callable[[DevicePlan, Finished], None]

"""Which devices to run, what the devices of a fleet share, and what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from otactl.device.behaviour import Behaviour
from otactl.device.effect import Finished
from otactl.device.profile import DeviceProfile
from otactl.device.state import Phase
from otactl.fleet.running_image import DEFAULT_VERSION_SOURCES
from otactl.model.document_format import DocumentFormat
from otactl.model.status import ExecutionStatus
from otactl.wire.stream_topic import PayloadFormat

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Executor

    from cryptography.hazmat.primitives.asymmetric import ec

    from otactl.fleet.clock import FleetClock
    from otactl.fleet.endpoint import FleetEndpoint
    from otactl.fleet.range_fetch import RangeFetcher
    from otactl.fleet.running_image import FactoryImage
    from otactl.model.thing_state import VersionSource


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePlan:
    """One device to run.

    Attributes:
        reads: The only dialect of job documents it knows; None for whichever it gets.
        factory: The image that it came with; None for a device that reports no version.
    """

    thing_name: str
    behaviour: Behaviour = Behaviour.SUCCEED
    profile: DeviceProfile = field(default_factory=DeviceProfile)
    reads: DocumentFormat | None = None
    factory: FactoryImage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetContext:
    """What the devices of a fleet share.

    Attributes:
        gate: Held while connecting, so that not all devices do it at once.
        template: The custom document with placeholders that the devices are for; None when they
            read one of otactl's dialects.
        workers: Threads for verifying and fetching.
        on_finished: Called with each execution that leaves a device's hands.
        version_sources: Where devices report the version that runs.
        image_versions: The version that an image has in itself, by SHA-256; else it has the one
            that the job document says.
    """

    endpoint: FleetEndpoint
    clock: FleetClock
    payload_format: PayloadFormat
    public_key: ec.EllipticCurvePublicKey | None
    template: Mapping[str, Any] | None
    gate: asyncio.Semaphore
    workers: Executor
    fetcher: RangeFetcher
    on_finished: Callable[[DevicePlan, Finished], None]
    version_sources: tuple[VersionSource, ...] = DEFAULT_VERSION_SOURCES
    image_versions: Mapping[str, str] = field(default_factory=dict)


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

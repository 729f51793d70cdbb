"""The devices to run, the context that the devices of a fleet share, and their results."""

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
        reads: The only format of job documents it supports; None for any.
        factory: Its first image; None for a device that reports no version.
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
        gate: Held while connecting; limits the connections opened at once.
        template: The custom document with placeholders that the devices read; None if they read
            one of otactl's formats.
        workers: Threads for verifying and fetching.
        on_finished: Called with each execution that has ended for a device.
        version_sources: Where devices report the running version.
        image_versions: The version inside an image, by SHA-256; other images have the version of
            the job document.
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
    """The end of one execution on one thing, as the device saw it; times are the fleet's clock."""

    thing_name: str
    behaviour: Behaviour

    @property
    def download_seconds(self) -> float:
        """The duration of the download."""
        return self.download_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetProgress:
    """The progress of a running fleet.

    Attributes:
        finished: The number of ended executions by status; None for cancelled or deleted ones.
        is_settled: Whether every device is connected and nothing is pending for any of them.
        faults: By thing, why a device cannot connect now; the others are absent.
    """

    things: int
    connected: int
    phases: Counter[Phase]
    finished: Counter[ExecutionStatus | None]
    is_settled: bool
    faults: dict[str, str] = field(default_factory=dict)

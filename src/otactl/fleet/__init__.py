"""Virtual devices: the device state machine with real sockets, certificates and files."""

from otactl.fleet.clock import FleetClock
from otactl.fleet.endpoint import FleetEndpoint
from otactl.fleet.fleet_context import DevicePlan, FleetProgress, ThingResult
from otactl.fleet.runner import FleetRun
from otactl.fleet.running_image import FactoryImage, RunningImage
from otactl.fleet.store import FleetDirectory, FleetManifest

__all__ = [
    "DevicePlan",
    "FactoryImage",
    "FleetClock",
    "FleetDirectory",
    "FleetEndpoint",
    "FleetManifest",
    "FleetProgress",
    "FleetRun",
    "RunningImage",
    "ThingResult",
]

"""Virtual devices: the device state machine with real sockets, certificates and files."""

from otactl.fleet.clock import FleetClock
from otactl.fleet.endpoint import FleetEndpoint
from otactl.fleet.result import FleetStanding, ThingResult
from otactl.fleet.runner import FleetRun
from otactl.fleet.store import FleetDirectory, FleetManifest
from otactl.fleet.surroundings import DevicePlan

__all__ = [
    "DevicePlan",
    "FleetClock",
    "FleetDirectory",
    "FleetEndpoint",
    "FleetManifest",
    "FleetRun",
    "FleetStanding",
    "ThingResult",
]

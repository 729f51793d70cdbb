"""What a thing reports of itself: the version it runs, how often it booted, if it is connected.

Read from its shadow and from AWS's connectivity data, singly or through the fleet index
(aws-facts O; botocore ``iot`` SearchIndex and GetThingConnectivityData, ``iot-data``
GetThingShadow).
"""

from __future__ import annotations

from dataclasses import dataclass

#: The reserved named shadow of the software package catalog.
PACKAGE_SHADOW = "$package"
#: Things read one by one in a second at most: below the quotas of shadows and connectivity data.
READS_PER_SECOND = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSource:
    """Where things report their version.

    Attributes:
        shadow: Its name; empty for the classic shadow.
        version_path: The keys below ``state.reported`` that lead to the version.
        hardware_path: ``attributes`` and the name of a thing's attribute, or ``reported`` and keys;
            empty when nobody asks.
        boot_count_path: Those that lead to a number of boots; empty when none is reported.
    """

    shadow: str = ""
    version_path: tuple[str, ...]
    hardware_path: tuple[str, ...] = ()
    boot_count_path: tuple[str, ...] = ()

    @property
    def reads_attribute(self) -> bool:
        """Whether the registry is asked as well, for an attribute of the thing."""
        return self.hardware_path[:1] == ("attributes",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingState:
    """One thing as a source or the fleet index showed it.

    Attributes:
        version: What it reports; None when it reports none.
        version_at_ms: When that was written, by the shadow's metadata, epoch milliseconds.
        boots: What it reports of its boots; None when it reports none.
        boots_at_ms: When that was written, epoch milliseconds.
        hardware: What its hardware field says; None when it has none.
        is_connected: None when that is not known, as when its client id is not its name.
        connection_at_ms: When it connected or disconnected last; None when not known.
        unreadable: Why nothing could be read of it, in words; empty when it could.
    """

    thing_name: str
    version: str | None = None
    version_at_ms: int | None = None
    boots: int | None = None
    boots_at_ms: int | None = None
    hardware: str | None = None
    is_connected: bool | None = None
    connection_at_ms: int | None = None
    unreadable: str = ""

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
            empty if not needed.
        boot_count_path: The keys that lead to the number of boots; empty if none is reported.
    """

    shadow: str = ""
    version_path: tuple[str, ...]
    hardware_path: tuple[str, ...] = ()
    boot_count_path: tuple[str, ...] = ()

    @property
    def reads_attribute(self) -> bool:
        """Whether the registry is read too, for an attribute of the thing."""
        return self.hardware_path[:1] == ("attributes",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingState:
    """One thing as a source or the fleet index showed it.

    Attributes:
        version: The version it reports; None if none.
        version_at_ms: When that was written, by the shadow's metadata, epoch milliseconds.
        boots: The number of boots it reports; None if none.
        boots_at_ms: When that was written, epoch milliseconds.
        hardware: The value of its hardware field; None if it has none.
        is_connected: None if unknown, for example if its client id is not its name.
        connection_at_ms: When it connected or disconnected last; None if unknown.
        unreadable: Why it could not be read, in words; empty if it could.
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

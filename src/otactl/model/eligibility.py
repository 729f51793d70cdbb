"""``[ELIGIBILITY_CONFIG]``: which things an image is for, and why others are left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_DOTTED = re.compile(r"\d{1,18}(?:\.\d{1,18})*", re.ASCII)


class UnknownVersion(StrEnum):
    """How a thing that reports no version is handled."""

    SKIP = "skip"
    INCLUDE = "include"
    REFUSE = "refuse"


class LeftOutReason(StrEnum):
    """Why a thing gets no image; the first that applies, in this order."""

    HARDWARE = "other hardware"
    UNKNOWN_VERSION = "unknown version"
    CURRENT = "has the version already"
    OTHER_VERSION = "not one of fromVersions"
    OFFLINE = "offline too long"


def dotted(version: str) -> tuple[int, ...] | None:
    """The numbers of a version, without zeros at the end; None if it has another form."""
    if _DOTTED.fullmatch(version) is None:
        return None
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Versions from one to another, both included; a single version when both are the same.

    Attributes:
        lowest: Empty for no lower bound.
        highest: Empty for no upper bound.
    """

    lowest: str
    highest: str


@dataclass(frozen=True, slots=True)
class HardwareRule:
    """The hardware that an image is for.

    Attributes:
        path: Of the field: ``attributes`` and the attribute's name, or ``reported`` and the keys
            below ``state.reported`` of the shadow that has the version.
        values: The values that are allowed.
    """

    path: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityRule:
    """Which things an image is for.

    Attributes:
        from_versions: The versions it updates; empty for all.
        hardware: None for any.
        skip_if_current: Whether things that report the new version are left out.
        offline_ms: A thing that has been offline for longer is left out; None for no limit.
    """

    from_versions: tuple[VersionRange, ...] = ()
    hardware: HardwareRule | None = None
    skip_if_current: bool = True
    offline_ms: int | None = None
    unknown_version: UnknownVersion = UnknownVersion.SKIP


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """The rule, and the most reads it may need.

    Attributes:
        maximum_reads: How many things may be read one by one.
    """

    rule: EligibilityRule
    maximum_reads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A thing of the thing list that gets no image.

    Attributes:
        version: The version it reported; None if none.
        detail: What was found besides the version; may be empty.
    """

    thing_name: str
    reason: LeftOutReason
    version: str | None = None
    detail: str = ""

    @property
    def words(self) -> str:
        """Why, with what was found."""
        version = self.version and f"version {self.version}"
        found = "; ".join(filter(None, (version, self.detail)))
        return f"{self.reason.value} ({found})" if found else self.reason.value

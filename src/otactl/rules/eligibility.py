"""Whether a thing gets an image, by what the thing reports.

Dotted numeric versions compare number by number, and 1.2 equals 1.2.0. Any other version equals
only itself, so it lies in no range.
"""

from __future__ import annotations

from collections.abc import Iterable

from otactl.model.eligibility import (
    EligibilityRule,
    LeftOut,
    LeftOutReason,
    UnknownVersion,
    VersionRange,
    dotted,
)
from otactl.model.thing_state import ThingState

_MS_PER_DAY = 86_400_000


def same_version(one: str, other: str) -> bool:
    """Whether two versions are equal; 1.2 equals 1.2.0."""
    numbers = dotted(one)
    return one == other if numbers is None else numbers == dotted(other)


def is_in(version: str, ranges: Iterable[VersionRange]) -> bool:
    """Whether a version lies in one of the ranges."""
    return any(_lies_in(version, each) for each in ranges)


def _lies_in(version: str, bounds: VersionRange) -> bool:
    if bounds.lowest == bounds.highest:
        return same_version(version, bounds.lowest)
    numbers = dotted(version)
    if numbers is None:
        return False
    lowest, highest = dotted(bounds.lowest), dotted(bounds.highest)
    return (lowest is None or lowest <= numbers) and (highest is None or numbers <= highest)


def why_left_out(
    state: ThingState, rule: EligibilityRule, *, new_version: str | None, now_ms: int
) -> LeftOut | None:
    """Why a thing gets no image; None if it gets one.

    A thing whose connection is unknown counts as connected.
    """

    def left(reason: LeftOutReason, detail: str = "") -> LeftOut:
        return LeftOut(
            thing_name=state.thing_name, reason=reason, version=state.version, detail=detail
        )

    hardware = rule.hardware
    if hardware is not None and state.hardware not in hardware.values:
        found = state.unreadable or f"{'.'.join(hardware.path)} is {state.hardware or 'not set'}"
        return left(LeftOutReason.HARDWARE, found)
    if state.version is None:
        if rule.unknown_version is not UnknownVersion.INCLUDE:
            return left(LeftOutReason.UNKNOWN_VERSION, state.unreadable)
    elif rule.skip_if_current and new_version and same_version(state.version, new_version):
        return left(LeftOutReason.CURRENT)
    elif rule.from_versions and not is_in(state.version, rule.from_versions):
        return left(LeftOutReason.OTHER_VERSION)
    if rule.offline_ms is not None and state.is_connected is False:
        gone_ms = now_ms - (state.connection_at_ms or now_ms)
        if gone_ms > rule.offline_ms:
            return left(LeftOutReason.OFFLINE, f"for {gone_ms / _MS_PER_DAY:.1f} days")
    return None

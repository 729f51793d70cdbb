"""[ELIGIBILITY_CONFIG]: which things an image is for."""

from __future__ import annotations

from typing import Annotated

from otactl.model import limits
from otactl.model.configuration.kind import (
    Choice,
    Kind,
    Switch,
    WholeNumber,
    listed_words,
    refuse,
)
from otactl.model.configuration.section import Section, key
from otactl.model.eligibility import HardwareRule, UnknownVersion, VersionRange, dotted

_MAX_LISTED = 50
_BETWEEN = ".."


def _is_bound(text: str) -> bool:
    return not text or dotted(text) is not None


class VersionRanges(Kind):
    """Versions and ranges of them."""

    type_name = "versions"
    multi_line = True

    allowed = (
        f"up to {_MAX_LISTED} versions or ranges such as 1.0..1.9, 2.0.. or ..0.9 of dotted"
        " numbers, separated by commas"
    )

    def read(self, text: str) -> tuple[VersionRange, ...]:
        """Read the list."""
        found = []
        for part in listed_words(text):
            lowest, between, highest = part.partition(_BETWEEN)
            if not between:
                highest = lowest
            elif not (lowest or highest) or not (_is_bound(lowest) and _is_bound(highest)):
                self.refuse(text, code="form")
            elif highest and (dotted(lowest) or ()) > (dotted(highest) or ()):
                refuse("range", f"no version lies in {part}: {lowest} is the higher one")
            found.append(VersionRange(lowest, highest))
        if not found or len(found) > _MAX_LISTED or not text.replace("\n", "").isprintable():
            self.refuse(text, code="form")
        return tuple(found)


class HardwareValues(Kind):
    """A field of a thing and its allowed values."""

    type_name = "field and values"
    multi_line = True

    allowed = (
        "attributes.NAME or reported.KEY, a colon, and up to"
        f" {_MAX_LISTED} values separated by commas"
    )

    def read(self, text: str) -> HardwareRule:
        """Read field and values."""
        field, colon, values = text.partition(":")
        path, listed = tuple(field.strip().split(".")), listed_words(values)
        depth = {"attributes": (2,), "reported": range(2, limits.MAX_SHADOW_KEYS + 2)}
        if (
            not (colon and listed and all(path))
            or len(listed) > _MAX_LISTED
            or len(path) not in depth.get(path[0], ())
            or not text.replace("\n", "").isprintable()
        ):
            self.refuse(text, code="form")
        return HardwareRule(path, listed)


class EligibilitySection(Section):
    """[ELIGIBILITY_CONFIG]: decided once, at the plan, by what things report."""

    from_versions: Annotated[tuple[VersionRange, ...], VersionRanges()] = key(
        "fromVersions",
        about=(
            "The versions that the image updates; things that report another one are left out. "
            "Dotted numbers compare number by number, anything else must be equal. Left out, "
            "every version."
        ),
        example="1.0..1.9, 2.1",
        default=(),
    )
    hardware: Annotated[HardwareRule | None, HardwareValues()] = key(
        "hardware",
        about=(
            "The hardware that the image is for: an attribute of the thing, or a field that it "
            "reports in the shadow of [VERIFY_CONFIG]. Left out, any."
        ),
        example="attributes.board: rev-b, rev-c",
        default=None,
    )
    skip_if_current: Annotated[bool, Switch()] = key(
        "skipIfCurrent",
        about=(
            "Whether things that report the new version already are left out; needs "
            "expectedVersion in [VERIFY_CONFIG] or imageVer in [IMAGE_CONFIG]."
        ),
        default=True,
    )
    offline_days: Annotated[int | None, WholeNumber(limits.OFFLINE_DAYS, "days")] = key(
        "offlineDays",
        about=(
            "Things that have been disconnected for longer are left out; needs connectivity in "
            "the fleet index. Left out, none is."
        ),
        example="30",
        default=None,
    )
    unknown_version: Annotated[UnknownVersion, Choice(UnknownVersion)] = key(
        "unknownVersion",
        about=(
            "What to do with things that report no version: skip leaves them out, include does "
            "not, refuse makes no plan."
        ),
        default=UnknownVersion.SKIP,
    )
    maximum_reads: Annotated[int, WholeNumber(limits.MAXIMUM_READS)] = key(
        "maximumReads",
        about=(
            "How many things may be read one by one, at up to 100 a second, where the fleet index "
            "does not have the data; more are refused."
        ),
        becomes="calls of iot-data:GetThingShadow",
        default=10_000,
    )

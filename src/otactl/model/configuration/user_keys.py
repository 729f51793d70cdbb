"""The two sections whose keys are of the user's own making: tags and lint waivers."""

from __future__ import annotations

import re
import unicodedata

from otactl.errors.problem import Severity
from otactl.model import limits
from otactl.model.configuration.report import Finding, Report
from otactl.model.configuration.sections import LINT, TAGS, WAIVER_PREFIX, KeyName
from otactl.model.ini import IniSection
from otactl.model.quoting import quoted

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_TAG_SIGNS = frozenset("_.:/=+-@")
_TAG_CATEGORIES = ("L", "Z", "N")


def read_tags(section: IniSection, report: Report) -> dict[str, str]:
    """The tags of [TAGS], as far as AWS takes them (botocore ``iot`` TagKey, TagValue)."""
    tags: dict[str, str] = {}
    if len(section.entries) > limits.MAX_TAGS:
        report.at_section(
            TAGS,
            Finding("range", f"holds {len(section.entries)} tags; AWS takes {limits.MAX_TAGS}"),
        )
        return {}
    for entry in section.entries:
        finding = _tag_refusal(entry.key, entry.value)
        if finding is None:
            tags[entry.key] = entry.value
        else:
            report.at_key(KeyName(TAGS, entry.key), finding)
    return tags


def read_waivers(section: IniSection, report: Report) -> dict[str, str]:
    """Reason by code of the findings accepted in [LINT_CONFIG]."""
    waivers: dict[str, str] = {}
    if len(section.entries) > limits.MAX_WAIVERS:
        report.at_section(
            LINT,
            Finding(
                "range", f"holds {len(section.entries)} waivers; {limits.MAX_WAIVERS} are allowed"
            ),
        )
        return {}
    for entry in section.entries:
        location = KeyName(LINT, entry.key)
        code = entry.key.removeprefix(WAIVER_PREFIX)
        if code == entry.key or not _CODE.fullmatch(code):
            report.at_key(location, _no_waiver())
        elif not 0 < len(entry.value) <= limits.MAX_WAIVER_REASON_LENGTH:
            report.at_key(
                location,
                Finding(
                    "missing-reason",
                    (
                        "must be a reason of 1 to "
                        f"{limits.MAX_WAIVER_REASON_LENGTH} characters, found "
                        f"{quoted(entry.value)}"
                    ),
                    hint="say why the finding is accepted, for the next reader",
                ),
            )
        else:
            waivers[code] = entry.value
    return waivers


def _no_waiver() -> Finding:
    return Finding(
        "unknown-key",
        "this section has no such key; it is ignored",
        hint=f"write {WAIVER_PREFIX}CODE = reason",
        severity=Severity.WARNING,
    )


def _tag_refusal(name: str, value: str) -> Finding | None:
    if len(name) > limits.MAX_TAG_KEY_LENGTH or not all(map(_may_stand_in_tag, name)):
        return Finding(
            "form",
            (
                f"the name of a tag has 1 to {limits.MAX_TAG_KEY_LENGTH} letters, digits, blanks "
                "or _ . / + - @"
            ),
        )
    if name.lower().startswith("aws:") or name.lower() == "aws":
        return Finding("form", "names beginning with aws are AWS's own")
    if len(value) > limits.MAX_TAG_VALUE_LENGTH or not value.isprintable():
        return Finding(
            "form",
            (
                f"the value of a tag has at most {limits.MAX_TAG_VALUE_LENGTH} printable "
                f"characters on one line, found {quoted(value)}"
            ),
        )
    return None


def _may_stand_in_tag(character: str) -> bool:
    return (character in _TAG_SIGNS or unicodedata.category(character)[0] in _TAG_CATEGORIES) and (
        character == " " or character.isprintable()
    )

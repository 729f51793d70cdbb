"""The two sections whose keys the user names: tags and lint waivers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from otactl.errors.problem import Severity
from otactl.model import limits
from otactl.model.configuration.report import Finding, Report
from otactl.model.configuration.sections import WAIVER_PREFIX, KeyName
from otactl.model.ini import IniSection
from otactl.model.quoting import quoted

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_TAG_SIGNS = frozenset("_.:/=+-@")
_TAG_CATEGORIES = ("L", "Z", "N")


def read_tags(section: IniSection, report: Report) -> dict[str, str]:
    """The tags of [TAGS] that AWS accepts (botocore ``iot`` TagKey, TagValue)."""
    most = limits.MAX_TAGS
    return _read(section, report, most, f"tags; AWS takes {most}", _tag_refusal)


def read_waivers(section: IniSection, report: Report) -> dict[str, str]:
    """Reason by code of the findings accepted in [LINT_CONFIG]."""
    most = limits.MAX_WAIVERS
    waivers = _read(section, report, most, f"waivers; {most} are allowed", _waiver_refusal)
    return {name.removeprefix(WAIVER_PREFIX): reason for name, reason in waivers.items()}


def _read(
    section: IniSection,
    report: Report,
    most: int,
    too_many: str,
    refusal: Callable[[str, str], Finding | None],
) -> dict[str, str]:
    if len(section.entries) > most:
        finding = Finding("range", f"holds {len(section.entries)} {too_many}")
        report.at_section(section.name, finding)
        return {}
    found: dict[str, str] = {}
    for entry in section.entries:
        refused = refusal(entry.key, entry.value)
        if refused is None:
            found[entry.key] = entry.value
        else:
            report.at_key(KeyName(section.name, entry.key), refused)
    return found


def _waiver_refusal(name: str, reason: str) -> Finding | None:
    code = name.removeprefix(WAIVER_PREFIX)
    if code == name or not _CODE.fullmatch(code):
        return Finding(
            "unknown-key",
            "this section has no such key; it is ignored",
            hint=f"write {WAIVER_PREFIX}CODE = reason",
            severity=Severity.WARNING,
        )
    if 0 < len(reason) <= limits.MAX_WAIVER_REASON_LENGTH:
        return None
    return Finding(
        "missing-reason",
        f"must be a reason of 1 to {limits.MAX_WAIVER_REASON_LENGTH} characters, found "
        f"{quoted(reason)}",
        hint="say why the finding is accepted, for the next reader",
    )


def _tag_refusal(name: str, value: str) -> Finding | None:
    if len(name) > limits.MAX_TAG_KEY_LENGTH or not all(map(_is_allowed_in_tag, name)):
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


def _is_allowed_in_tag(character: str) -> bool:
    return (character in _TAG_SIGNS or unicodedata.category(character)[0] in _TAG_CATEGORIES) and (
        character == " " or character.isprintable()
    )

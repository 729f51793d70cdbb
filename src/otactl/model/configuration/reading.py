"""From the entries of an INI file to typed values: which sections count, and what they hold.

A section counts if its switch is True; one without a switch counts if it exists. The contents of
other sections are ignored, as in the manual.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from otactl.errors.problem import Severity
from otactl.model.configuration.catalogue import all_keys, kind_of
from otactl.model.configuration.kind import Kind
from otactl.model.configuration.refusal import (
    COMMENT_BEHIND,
    finding_of,
    is_unset,
    refusal,
    refusal_of_any,
)
from otactl.model.configuration.report import Finding, Report
from otactl.model.configuration.section import Section
from otactl.model.configuration.sections import (
    DEFAULT,
    LINT,
    SECTIONS,
    TAGS,
    KeyName,
    SectionSpec,
    find_section,
)
from otactl.model.configuration.user_keys import read_tags, read_waivers
from otactl.model.ini import IniDocument, IniSection
from otactl.model.quoting import quoted
from otactl.model.status import FailureType

#: difflib is quadratic, and no known name is as long.
_MAX_COMPARED = 64


def unknown_section(name: str) -> Finding:
    """The finding for a section of a name that does not exist."""
    near = _nearest(name, (spec.prefix or spec.name for spec in SECTIONS))
    return Finding(
        "unknown-section",
        "there is no such section; it is ignored",
        hint=None if near is None else f"did you mean [{near}]?",
        severity=Severity.WARNING,
    )


def unknown_key(spec: SectionSpec, name: str) -> Finding:
    """The finding for a key that its section does not have."""
    homes = [key.section for key in all_keys() if name in (key.name, key.also)]
    if homes:
        hint = f"it belongs in [{homes[0]}]"
    else:
        near = _nearest(name, (key.name for key in all_keys() if key.section == spec.name))
        near = near or _nearest(name, (key.name for key in all_keys()))
        hint = f"did you mean {near}?" if near else "`otactl config explain` lists every key"
    return Finding(
        "unknown-key",
        "this section has no such key; it is ignored",
        hint=hint,
        severity=Severity.WARNING,
    )


def _nearest(name: str, known: Iterable[str]) -> str | None:
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name[:_MAX_COMPARED].lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


@dataclass(slots=True)
class Readings:
    """The valid parts of a file.

    Attributes:
        models: The sections that count and are valid, by the name in the file.
        values: Every valid value of a section that counts, defaults included.
        tags: The user's tags.
        waivers: Reason by code of an accepted lint finding.
    """

    models: dict[str, Section] = field(default_factory=dict)
    values: dict[KeyName, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    waivers: dict[str, str] = field(default_factory=dict)


def read_sections(ini: IniDocument, report: Report) -> Readings:
    """Read every section that counts; what is wrong goes to the report."""
    readings = Readings()
    for name in (section.name for section in ini.sections):
        if find_section(name) is None:
            report.unknown_at(name, "", partial(unknown_section, name))
    for spec in SECTIONS:
        if spec.listed_in is not None:
            _read_family(spec, spec.listed_in, ini, report, readings)
        elif _counts(spec, ini, report, readings):
            section = ini.section(spec.name)
            if section is not None:
                _read_section(spec, section, report, readings)
    return readings


def _counts(spec: SectionSpec, ini: IniDocument, report: Report, readings: Readings) -> bool:
    present = ini.section(spec.name) is not None
    if spec.name == DEFAULT:
        if not present:
            report.at_section(DEFAULT, Finding("missing-section", "the section is required"))
        return present
    if spec.switch is None:
        return present
    on = next((key for key, value in spec.switches if readings.values.get(key) == value), None)
    if on is None and any(ini.section(name) is not None for name in spec.also_with):
        return present
    if on is None or _is_overruled(spec, readings):
        return False
    if not present:
        report.at_key(
            on,
            Finding(
                "missing-section",
                f"{readings.values[on]} needs a section [{spec.name}], and there is none",
                hint="add the section, or write "
                + ("False" if on == spec.switch else "another value"),
            ),
        )
    return present


def _is_overruled(spec: SectionSpec, readings: Readings) -> bool:
    """Whether useAllSubsection already includes this abort type."""
    return spec.fixed_type not in (None, FailureType.ALL) and bool(
        readings.values.get(KeyName("ABORT_CONFIG", "useAllSubsection"))
    )


def _read_family(
    spec: SectionSpec, list_key: KeyName, ini: IniDocument, report: Report, readings: Readings
) -> None:
    names = tuple(map(str, readings.values.get(list_key, ())))
    prefix = spec.prefix or ""
    for name in names:
        section = ini.section(prefix + name)
        if section is None and spec.is_optional:
            continue
        if section is None:
            report.at_key(
                list_key,
                Finding(
                    "missing-section",
                    f"{quoted(name)} is listed, but there is no section [{prefix}{name}]",
                    hint="add the section, or take the name off the list",
                ),
            )
        else:
            _read_section(spec, section, report, readings)
    if not names:
        return
    for other in ini.sections:
        if find_section(other.name) is spec and other.name.removeprefix(prefix) not in names:
            report.at_section(
                other.name,
                Finding(
                    "not-listed",
                    f"{list_key.key} does not list it, so it is ignored",
                    hint=f"add it to {list_key.key} in [{list_key.section}]",
                    severity=Severity.WARNING,
                ),
            )


def _read_section(
    spec: SectionSpec, section: IniSection, report: Report, readings: Readings
) -> None:
    if spec.name == TAGS:
        readings.tags = read_tags(section, report)
    elif spec.name == LINT:
        readings.waivers = read_waivers(section, report)
    elif spec.model is not None:
        _SectionReader(spec, spec.model, section, report).read_into(readings)


class _SectionReader:
    """Reads one section into its model, or reports everything that is wrong with it."""

    def __init__(
        self, spec: SectionSpec, model: type[Section], section: IniSection, report: Report
    ) -> None:
        self._spec = spec
        self._model = model
        self._section = section
        self._report = report
        self._fields = {info.alias: info for info in model.model_fields.values() if info.alias}
        self._refused: set[str] = set()

    def read_into(self, readings: Readings) -> None:
        texts = self._texts()
        try:
            model = self._model.model_validate(texts)
        except ValidationError as error:
            self._translate(error, texts)
        else:
            if not self._refused:
                readings.models[self._section.name] = model
        for name, info in self._fields.items():
            if name in self._refused:
                continue
            text = texts.get(name)
            value = info.default if text is None else kind_of(info).read(text)
            readings.values[KeyName(self._section.name, name)] = value

    def _texts(self) -> dict[str, str]:
        """The values by key that a kind may read; the others are refused here."""
        texts: dict[str, str] = {}
        for entry in self._section.entries:
            name, info = self._field(entry.key)
            if info is None:
                describe = partial(unknown_key, self._spec, entry.key)
                self._report.unknown_at(self._section.name, entry.key, describe)
                continue
            if name in texts or name in self._refused:
                found = f"{entry.key} and {name} mean the same, and both are given"
                self._refuse(name, Finding("duplicate-key", found, hint="keep one of the two"))
            elif not is_unset(entry.value):
                finding = refusal_of_any(kind_of(info), entry.value)
                if finding is None:
                    texts[name] = entry.value
                    self._warn_of_comment(name, entry.value, kind_of(info))
                else:
                    self._refuse(name, finding)
        return texts

    def _field(self, spelling: str) -> tuple[str, FieldInfo | None]:
        for name, info in self._fields.items():
            notes = info.json_schema_extra
            if spelling == name or (isinstance(notes, dict) and notes["also"] == spelling):
                return name, info
        return spelling, None

    def _translate(self, error: ValidationError, texts: dict[str, str]) -> None:
        for detail in error.errors(include_url=False):
            name = str(detail["loc"][0])
            if detail["type"] != "missing":
                self._refuse(name, finding_of(detail["type"], detail.get("ctx"), texts[name]))
            elif name not in self._refused:
                allowed = kind_of(self._fields[name]).allowed
                entry = self._section.get(name)
                found = "is required" if entry is None else "has no value"
                self._refuse(name, Finding("missing-key", f"{found}: it must be {allowed}"))

    def _refuse(self, name: str, finding: Finding) -> None:
        self._refused.add(name)
        self._report.at_key(KeyName(self._section.name, name), finding)

    def _warn_of_comment(self, name: str, text: str, kind: Kind) -> None:
        if COMMENT_BEHIND.search(text) and refusal(kind, text) is None:
            self._report.at_key(
                KeyName(self._section.name, name),
                Finding(
                    "inline-comment",
                    f"the whole of {quoted(text)} is the value",
                    hint="put a comment on a line of its own",
                    severity=Severity.WARNING,
                ),
            )

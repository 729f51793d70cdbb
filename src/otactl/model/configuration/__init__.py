"""The configuration of a deployment: from the text of a ``dev.ini`` to typed, checked values.

``parse_configuration`` is the entry point. It reports every problem of the file at once, each with
its line, section and key, what was found and what is allowed. The steps, a module each:

1. ``model.ini`` reads the text.
2. ``reading`` finds the sections that count (``sections`` knows them all) and reads their values
   with the section models, whose keys carry their ``kind``.
3. The rules (``deployment_rule``, ``job_rule``, ``alarm_rule``,
   ``wave_rule``, ``verify_rule``) check what one key requires of another.
4. ``build`` makes the ``DeploymentConfiguration``.

Sections do not inherit from ``[DEFAULT]`` as they do in ``configparser``, where a key there
silently applied everywhere; the one exception is the ``roleArn`` of ``[PRESIGNED_URL_CONFIG]``,
which is taken from ``[DEFAULT]`` when it is left out; a note reports that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from otactl.errors import ConfigurationInvalid
from otactl.errors.problem import Problem, Severity
from otactl.model.configuration.alarm_rule import alarm_rules
from otactl.model.configuration.build import build
from otactl.model.configuration.catalogue import find_field, kind_of
from otactl.model.configuration.deployment import DeploymentConfiguration
from otactl.model.configuration.deployment_rule import DEPLOYMENT_RULES, afr_ota_rules
from otactl.model.configuration.deployment_section import DocumentSource
from otactl.model.configuration.job_rule import JOB_RULES, schedule_rules
from otactl.model.configuration.reading import read_sections
from otactl.model.configuration.refusal import is_unset, refusal
from otactl.model.configuration.report import Finding, Report
from otactl.model.configuration.sections import DEFAULT, KeyName
from otactl.model.configuration.verify_rule import VERIFY_RULES, verify_rules
from otactl.model.configuration.wave_rule import WAVE_RULES, wave_rules
from otactl.model.ini import IniDocument, IniEntry, IniSection, read_ini

__all__ = [
    "DeploymentConfiguration",
    "DocumentSource",
    "LoadedConfiguration",
    "check_value",
    "parse_configuration",
    "with_overrides",
]


_RULES = (*DEPLOYMENT_RULES, *JOB_RULES, *WAVE_RULES, *VERIFY_RULES)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfiguration:
    """A valid configuration.

    Attributes:
        warnings: Problems that are not errors, notes included.
        ini: The text it came from, to change values in.
    """

    configuration: DeploymentConfiguration
    warnings: tuple[Problem, ...]
    ini: IniDocument


def parse_configuration(
    text: str,
    *,
    file_name: str,
    base_dir: str = "",
    overrides: Mapping[str, str] | None = None,
    now_ms: int | None = None,
) -> LoadedConfiguration:
    """Read and check the text of a ``dev.ini``.

    Args:
        text: The whole file.
        file_name: As the user gave it; problems name it.
        base_dir: The folder of relative paths in it.
        overrides: Values that replace the file's, by ``key`` of [DEFAULT] or ``SECTION.key``, such
            as those of flags.
        now_ms: Epoch milliseconds; if given, a schedule must lie far enough ahead of it, and its
            windows must open.

    Raises:
        ConfigurationInvalid: Something is wrong; it carries every problem, in the file's order.
    """
    ini = read_ini(text, file_name=file_name)
    if not ini.sections and ini.problems:
        raise ConfigurationInvalid(ini.problems)
    effective = with_overrides(ini, overrides or {})
    report = Report(file_name, effective)
    readings = read_sections(effective, report)
    rules = _RULES
    rules += alarm_rules(readings.values.get(KeyName("ALARM_CONFIG", "alarmList"), ()))
    present = frozenset(section.name for section in effective.sections)
    rules += afr_ota_rules(present)
    waves = readings.values.get(KeyName("WAVE_CONFIG", "waveList"))
    rules += () if waves is None else wave_rules(waves, present)
    rules += verify_rules(waves or (), present)
    if now_ms is not None:
        windows = readings.values.get(KeyName("SCHEDULING_CONFIG", "maintenanceWindowList"), ())
        rules += schedule_rules(windows, now_ms)
    for rule in rules:
        rule.apply(readings.values, report)
    if report.has_errors:
        raise ConfigurationInvalid(report.problems)
    return LoadedConfiguration(
        configuration=build(readings, file_name=file_name).based_at(base_dir),
        warnings=report.problems,
        ini=ini,
    )


def check_value(section: str, key: str, text: str) -> Finding | None:
    """What is wrong with one value by itself; None if nothing is, or the key is unknown.

    Args:
        section: A section's name, also one of a family.
        key: As the manual spells it.
        text: The value as it would be in the file, stripped.
    """
    field = find_field(section, key)
    if field is None:
        return None
    kind = kind_of(field)
    if not is_unset(text):
        return refusal(kind, text) or _broken_rule(KeyName(section, key), kind.read(text))
    if field.is_required():
        return Finding("missing-key", f"must be {kind.allowed}")
    return _broken_rule(KeyName(section, key), field.default)


def _broken_rule(name: KeyName, value: Any) -> Finding | None:
    """The error of a rule that checks only this key, such as the type of an abort section."""
    findings = (rule.check(value) for rule in _RULES if rule.keys == (name,))
    return next((one for one in findings if one and one.severity is Severity.ERROR), None)


def with_overrides(ini: IniDocument, overrides: Mapping[str, str]) -> IniDocument:
    """The document with these values; its text stays unchanged.

    Args:
        ini: What was read.
        overrides: By ``key`` of [DEFAULT] or ``SECTION.key``.
    """
    for name, value in overrides.items():
        section, _, key = name.rpartition(".")
        ini = _override(ini, section or DEFAULT, IniEntry(key=key, value=value, line=None))
    return ini


def _override(ini: IniDocument, section_name: str, entry: IniEntry) -> IniDocument:
    section = ini.section(section_name) or IniSection(name=section_name, line=None)
    kept = tuple(other for other in section.entries if other.key != entry.key)
    changed = replace(section, entries=(*kept, entry))
    others = tuple(other for other in ini.sections if other.name != section_name)
    return replace(ini, sections=(*others, changed))

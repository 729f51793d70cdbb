"""What would be said of a section that is switched off, were it switched on.

A file such as the manual's own carries sections that its switches leave off. They are the next
thing somebody switches on, so what is wrong with them is reported now, as a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from otactl.errors import ConfigurationInvalid
from otactl.errors.problem import Problem, Severity
from otactl.forecast.lint import lint
from otactl.forecast.lint.finding import Finding
from otactl.forecast.profile import FleetProfile
from otactl.model.configuration import LoadedConfiguration, parse_configuration

#: The switches of the job's policy, and the sections each switches on, by their first letters.
SWITCHES = {
    "useAbortConfig": ("ABORT_CONFIG", "ABORT_CONFIG_TYPE_"),
    "useJobExecutionsRolloutConfig": (
        "JOB_EXECUTE_ROLLOUT_CONFIG",
        "EXP_RATE_CONFIG",
        "INCREASE_CRITERIA",
    ),
    "useTimeoutConfig": ("TIMEOUT_CONFIG",),
    "useRetryConfig": ("RETRY_CONFIG",),
    "usePresignedUrlConfig": ("PRESIGNED_URL_CONFIG",),
}


def dormant_findings(
    loaded: LoadedConfiguration,
    things: int,
    profile: FleetProfile,
    *,
    image_bytes: int | None = None,
) -> tuple[Finding, ...]:
    """Findings about the sections that are switched off, all of them notes."""
    found: list[Finding] = []
    for switch, sections in SWITCHES.items():
        if _is_on(loaded, switch) or loaded.ini.section(sections[0]) is None:
            continue
        try:
            switched = parse_configuration(
                loaded.ini.text,
                file_name=loaded.configuration.file_name,
                overrides={switch: "True"},
            )
        except ConfigurationInvalid as error:
            found.extend(_refused(error.problems, sections))
            continue
        findings = lint(switched.configuration, things, profile, image_bytes=image_bytes)
        found.extend(
            replace(finding, severity=Severity.NOTE, is_off=True)
            for finding in findings
            if finding.section.startswith(sections)
        )
    return tuple(found)


def _is_on(loaded: LoadedConfiguration, switch: str) -> bool:
    entry = loaded.ini.get("DEFAULT", switch)
    return entry is not None and entry.value.strip().lower() in ("true", "yes", "on", "1")


def _refused(problems: tuple[Problem, ...], sections: tuple[str, ...]) -> Iterator[Finding]:
    for problem in problems:
        if problem.severity is Severity.ERROR and problem.section.startswith(sections):
            yield Finding(
                code="OTA002",
                severity=Severity.NOTE,
                section=problem.section,
                key=problem.key,
                message=f"AWS refuses it: {problem.message}",
                safe=problem.hint or "mend it, or take the section out",
                is_off=True,
            )

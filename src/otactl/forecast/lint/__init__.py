"""The linter: finds the risks of a ``dev.ini`` before it is deployed.

Every finding has a code, a section and key, a reason with numbers, and a safe alternative, and can
be waived in the file with a reason. ``docs/lint.md`` explains the codes, ``examples/lint`` shows a
bad file for each. Severities: an ERROR is wrong in any case, a WARNING needs a decision, a NOTE is
for information.

A file such as the manual's own has sections that its switches leave off. They may be switched on
next, so their findings are reported now, as notes.

Pure Python, no NumPy: ``validate``, ``plan`` and ``deploy`` use it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from otactl.errors import ConfigurationInvalid
from otactl.errors.problem import Problem, Severity
from otactl.forecast.lint.abort_check import check_abort
from otactl.forecast.lint.alarm_check import check_alarms
from otactl.forecast.lint.comparison_check import check_comparison, check_verification
from otactl.forecast.lint.finding import Finding
from otactl.forecast.lint.lint_context import LintContext
from otactl.forecast.lint.retry_check import check_retry
from otactl.forecast.lint.rollout_check import check_rollout
from otactl.forecast.lint.time_check import check_delivery, check_timeout
from otactl.forecast.lint.wave_check import check_waves
from otactl.forecast.profile import FleetProfile
from otactl.model.configuration import (
    DeploymentConfiguration,
    LoadedConfiguration,
    parse_configuration,
)
from otactl.model.configuration.sections import LINT, WAIVER_PREFIX
from otactl.rules.waves.membership import expected_sizes

__all__ = ["CODES", "Finding", "dormant_findings", "lint"]

_CHECKS = (
    check_abort,
    check_rollout,
    check_timeout,
    check_retry,
    check_delivery,
    check_alarms,
)

#: Findings that do not apply to waves: their gates (OTA7xx) stage, stop and hold a deployment.
_NOT_OF_WAVES = frozenset({"OTA104", "OTA201", "OTA203", "OTA304"})

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

#: All codes, each with a short description.
CODES: Mapping[str, str] = {
    "OTA001": "a waiver without its finding",
    "OTA002": "a section that would be refused if it were switched on",
    "OTA101": "an abort criterion that can never fire: too few things",
    "OTA102": "an abort criterion that a healthy fleet trips",
    "OTA103": "an abort criterion with too high a threshold",
    "OTA104": "no abort criterion at all",
    "OTA105": "an abort criterion that comes when nearly everything is notified",
    "OTA106": "an abort criterion on timeouts without a timeout",
    "OTA107": "abort criteria none of which counts failures",
    "OTA201": "no staging: much of the fleet is notified before anything has finished",
    "OTA202": "a rate that never rises",
    "OTA203": "a rate that waits for successes, mistaken for a gate",
    "OTA204": "a slow start that is over before it has shown anything",
    "OTA206": "late joiners of a continuous job escape the rate",
    "OTA207": "a schedule that ends before the rollout",
    "OTA208": "a rollout that takes weeks",
    "OTA301": "no timeout: silent things never end",
    "OTA302": "a timeout shorter than healthy things need",
    "OTA303": "a timeout far longer than any thing needs",
    "OTA304": "things that never connect keep the job open",
    "OTA401": "retries that count in the abort percentage",
    "OTA402": "retries of things that are gone",
    "OTA403": "rejections are never retried",
    "OTA501": "an address that expires while it is used",
    "OTA502": "an image too large for a stream",
    "OTA601": "an alarm that cannot see it in time",
    "OTA602": "a percentile of too few values",
    "OTA603": "a new metric that appears when the rollout is over",
    "OTA604": "an alarm that a healthy fleet sets off",
    "OTA605": "a metric that is never published",
    "OTA606": "an alarm that counts missing data as bad",
    "OTA701": "a gate that lets a bad image through too often",
    "OTA702": "a gate that a healthy fleet fails",
    "OTA703": "a gate that too many offline things keep from being reached",
    "OTA704": "a wave without abort criteria, fast enough to need them",
    "OTA705": "a soak that is over before a dead device counts",
    "OTA706": "what a comparison with things that were not updated can see",
    "OTA707": "a soak that is over before AWS notices that a thing has gone",
}


def lint(
    configuration: DeploymentConfiguration,
    things: int,
    profile: FleetProfile | None = None,
    *,
    image_bytes: int | None = None,
) -> tuple[Finding, ...]:
    """All findings about a deployment, including waived ones.

    Without a profile the default fleet is assumed; without the size of the image download times
    are not checked.
    """
    context = LintContext(configuration, things, profile or FleetProfile(), image_bytes)
    waivers = configuration.waivers
    found = [
        replace(finding, waived=waivers.get(finding.code))
        for finding in (
            *check_waves(context),
            *check_comparison(context),
            *check_verification(context),
            *_of_one_job(context),
        )
    ]
    return (*found, *_unused_waivers(found, waivers))


def _of_one_job(context: LintContext) -> Iterator[Finding]:
    """The findings about the job; with waves, about the job of the largest one."""
    waves = context.configuration.waves
    if waves is not None:
        sizes = expected_sizes([wave.size for wave in waves.waves], context.things)
        things, job = max(
            ((size or 0, wave.job) for size, wave in zip(sizes, waves.waves, strict=True)),
            key=lambda pair: pair[0],
        )
        configuration = replace(context.configuration, job=job)
        context = LintContext(configuration, things, context.profile, context.image_bytes)
    for check in _CHECKS:
        for finding in check(context):
            if waves is None or finding.code not in _NOT_OF_WAVES:
                yield finding


def _unused_waivers(found: list[Finding], waivers: Mapping[str, str]) -> Iterator[Finding]:
    seen = {finding.code for finding in found}
    for code in waivers:
        if code in seen:
            continue
        known = code in CODES
        yield Finding(
            code="OTA001",
            severity=Severity.NOTE,
            section=LINT,
            key=f"{WAIVER_PREFIX}{code}",
            message=(
                "waives what is not found (any more)" if known else f"there is no finding {code}"
            ),
            safe="remove the line, or it will hide the finding when it comes back",
        )


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
                safe=problem.hint or "fix it, or remove the section",
                is_off=True,
            )

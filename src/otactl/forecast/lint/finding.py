"""A finding of the linter: a risk of one key, the reason, and a safe alternative.

Its numbers are short enough to read in a CI log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otactl.errors.problem import Severity
from otactl.model.configuration.sections import WAVE_PREFIX

#: Where each code is explained, with an example.
PAGE = "docs/lint.md"

_CRITERION, _ALARM = "ABORT_CONFIG_TYPE_", "ALARM_CONFIG_"
#: The section (or the prefix of its name) and the key of a code's findings.
_LOCATIONS: Mapping[str, tuple[str, str]] = {
    "OTA101": (_CRITERION, "minNumberOfExecutedThings"),
    "OTA102": (_CRITERION, "minNumberOfExecutedThings"),
    "OTA103": (_CRITERION, "thresholdPercentage"),
    "OTA104": ("DEFAULT", "useAbortConfig"),
    "OTA105": (_CRITERION, "minNumberOfExecutedThings"),
    "OTA106": (_CRITERION, "failureType"),
    "OTA107": ("ABORT_CONFIG", "useFailedSubsection"),
    "OTA201": ("JOB_EXECUTE_ROLLOUT_CONFIG", "maximumPerMinute"),
    "OTA202": ("INCREASE_CRITERIA", "numberOfNotifiedThings"),
    "OTA203": ("INCREASE_CRITERIA", "numberOfSucceededThings"),
    "OTA204": ("INCREASE_CRITERIA", "numberOfNotifiedThings"),
    "OTA206": ("DEFAULT", "targetSelection"),
    "OTA207": ("SCHEDULING_CONFIG", "endTime"),
    "OTA208": ("JOB_EXECUTE_ROLLOUT_CONFIG", "maximumPerMinute"),
    "OTA301": ("DEFAULT", "useTimeoutConfig"),
    "OTA302": ("TIMEOUT_CONFIG", "inProgressTimeoutInMinutes"),
    "OTA303": ("TIMEOUT_CONFIG", "inProgressTimeoutInMinutes"),
    "OTA304": ("DEFAULT", "targetSelection"),
    "OTA401": ("RETRY_CONFIG", "numberOfRetriesAll"),
    "OTA402": ("RETRY_CONFIG", "numberOfRetriesAll"),
    "OTA403": ("RETRY_CONFIG", "numberOfRetriesAll"),
    "OTA501": ("PRESIGNED_URL_CONFIG", "expiresInSec"),
    "OTA502": ("DEFAULT", "usePresignedUrlConfig"),
    "OTA601": (_ALARM, "datapointsToAlarm"),
    "OTA602": (_ALARM, "stat"),
    "OTA603": (_ALARM, "metricName"),
    "OTA604": (_ALARM, "threshold"),
    "OTA605": (_ALARM, "metricName"),
    "OTA606": (_ALARM, "treatMissingData"),
    "OTA701": (WAVE_PREFIX, "size"),
    "OTA702": (WAVE_PREFIX, "requiredSucceededPercentage"),
    "OTA703": (WAVE_PREFIX, "requiredEndedPercentage"),
    "OTA704": (WAVE_PREFIX, "maximumPerMinute"),
    "OTA705": (WAVE_PREFIX, "soakMinutes"),
    "OTA706": (WAVE_PREFIX, "size"),
    "OTA707": (WAVE_PREFIX, "soakMinutes"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding.

    Attributes:
        code: Stable, ``OTA101``; waivers name it.
        section, key: Where in the ``dev.ini``.
        message: The risk and its reason, with the numbers.
        safe: A safe alternative.
        is_off: Whether the section is switched off, so that the finding does not apply yet.
        waived: The user's reason to accept it; None if it is not waived.
    """

    code: str
    severity: Severity
    section: str
    key: str
    message: str
    safe: str
    is_off: bool = False
    waived: str | None = None

    @property
    def page(self) -> str:
        """Where the code is explained."""
        return f"{PAGE}#{self.code.lower()}"

    @property
    def counts(self) -> bool:
        """Whether it may stop a command: it is neither waived nor in a section that is off."""
        return self.waived is None and not self.is_off


def finding(
    code: str,
    message: str,
    *,
    safe: str,
    severity: Severity = Severity.WARNING,
    of: str = "",
    section: str = "",
    key: str = "",
) -> Finding:
    """A finding at the section and key of its code.

    Args:
        code: One of the table.
        message: The risk and its reason, with the numbers.
        safe: A safe alternative.
        severity: A warning by default.
        of: The name of the criterion, alarm or wave whose section it is; a wave is named.
        section: Another section than the table's.
        key: Another key than the table's.
    """
    usual_section, usual_key = _LOCATIONS[code]
    if usual_section == WAVE_PREFIX:
        message = f"wave {of}: {message}"
    return Finding(
        code=code,
        severity=severity,
        section=section or usual_section + of,
        key=key or usual_key,
        message=message,
        safe=safe,
    )


_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TEN = 10


def percent(share: float) -> str:
    """``0.5%``, ``12%``."""
    value = 100 * share
    return f"{value:.0f}%" if value >= _TEN or value == 0 else f"{value:.2g}%"


def chance(probability: float) -> str:
    """A probability in percent; 0% and 100% only if it is exactly that."""
    if 0 < probability < 0.0005:  # noqa: PLR2004  # below a twentieth of a percent
        return "less than 0.05%"
    if 0.995 <= probability < 1:  # noqa: PLR2004
        return "more than 99%"
    return percent(probability)


def duration(seconds: float) -> str:
    """A duration in one unit: more would be too exact for an estimate."""
    for size, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {name}s"
    return f"{max(1, round(seconds))} seconds"


def counted(count: int, noun: str) -> str:
    """``1 thing``, ``2,000 things``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

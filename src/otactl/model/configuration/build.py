"""Builds the deployment from sections that are valid.

A value takes the section fields that have the names of its own fields; only a field with another
name, unit or source is named here. A field without a source is refused: if it were renamed on one
side, it would silently have its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from otactl.model.alarm import Alarm
from otactl.model.comparison import CompareRule
from otactl.model.configuration import deployment_section, job_section
from otactl.model.configuration.alarm_section import AlarmListSection, AlarmSection
from otactl.model.configuration.default_section import DefaultSection
from otactl.model.configuration.deployment import CustomDocument, DeploymentConfiguration
from otactl.model.configuration.deployment_section import DocumentSource
from otactl.model.configuration.eligibility_section import EligibilitySection
from otactl.model.configuration.reading import Readings
from otactl.model.configuration.rollback_section import RollbackSection
from otactl.model.configuration.section import Section
from otactl.model.configuration.sections import (
    ALARM_PREFIX,
    DEFAULT,
    SECTIONS,
    WAVE_PREFIX,
    WINDOW_PREFIX,
)
from otactl.model.configuration.verify_section import VerifySection
from otactl.model.configuration.wave_kind import ListedWave
from otactl.model.configuration.wave_section import OnGateFailure, WaveListSection, WaveSection
from otactl.model.document_format import AfrOta, DataProtocol, DocumentFormat
from otactl.model.eligibility import Eligibility, EligibilityRule
from otactl.model.firmware import Signing
from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    JobConfiguration,
    MaintenanceWindow,
    PresignedUrl,
    RateIncreaseCriteria,
    RetryCriterion,
    Rollout,
    Scheduling,
)
from otactl.model.rollback import Rollback
from otactl.model.status import FailureType
from otactl.model.thing_state import VersionSource
from otactl.model.verify import VerifyRule
from otactl.model.wave import GateRule, Wave, Waves, WaveSize

_MINUTE_MS = 60_000
_DAY_MS = 24 * 60 * _MINUTE_MS
_S = TypeVar("_S", bound=Section)
_V = TypeVar("_V")
_Sections = Mapping[str, Section]


def build(readings: Readings, *, file_name: str) -> DeploymentConfiguration:
    """The deployment of a valid file.

    Args:
        readings: Every section of it that counts.
        file_name: As the user gave it.
    """
    sections = readings.models
    default = _require(sections, DEFAULT, DefaultSection)
    image = _optional(sections, "IMAGE_CONFIG", deployment_section.ImageSection)
    image = image or deployment_section.ImageSection()
    api = _optional(sections, "API_CONFIG", deployment_section.ApiSection)
    rollback = _optional(sections, "ROLLBACK_CONFIG", RollbackSection)
    signing = _optional(sections, "SIGNING_CONFIG", deployment_section.SigningSection)
    job = _job(sections, default)
    eligibility = _eligibility(sections)
    return filled(
        DeploymentConfiguration,
        default,
        image,
        api or deployment_section.ApiSection(),
        file_name=file_name,
        image=default.bin_name,
        configured_abort_wait_minutes=default.abort_wait_minutes,
        signing=signing and filled(Signing, signing),
        custom_document=_custom_document(sections),
        afr_ota=_afr_ota(sections, default, by_url=job.presigned_url is not None),
        job=job,
        alarms=_alarms(sections),
        tags=readings.tags,
        waivers=readings.waivers,
        waves=_waves(sections, job),
        eligibility=eligibility,
        rollback=filled(Rollback, rollback or RollbackSection()),
        **_verification(sections, default, image, eligibility),
    )


def filled(kind: type[_V], *sections: Section, **given: Any) -> _V:
    """A value whose fields are those of the same name in the sections, unless they are given.

    Raises:
        LookupError: Neither has one of the fields.
    """
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    found = given | {
        name: getattr(section, name)
        for section in sections
        for name in names.intersection(type(section).model_fields) - given.keys()
    }
    if missing := names - found.keys():
        raise LookupError(f"no section has {', '.join(sorted(missing))} of {kind.__name__}")
    return kind(**found)


def _optional(sections: _Sections, name: str, model: type[_S]) -> _S | None:
    section = sections.get(name)
    return section if isinstance(section, model) else None


def _require(sections: _Sections, name: str, model: type[_S]) -> _S:
    section = _optional(sections, name, model)
    if section is None:
        raise LookupError(f"[{name}] was not read")
    return section


def _custom_document(sections: _Sections) -> CustomDocument | None:
    name = "CUSTOM_JOB_DOCUMENT"
    section = _optional(sections, name, deployment_section.CustomJobDocumentSection)
    if section is None:
        return None
    is_url = section.source is DocumentSource.URL
    path, url = (None, section.url) if is_url else (section.path or "", None)
    return CustomDocument(source=section.source, path=path, url=url)


def _afr_ota(sections: _Sections, default: DefaultSection, *, by_url: bool) -> AfrOta | None:
    if DocumentFormat.AFR_OTA not in default.document_formats:
        return None
    section = _require(sections, "AFR_OTA_CONFIG", deployment_section.AfrOtaSection)
    usual = DataProtocol.HTTP if by_url else DataProtocol.MQTT
    return filled(AfrOta, section, protocols=section.protocols or (usual,))


def _eligibility(sections: _Sections) -> Eligibility | None:
    section = _optional(sections, "ELIGIBILITY_CONFIG", EligibilitySection)
    if section is None:
        return None
    days = section.offline_days
    rule = filled(EligibilityRule, section, offline_ms=None if days is None else days * _DAY_MS)
    return filled(Eligibility, section, rule=rule)


def _verification(
    sections: _Sections,
    default: DefaultSection,
    image: deployment_section.ImageSection,
    eligibility: Eligibility | None,
) -> dict[str, Any]:
    section = _optional(sections, "VERIFY_CONFIG", VerifySection)
    if section is None:
        return {"version_source": None, "expected_version": None, "verify": None}
    hardware = eligibility and eligibility.rule.hardware
    source = filled(
        VersionSource,
        section,
        shadow="" if section.shadow == "classic" else section.shadow,
        hardware_path=hardware.path if hardware else (),
    )
    expected = section.expected_version or image.image_version
    rule = None
    if default.use_verify and expected is not None:
        rule = filled(
            VerifyRule,
            section,
            source=source,
            expected_version=expected,
            verify_ms=section.verify_minutes * _MINUTE_MS,
            dark_ms=section.dark_minutes * _MINUTE_MS,
        )
    return {"version_source": source, "expected_version": expected, "verify": rule}


def _job(sections: _Sections, default: DefaultSection) -> JobConfiguration:
    url = _optional(sections, "PRESIGNED_URL_CONFIG", deployment_section.PresignedUrlSection)
    timeout = _optional(sections, "TIMEOUT_CONFIG", job_section.TimeoutSection)
    return filled(
        JobConfiguration,
        default,
        in_progress_timeout_minutes=timeout and timeout.in_progress_timeout_minutes,
        rollout=_rollout(sections),
        abort_criteria=tuple(
            filled(AbortCriterion, section, failure_type=spec.fixed_type)
            for spec in SECTIONS
            if spec.fixed_type is not None
            and (section := _optional(sections, spec.name, job_section.AbortTypeSection))
        ),
        retry_criteria=_retry_criteria(sections),
        presigned_url=url and filled(PresignedUrl, url, role_arn=url.role_arn or default.role_arn),
        scheduling=_scheduling(sections),
    )


def _rollout(sections: _Sections) -> Rollout | None:
    rollout = _optional(sections, "JOB_EXECUTE_ROLLOUT_CONFIG", job_section.RolloutSection)
    rate = _optional(sections, "EXP_RATE_CONFIG", job_section.ExponentialRateSection)
    if rollout is None:
        return None
    if rate is None:
        return filled(Rollout, rollout, exponential_rate=None)
    criteria = _require(sections, "INCREASE_CRITERIA", job_section.IncreaseCriteriaSection)
    increase = filled(RateIncreaseCriteria, criteria)
    exponential_rate = filled(ExponentialRate, rate, rate_increase_criteria=increase)
    return filled(Rollout, rollout, exponential_rate=exponential_rate)


def _retry_criteria(sections: _Sections) -> tuple[RetryCriterion, ...]:
    section = _optional(sections, "RETRY_CONFIG", job_section.RetrySection)
    if section is None:
        return ()
    retries = {
        FailureType.ALL: section.retries_all,
        FailureType.FAILED: section.retries_failed,
        FailureType.TIMED_OUT: section.retries_timed_out,
    }
    return tuple(
        RetryCriterion(failure_type=failure_type, number_of_retries=number)
        for failure_type, number in retries.items()
        if number is not None
    )


def _scheduling(sections: _Sections) -> Scheduling | None:
    section = _optional(sections, "SCHEDULING_CONFIG", job_section.SchedulingSection)
    if section is None:
        return None
    windows = tuple(
        filled(
            MaintenanceWindow,
            _require(sections, WINDOW_PREFIX + name, job_section.MaintenanceWindowSection),
        )
        for name in section.maintenance_windows
    )
    return filled(Scheduling, section, maintenance_windows=windows)


def _alarms(sections: _Sections) -> tuple[Alarm, ...]:
    listed = _optional(sections, "ALARM_CONFIG", AlarmListSection)
    alarms = []
    for name in listed.alarm_list if listed else ():
        section = _require(sections, ALARM_PREFIX + name, AlarmSection)
        datapoints = section.datapoints_to_alarm or section.evaluation_periods
        alarms.append(filled(Alarm, section, name=name, datapoints_to_alarm=datapoints))
    return tuple(alarms)


def _waves(sections: _Sections, job: JobConfiguration) -> Waves | None:
    section = _optional(sections, "WAVE_CONFIG", WaveListSection)
    if section is None:
        return None
    least = _hundredths(section.minimum_difference)
    rule = CompareRule(is_required=section.require_comparison)
    rule = rule if least is None else replace(rule, minimum_difference=least)
    return filled(
        Waves,
        section,
        waves=tuple(
            _wave(listed, section, sections.get(WAVE_PREFIX + listed.name), job, is_first=not order)
            for order, listed in enumerate(section.waves)
        ),
        compare=rule if section.compare else None,
        rolls_back=section.on_gate_failure is OnGateFailure.ROLLBACK,
        prefers_recent=section.prefer_recent,
    )


def _wave(
    listed: ListedWave,
    common: WaveListSection,
    own: Section | None,
    job: JobConfiguration,
    *,
    is_first: bool,
) -> Wave:
    section = own if isinstance(own, WaveSection) else WaveSection()

    def find(name: str) -> Any:
        value = getattr(section, name)
        return getattr(common, name) if value is None else value

    given = {
        "required_ended": _hundredths(find("required_ended")),
        "required_succeeded": _hundredths(find("required_succeeded")),
        "required_verified": _hundredths(find("required_verified")),
        "soak_ms": _ms(find("soak_minutes")),
        "maximum_ms": _ms(find("maximum_minutes")),
        "needs_approval": find("approval"),
        "alarms": find("alarms"),
        "missing_data": find("missing_data"),
    }
    return Wave(
        name=listed.name,
        size=section.size or listed.size or WaveSize(),
        rule=GateRule(**{name: value for name, value in given.items() if value is not None}),
        job=_wave_job(job, find("maximum_per_minute"), is_first=is_first),
    )


def _hundredths(percentage: float | None) -> int | None:
    return None if percentage is None else round(percentage * 100)


def _ms(minutes: int | None) -> int | None:
    return None if minutes is None else minutes * _MINUTE_MS


def _wave_job(job: JobConfiguration, maximum: int | None, *, is_first: bool) -> JobConfiguration:
    """The policy of one wave's job: its rate, and a start time only where it is the first."""
    if maximum is not None:
        rate = None if job.rollout is None else job.rollout.exponential_rate
        job = replace(job, rollout=Rollout(maximum_per_minute=maximum, exponential_rate=rate))
    if job.scheduling is not None and not is_first:
        later = replace(job.scheduling, start_time=None)
        job = replace(job, scheduling=None if later == Scheduling() else later)
    return job

"""Builds the deployment out of sections that are known to be valid."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from typing import Any, TypeVar

from otactl.model.alarm import Alarm
from otactl.model.configuration import (
    alarm_section,
    default_section,
    deployment_section,
    eligibility_section,
    job_section,
    rollback_section,
    verify_section,
    wave_build,
)
from otactl.model.configuration.deployment import CustomDocument, DeploymentConfiguration
from otactl.model.configuration.deployment_section import DocumentSource
from otactl.model.configuration.reading import Readings
from otactl.model.configuration.section import Section
from otactl.model.configuration.sections import ALARM_PREFIX, DEFAULT, SECTIONS, WINDOW_PREFIX
from otactl.model.document_format import AfrOta, DataProtocol, DocumentFormat
from otactl.model.eligibility import Eligibility, EligibilityRule, HardwareRule
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
from otactl.model.signing import Signing
from otactl.model.status import FailureType
from otactl.model.thing_state import VersionSource
from otactl.model.verify import VerifyRule

_MINUTE_MS = 60_000
_S = TypeVar("_S", bound="Section")


def build(readings: Readings, *, file_name: str, base_dir: str) -> DeploymentConfiguration:
    """The deployment of a file in which nothing is wrong.

    Args:
        readings: Every section of it that counts.
        file_name: As the user gave it.
        base_dir: What relative paths count from.
    """
    sections = readings.models
    default = _require(sections, DEFAULT, default_section.DefaultSection)
    image = _optional(sections, "IMAGE_CONFIG", deployment_section.ImageSection)
    api = _optional(sections, "API_CONFIG", deployment_section.ApiSection)
    api = api or deployment_section.ApiSection()
    job = _job(sections, default)
    eligibility = _eligibility(sections)
    return DeploymentConfiguration(
        file_name=file_name,
        thing_list=os.path.join(base_dir, default.thing_list),  # noqa: PTH118  # a text, no file
        image=os.path.join(base_dir, default.bin_name),  # noqa: PTH118
        role_arn=default.role_arn,
        job_id=default.job_id,
        rounds=default.rounds,
        bucket=default.bucket,
        clean_up=default.clean_up,
        configured_abort_wait_minutes=default.abort_wait_minutes,
        debug=default.debug,
        default_delay_seconds=default.default_delay_seconds,
        region=default.region,
        stream_id=default.stream_id,
        api_sleep_ms=default.api_sleep_ms,
        chunk_size_bytes=default.chunk_size_bytes,
        image_version=None if image is None else image.image_version,
        include_sha256=image is not None and image.include_sha256,
        signing=_signing(sections, base_dir),
        custom_document=_custom_document(sections, base_dir),
        document_formats=default.document_formats,
        afr_ota=_afr_ota(sections, default, by_url=job.presigned_url is not None),
        job=job,
        alarms=_alarms(sections),
        tags=readings.tags,
        upload_concurrency=api.upload_concurrency,
        max_attempts=api.max_attempts,
        waivers=readings.waivers,
        waves=wave_build.build_waves(sections, job, base_dir),
        eligibility=eligibility,
        **_verification(
            sections,
            default,
            None if image is None else image.image_version,
            hardware=None if eligibility is None else eligibility.rule.hardware,
        ),
        rollback=rollback_section.build_rollback(sections, base_dir),
    )


def _optional(sections: Mapping[str, Section], name: str, model: type[_S]) -> _S | None:
    section = sections.get(name)
    return section if isinstance(section, model) else None


def _require(sections: Mapping[str, Section], name: str, model: type[_S]) -> _S:
    section = _optional(sections, name, model)
    if section is None:
        raise LookupError(f"[{name}] was not read")
    return section


def _signing(sections: Mapping[str, Section], base_dir: str) -> Signing | None:
    section = _optional(sections, "SIGNING_CONFIG", deployment_section.SigningSection)
    if section is None:
        return None
    path = section.private_key_path
    return Signing(
        source=section.source,
        private_key_path=None if path is None else os.path.join(base_dir, path),  # noqa: PTH118
        kms_key=section.kms_key,
        signing_profile=section.signing_profile,
        algorithm=section.algorithm,
    )


def _eligibility(sections: Mapping[str, Section]) -> Eligibility | None:
    section = _optional(sections, "ELIGIBILITY_CONFIG", eligibility_section.EligibilitySection)
    if section is None:
        return None
    days = section.offline_days
    rule = EligibilityRule(
        from_versions=section.from_versions,
        hardware=section.hardware,
        skip_if_current=section.skip_if_current,
        offline_ms=None if days is None else days * 24 * 60 * _MINUTE_MS,
        unknown_version=section.unknown_version,
    )
    return Eligibility(rule=rule, maximum_reads=section.maximum_reads)


def _verification(
    sections: Mapping[str, Section],
    default: default_section.DefaultSection,
    image_version: str | None,
    *,
    hardware: HardwareRule | None,
) -> dict[str, Any]:
    section = _optional(sections, "VERIFY_CONFIG", verify_section.VerifySection)
    if section is None:
        return {}
    source = VersionSource(
        shadow="" if section.shadow == "classic" else section.shadow,
        version_path=section.version_path,
        hardware_path=() if hardware is None else hardware.path,
        boot_count_path=section.boot_count_path,
    )
    expected = section.expected_version or image_version
    if not default.use_verify or expected is None:
        return {"version_source": source, "expected_version": expected}
    rule = VerifyRule(
        source=source,
        expected_version=expected,
        verify_ms=section.verify_minutes * _MINUTE_MS,
        dark_ms=section.dark_minutes * _MINUTE_MS,
        keep_alive_seconds=section.keep_alive_seconds,
        maximum_boots=section.maximum_boots,
    )
    return {"version_source": source, "expected_version": expected, "verify": rule}


def _afr_ota(
    sections: Mapping[str, Section], default: default_section.DefaultSection, *, by_url: bool
) -> AfrOta | None:
    if DocumentFormat.AFR_OTA not in default.document_formats:
        return None
    section = _require(sections, "AFR_OTA_CONFIG", deployment_section.AfrOtaSection)
    usual = DataProtocol.HTTP if by_url else DataProtocol.MQTT
    return AfrOta(
        file_path=section.file_path,
        certificate_name=section.certificate_name,
        file_type=section.file_type,
        protocols=section.protocols or (usual,),
    )


def _custom_document(sections: Mapping[str, Section], base_dir: str) -> CustomDocument | None:
    section = _optional(
        sections, "CUSTOM_JOB_DOCUMENT", deployment_section.CustomJobDocumentSection
    )
    if section is None:
        return None
    if section.source is DocumentSource.URL:
        return CustomDocument(source=section.source, url=section.url)
    path = os.path.join(base_dir, section.path or "")  # noqa: PTH118
    return CustomDocument(source=section.source, path=path)


def _job(
    sections: Mapping[str, Section], default: default_section.DefaultSection
) -> JobConfiguration:
    timeout = _optional(sections, "TIMEOUT_CONFIG", job_section.TimeoutSection)
    return JobConfiguration(
        target_selection=default.target_selection,
        rollout=_rollout(sections),
        abort_criteria=_abort_criteria(sections),
        in_progress_timeout_minutes=(
            None if timeout is None else timeout.in_progress_timeout_minutes
        ),
        retry_criteria=_retry_criteria(sections),
        presigned_url=_presigned_url(sections, default.role_arn),
        scheduling=_scheduling(sections),
    )


def _rollout(sections: Mapping[str, Section]) -> Rollout | None:
    rollout = _optional(sections, "JOB_EXECUTE_ROLLOUT_CONFIG", job_section.RolloutSection)
    if rollout is None:
        return None
    rate = _optional(sections, "EXP_RATE_CONFIG", job_section.ExponentialRateSection)
    if rate is None:
        return Rollout(maximum_per_minute=rollout.maximum_per_minute)
    criteria = _require(sections, "INCREASE_CRITERIA", job_section.IncreaseCriteriaSection)
    return Rollout(
        maximum_per_minute=rollout.maximum_per_minute,
        exponential_rate=ExponentialRate(
            base_rate_per_minute=rate.base_rate_per_minute,
            increment_factor=rate.increment_factor,
            rate_increase_criteria=RateIncreaseCriteria(
                number_of_notified_things=criteria.number_of_notified_things,
                number_of_succeeded_things=criteria.number_of_succeeded_things,
            ),
        ),
    )


def _abort_criteria(sections: Mapping[str, Section]) -> tuple[AbortCriterion, ...]:
    criteria: list[AbortCriterion] = []
    for spec in SECTIONS:
        if spec.fixed_type is None:
            continue
        section = _optional(sections, spec.name, job_section.AbortTypeSection)
        if section is not None:
            criteria.append(
                AbortCriterion(
                    failure_type=spec.fixed_type,
                    threshold_percentage=section.threshold_percentage,
                    min_number_of_executed_things=section.min_number_of_executed_things,
                )
            )
    return tuple(criteria)


def _retry_criteria(sections: Mapping[str, Section]) -> tuple[RetryCriterion, ...]:
    section = _optional(sections, "RETRY_CONFIG", job_section.RetrySection)
    if section is None:
        return ()
    retries = (
        (FailureType.ALL, section.retries_all),
        (FailureType.FAILED, section.retries_failed),
        (FailureType.TIMED_OUT, section.retries_timed_out),
    )
    return tuple(
        RetryCriterion(failure_type=failure_type, number_of_retries=number)
        for failure_type, number in retries
        if number is not None
    )


def _presigned_url(sections: Mapping[str, Section], stream_role: str) -> PresignedUrl | None:
    section = _optional(sections, "PRESIGNED_URL_CONFIG", deployment_section.PresignedUrlSection)
    if section is None:
        return None
    return PresignedUrl(
        role_arn=section.role_arn or stream_role, expires_in_seconds=section.expires_in_seconds
    )


def _scheduling(sections: Mapping[str, Section]) -> Scheduling | None:
    section = _optional(sections, "SCHEDULING_CONFIG", job_section.SchedulingSection)
    if section is None:
        return None
    windows = [
        _require(sections, WINDOW_PREFIX + name, job_section.MaintenanceWindowSection)
        for name in section.maintenance_windows
    ]
    return Scheduling(
        start_time=section.start_time,
        end_time=section.end_time,
        end_behavior=section.end_behavior,
        maintenance_windows=tuple(
            MaintenanceWindow(
                start_time=window.start_time, duration_minutes=window.duration_minutes
            )
            for window in windows
        ),
    )


def _alarms(sections: Mapping[str, Section]) -> tuple[Alarm, ...]:
    listed = _optional(sections, "ALARM_CONFIG", alarm_section.AlarmListSection)
    return tuple(
        _alarm(name, _require(sections, ALARM_PREFIX + name, alarm_section.AlarmSection))
        for name in (listed.alarm_list if listed is not None else ())
    )


def _alarm(name: str, section: alarm_section.AlarmSection) -> Alarm:
    return Alarm(
        name=name,
        namespace=section.namespace,
        metric_name=section.metric_name,
        statistic=section.statistic,
        period_seconds=section.period_seconds,
        threshold=section.threshold,
        alarm_type=section.alarm_type,
        evaluation_periods=section.evaluation_periods,
        datapoints_to_alarm=section.datapoints_to_alarm or section.evaluation_periods,
        sns_topics=section.sns_topics,
        treat_missing_data=section.treat_missing_data,
    )

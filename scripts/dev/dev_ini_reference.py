"""Writes docs/reference/dev-ini.md from the key table: ``python -m scripts.dev.dev_ini_reference``.

The table itself lives with the model (``otactl.model.configuration.catalogue``). Here stand what
only the documentation needs: which test proves a key, and what the page says around the table.
``tests/unit/model/configuration/test_reference.py`` fails when the page is older than the table.
"""

from __future__ import annotations

from pathlib import Path

from otactl.model.configuration.catalogue import Key, all_keys
from otactl.model.configuration.sections import SECTIONS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "dev-ini.md"
TESTS = "tests/unit/model/configuration"

_DEFAULT = "test_default_section.py"
_DEPLOYMENT = "test_deployment_section.py"
_JOB = "test_job_section.py"
_ALARM = "test_alarm_section.py"
_WAVE = "test_wave_section.py"
_VERIFY = "test_verify_section.py"
_ELIGIBILITY = "test_eligibility_section.py"
_ROLLBACK = "test_rollback_section.py"
_SWITCH = f"{_DEFAULT}::test_a_switch_decides_whether_its_section_counts"
_TYPES = f"{_JOB}::TestAbort::test_each_type_becomes_a_criterion"

_GATE_PROOFS = (
    ("requiredEndedPercentage", "test_percentages_are_kept_in_hundredths"),
    ("requiredSucceededPercentage", "test_percentages_are_kept_in_hundredths"),
    ("requiredVerifiedPercentage", "test_percentages_are_kept_in_hundredths"),
    ("soakMinutes", "test_a_waves_section_says_what_is_different"),
    ("maximumMinutes", "test_a_waves_section_says_what_is_different"),
    ("approval", "test_a_waves_section_says_what_is_different"),
    ("alarmList", "test_alarm_list_names_alarms_that_exist"),
    ("alarmMissingData", "test_alarm_missing_data_is_one_of_three_words"),
    ("maximumPerMinute", "test_maximum_per_minute_is_of_the_waves_job"),
)

#: The test that proves a key, by its full name.
PROOFS: dict[str, str] = {
    "DEFAULT.thingList": f"{_DEFAULT}::test_thing_list_counts_from_the_folder_of_the_file",
    "DEFAULT.binName": f"{_DEFAULT}::test_bin_name_counts_from_the_folder_of_the_file",
    "DEFAULT.roleArn": f"{_DEFAULT}::test_role_arn_must_be_the_arn_of_a_role",
    "DEFAULT.jobId": f"{_DEFAULT}::test_job_id_refuses_what_create_job_refuses",
    "DEFAULT.rounds": f"{_DEFAULT}::test_rounds_takes_whole_numbers_only",
    "DEFAULT.bucket": f"{_DEFAULT}::test_bucket_follows_the_naming_rules_of_s3",
    "DEFAULT.cleanUpCfg": f"{_DEFAULT}::test_clean_up_cfg_is_read_in_any_case",
    "DEFAULT.abortWaitMinutes": f"{_DEFAULT}::test_abort_wait_minutes_follows_the_timeout",
    "DEFAULT.debug": f"{_DEFAULT}::test_debug_is_off_when_left_out",
    "DEFAULT.defaultDelay": f"{_DEFAULT}::test_default_delay_is_seconds",
    "DEFAULT.region": f"{_DEFAULT}::test_region_has_the_form_of_a_region",
    "DEFAULT.streamId": f"{_DEFAULT}::test_stream_id_leaves_room_for_the_file_id",
    "DEFAULT.iotApiSleepTime": f"{_DEFAULT}::test_iot_api_sleep_time_is_milliseconds",
    "DEFAULT.fileChunkSize": (
        f"{_DEFAULT}::test_file_chunk_size_is_read_in_both_spellings_of_the_manual"
    ),
    "DEFAULT.targetSelection": f"{_DEFAULT}::test_target_selection_is_spelt_as_aws_spells_it",
    "DEFAULT.documentFormat": f"{_DEPLOYMENT}::TestAfrOta::test_document_format_is_one_or_both",
    "DEFAULT.useCustomJobDocument": _SWITCH,
    "DEFAULT.usePresignedUrlConfig": _SWITCH,
    "DEFAULT.useJobExecutionsRolloutConfig": _SWITCH,
    "DEFAULT.useAbortConfig": _SWITCH,
    "DEFAULT.useTimeoutConfig": _SWITCH,
    "DEFAULT.useRetryConfig": _SWITCH,
    "DEFAULT.useSchedulingConfig": _SWITCH,
    "DEFAULT.useSigningConfig": _SWITCH,
    "DEFAULT.useWaveConfig": f"{_WAVE}::test_use_wave_config_needs_a_timeout_and_one_round",
    "DEFAULT.useEligibilityConfig": f"{_ELIGIBILITY}::test_use_eligibility_config_needs_a_snapshot",
    "DEFAULT.useVerifyConfig": f"{_VERIFY}::test_use_verify_config_needs_a_version_and_one_round",
    "CUSTOM_JOB_DOCUMENT.jobDocSrcCfg": (
        f"{_DEPLOYMENT}::TestCustomDocument::test_job_doc_src_cfg_is_one_of_two_words"
    ),
    "CUSTOM_JOB_DOCUMENT.jobDocSrcUrl": (
        f"{_DEPLOYMENT}::TestCustomDocument::test_job_doc_src_cfg_url_needs_the_url"
    ),
    "CUSTOM_JOB_DOCUMENT.jobDocPath": (
        f"{_DEPLOYMENT}::TestCustomDocument::test_job_doc_src_cfg_local_file_needs_the_path"
    ),
    **{
        f"AFR_OTA_CONFIG.{key}": f"{_DEPLOYMENT}::TestAfrOta::{test}"
        for key, test in (
            ("filePath", "test_file_path_certificate_name_and_file_type_are_carried"),
            ("certificateName", "test_file_path_certificate_name_and_file_type_are_carried"),
            ("fileType", "test_file_path_certificate_name_and_file_type_are_carried"),
            ("protocols", "test_protocols_are_by_url_where_there_is_one"),
        )
    },
    "PRESIGNED_URL_CONFIG.roleArn": (
        f"{_DEPLOYMENT}::TestPresignedUrl::test_role_arn_of_its_own_signs"
    ),
    "PRESIGNED_URL_CONFIG.expiresInSec": (
        f"{_DEPLOYMENT}::TestPresignedUrl::test_expires_in_sec_is_a_minute_to_an_hour"
    ),
    "JOB_EXECUTE_ROLLOUT_CONFIG.maximumPerMinute": (
        f"{_JOB}::TestRollout::test_maximum_per_minute_keeps_to_what_was_measured"
    ),
    "JOB_EXECUTE_ROLLOUT_CONFIG.useExponentialRateCfg": (
        f"{_JOB}::TestRollout::test_use_exponential_rate_cfg_off_ignores_the_section"
    ),
    "EXP_RATE_CONFIG.baseRatePerMinute": (
        f"{_JOB}::TestRollout::test_base_rate_per_minute_must_be_below_the_maximum"
    ),
    "EXP_RATE_CONFIG.incrementFactor": (
        f"{_JOB}::TestRollout::test_increment_factor_refuses_what_the_service_refuses"
    ),
    "EXP_RATE_CONFIG.useRateIncreaseCriteria": (
        f"{_JOB}::TestRollout::test_use_rate_increase_criteria_must_be_true"
    ),
    "INCREASE_CRITERIA.numberOfNotifiedThings": (
        f"{_JOB}::TestRollout::test_number_of_notified_things_is_the_criterion"
    ),
    "INCREASE_CRITERIA.numberOfSucceededThings": (
        f"{_JOB}::TestRollout::test_number_of_succeeded_things_is_the_criterion"
    ),
    "ABORT_CONFIG.useAllSubsection": (
        f"{_JOB}::TestAbort::test_use_all_subsection_wins_over_the_other_types"
    ),
    "ABORT_CONFIG.useFailedSubsection": _TYPES,
    "ABORT_CONFIG.useRejectedSubsection": _TYPES,
    "ABORT_CONFIG.useTimedOutSubsection": _TYPES,
    **{
        f"ABORT_CONFIG_TYPE_{failure_type}.{key}": f"{_JOB}::TestAbort::{test}"
        for failure_type in ("ALL", "FAILED", "REJECTED", "TIMED_OUT")
        for key, test in (
            ("failureType", "test_failure_type_can_only_be_the_sections_own"),
            ("thresholdPercentage", "test_threshold_percentage_refuses_what_the_service_refuses"),
            ("minNumberOfExecutedThings", "test_min_number_of_executed_things_is_at_least_one"),
        )
    },
    "TIMEOUT_CONFIG.inProgressTimeoutInMinutes": (
        f"{_JOB}::TestTimeout::test_in_progress_timeout_is_a_minute_to_seven_days"
    ),
    "ALARM_CONFIG.alarmList": (
        f"{_ALARM}::test_alarm_list_keeps_its_order_and_may_have_blanks_and_lines"
    ),
    **{
        f"ALARM_CONFIG_<alarm_name>.{key}": f"{_ALARM}::{test}"
        for key, test in (
            ("namespace", "test_namespace_decides_the_dimension"),
            ("metricName", "test_metric_name_is_printable"),
            ("stat", "test_stat_may_be_a_percentile"),
            ("period", "test_period_is_a_multiple_of_a_minute"),
            ("threshold", "test_threshold_is_any_decimal_number"),
            ("alarmType", "test_alarm_type_becomes_the_comparison"),
            (
                "evaluationPeriods",
                "test_evaluation_periods_span_a_day_or_for_long_periods_a_week",
            ),
            ("datapointsToAlarm", "test_datapoints_to_alarm_are_m_out_of_n"),
            ("snsTopics", "test_sns_topics_are_topics_of_the_region"),
            ("treatMissingData", "test_treat_missing_data_may_be_chosen"),
        )
    },
    "IMAGE_CONFIG.imageVer": (
        f"{_DEPLOYMENT}::TestImage::test_image_ver_goes_into_the_document_as_it_stands"
    ),
    "IMAGE_CONFIG.includeSha256": (
        f"{_DEPLOYMENT}::TestImage::test_include_sha256_is_off_when_left_out"
    ),
    "SIGNING_CONFIG.source": f"{_DEPLOYMENT}::TestSigning::test_source_needs_its_own_key",
    "SIGNING_CONFIG.privateKeyPath": (
        f"{_DEPLOYMENT}::TestSigning::test_private_key_path_counts_from_the_folder_of_the_file"
    ),
    "SIGNING_CONFIG.kmsKey": (
        f"{_DEPLOYMENT}::TestSigning::test_kms_key_is_an_id_an_arn_or_an_alias"
    ),
    "SIGNING_CONFIG.signingProfile": (
        f"{_DEPLOYMENT}::TestSigning::test_signing_profile_has_the_form_that_signer_takes"
    ),
    "SIGNING_CONFIG.signatureAlgorithm": (
        f"{_DEPLOYMENT}::TestSigning::test_signature_algorithm_is_the_one_devices_check"
    ),
    "RETRY_CONFIG.numberOfRetriesAll": (
        f"{_JOB}::TestRetry::test_retries_of_all_failures_stand_alone"
    ),
    "RETRY_CONFIG.numberOfRetriesFailed": f"{_JOB}::TestRetry::test_retries_are_zero_to_ten",
    "RETRY_CONFIG.numberOfRetriesTimedOut": (
        f"{_JOB}::TestRetry::test_retries_of_timed_out_need_a_timeout"
    ),
    "SCHEDULING_CONFIG.startTime": (
        f"{_JOB}::TestSchedule::test_start_time_gets_the_t_the_service_asks_for"
    ),
    "SCHEDULING_CONFIG.endTime": (
        f"{_JOB}::TestSchedule::test_end_time_is_half_an_hour_to_two_years_behind_the_start"
    ),
    "SCHEDULING_CONFIG.endBehavior": (
        f"{_JOB}::TestSchedule::test_end_time_and_end_behavior_are_carried"
    ),
    "SCHEDULING_CONFIG.maintenanceWindowList": (
        f"{_JOB}::TestSchedule::test_maintenance_window_list_names_sections"
    ),
    "MAINTENANCE_WINDOW_<window_name>.startTime": (
        f"{_JOB}::TestSchedule::test_window_start_time_is_a_cron_expression_of_six_fields"
    ),
    "MAINTENANCE_WINDOW_<window_name>.durationInMinutes": (
        f"{_JOB}::TestSchedule::test_window_duration_in_minutes_is_less_than_a_day"
    ),
    **{f"WAVE_CONFIG.{key}": f"{_WAVE}::{test}" for key, test in _GATE_PROOFS},
    "WAVE_CONFIG.waveList": f"{_WAVE}::test_wave_list_gives_names_and_sizes_and_implies_the_rest",
    "WAVE_CONFIG.sampleSeed": f"{_WAVE}::test_what_holds_for_all_waves",
    "WAVE_CONFIG.preferRecent": f"{_WAVE}::test_recent_things_are_preferred_unless_waves_compare",
    "WAVE_CONFIG.exceptThings": f"{_WAVE}::test_what_holds_for_all_waves",
    "WAVE_CONFIG.openDays": f"{_WAVE}::test_what_holds_for_all_waves",
    "WAVE_CONFIG.groupFillPerSecond": f"{_WAVE}::test_what_holds_for_all_waves",
    **{
        f"WAVE_CONFIG.{key}": f"{_WAVE}::test_waves_are_compared_when_the_file_says_so"
        for key in ("compare", "minimumDifference", "requireComparison")
    },
    "WAVE_CONFIG.onGateFailure": (
        f"{_WAVE}::test_a_rollback_needs_a_version_its_source_and_no_clean_up"
    ),
    **{f"WAVE_CONFIG_<wave_name>.{key}": f"{_WAVE}::{test}" for key, test in _GATE_PROOFS},
    "WAVE_CONFIG_<wave_name>.size": f"{_WAVE}::test_a_waves_section_says_what_is_different",
    **{
        f"ELIGIBILITY_CONFIG.{key}": f"{_ELIGIBILITY}::{test}"
        for key, test in (
            ("fromVersions", "test_from_versions_are_versions_and_ranges"),
            ("hardware", "test_hardware_is_an_attribute_or_a_reported_field"),
            ("skipIfCurrent", "test_skip_if_current_needs_a_version"),
            ("offlineDays", "test_the_rest_has_defaults_and_bounds"),
            ("unknownVersion", "test_the_rest_has_defaults_and_bounds"),
            ("maximumReads", "test_the_rest_has_defaults_and_bounds"),
        )
    },
    **{
        f"VERIFY_CONFIG.{key}": f"{_VERIFY}::{test}"
        for key, test in (
            ("source", "test_source_is_the_classic_shadow_or_a_named_one"),
            ("versionPath", "test_paths_are_keys_with_points_between"),
            ("expectedVersion", "test_expected_version_is_image_ver_when_left_out"),
            ("verifyMinutes", "test_times_and_boots_have_defaults_and_bounds"),
            ("darkMinutes", "test_times_and_boots_have_defaults_and_bounds"),
            ("keepAliveSeconds", "test_times_and_boots_have_defaults_and_bounds"),
            ("bootCountPath", "test_paths_are_keys_with_points_between"),
            ("maximumBoots", "test_times_and_boots_have_defaults_and_bounds"),
        )
    },
    "ROLLBACK_CONFIG.imageList": f"{_ROLLBACK}::test_image_list_has_a_file_for_each_version",
    "ROLLBACK_CONFIG.withoutFormerImage": f"{_ROLLBACK}::test_without_former_image_is_one_of_two",
    "ROLLBACK_CONFIG.keepImages": f"{_ROLLBACK}::test_what_holds_when_the_section_is_left_out",
    "ROLLBACK_CONFIG.openDays": f"{_ROLLBACK}::test_what_holds_when_the_section_is_left_out",
    "API_CONFIG.uploadConcurrency": (
        f"{_DEPLOYMENT}::TestApi::test_upload_concurrency_is_four_when_left_out"
    ),
    "API_CONFIG.maxAttempts": f"{_DEPLOYMENT}::TestApi::test_max_attempts_is_eight_when_left_out",
    "TAGS.<tag>": f"{_DEPLOYMENT}::TestTags::test_tags_are_names_and_values",
    "LINT_CONFIG.waive_<CODE>": f"{_DEPLOYMENT}::TestWaivers::test_waivers_carry_a_reason",
}

_INTRODUCTION = """\
# Every key of `dev.ini`

<!-- Written by `python -m scripts.dev.dev_ini_reference`; change the model, not this page. -->

`otactl config explain KEY` tells the same in the terminal, `otactl config template` prints a file
with every key, `otactl init` asks for the values, and `otactl validate FILE` says everything that
is wrong with a file and the files it names.

## How the file is read

- It is an INI file as Python's `configparser` reads it: `[section]`, then `key = value` or
  `key: value`. Keys and sections are case-sensitive.
- A line that begins with `#` or `;` is a comment. Behind a value neither begins one: it would
  belong to the value.
- An indented line continues the value above it. That is good for lists, and an error elsewhere.
- `%` is an ordinary sign; nothing is replaced in a value. Values stand without quotes.
- An empty value, or `None`, means that the key is not set.
- Relative paths count from the folder of the file.
- A section with a switch counts when the switch is `True`; what stands in it otherwise is not
  looked at. A section without a switch counts when it is there.
- Sections do not inherit from `[DEFAULT]`, with one exception: without a `roleArn` of its own,
  `[PRESIGNED_URL_CONFIG]` uses the one of `[DEFAULT]`, and a note says so.
- Whole numbers are digits, decimal numbers digits with a point; neither has an exponent.
- An unknown section or key is a warning with the nearest name that exists.

"AWS field" says what becomes of a value: `service:Operation field`. The last column names the test
that proves the key, in `{tests}`.
"""

_DIFFERENCES = """\
## Where the manual and AWS disagree

AWS wins, and `otactl validate` says so.

| | the manual | AWS IoT, and otactl |
|---|---|---|
| M1 | the sample sets `numberOfNotifiedThings` and `numberOfSucceededThings` | exactly one of \
the two is taken; both, or none, is refused |
| M2 | the sample has 100 for `baseRatePerMinute` and `maximumPerMinute` | the base rate must be \
less than the maximum |
| M3 | `useRateIncreaseCriteria = False` leaves the criteria out | every exponential rate needs \
its criterion |
| M5 | waits until a CONTINUOUS job is COMPLETED | it never is, so it has one round |
| M9 | `period` is a multiple of 60, and times `evaluationPeriods` a day at most | 10, 20 and 30 \
are taken for high-resolution metrics (a warning says so), and a week when `period` is an hour or \
longer |
| M13 | the sample says `fileChunckSize`, the text `fileChunkSize` | both are read |
| M14 | the MD5 is combined from chunks of `fileChunkSize` | it is the plain MD5 of the file \
whatever the size |
| M18 | no limit for `streamId` | 128 characters with `_<fileId>` behind it; devices built on \
AWS's embedded library can use 44 |

Two units the manual leaves open: `defaultDelay` is in seconds, `iotApiSleepTime` in milliseconds.
(The tool that the manual describes slept `iotApiSleepTime` *seconds* after it deleted something,
because deletion takes its time; otactl waits for the state instead, and keeps the key for the
pace of its calls.)
"""


def render() -> str:
    """The text of the page."""
    parts = [_INTRODUCTION.format(tests=TESTS)]
    for spec in SECTIONS:
        origin = " *(not in the manual)*" if spec.ours else ""
        parts.append(f"## `[{spec.name}]`{origin}\n\n{spec.about}{_condition(spec.name)}\n")
        parts.append(_table([key for key in all_keys() if key.section == spec.name]))
    parts.append(_DIFFERENCES)
    return "\n".join(parts)


def _condition(name: str) -> str:
    spec = next(spec for spec in SECTIONS if spec.name == name)
    condition = spec.counts_when("`")
    return f" Counts {condition}." if condition else ""


def _table(keys: list[Key]) -> str:
    head = ("key", "type", "what it may be", "default", "what it does", "AWS field", "test")
    rows = [head, ("---",) * len(head)]
    for key in keys:
        name = f"`{key.name}`" + (f", `{key.also}`" if key.also else "")
        default = (
            "*required*" if key.is_required else f"`{key.default}`" if key.default else "empty"
        )
        proof = PROOFS[key.full_name].rpartition("::")[2]
        allowed = key.allowed.replace("<", "&lt;").replace("|", "\\|")
        rows.append((name, key.type_name, allowed, default, key.about, key.becomes, f"`{proof}`"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")

"""Each finding: given for what it is about, and not for what is next to it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from otactl.errors.problem import Severity
from otactl.forecast.distribution import Distribution
from otactl.forecast.ensemble import Scenario, play
from otactl.forecast.lint import CODES, Finding, lint
from otactl.forecast.lint.alarm_check import STACK_METRICS
from otactl.forecast.profile import FleetProfile, Group
from otactl.lambdas import metrics_generator
from otactl.model.alarm import Alarm, AlarmType, MissingData
from otactl.model.configuration import DeploymentConfiguration
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
from otactl.model.status import FailureType, TargetSelection

IMAGE_BYTES = 1_000_000


def criterion(
    percentage: float = 10, minimum: int = 30, failure_type: FailureType = FailureType.ALL
) -> AbortCriterion:
    return AbortCriterion(
        failure_type=failure_type,
        threshold_percentage=percentage,
        min_number_of_executed_things=minimum,
    )


SOUND = JobConfiguration(
    rollout=Rollout(maximum_per_minute=50),
    abort_criteria=(criterion(),),
    in_progress_timeout_minutes=60,
)


def deployment(job: JobConfiguration = SOUND, **fields: Any) -> DeploymentConfiguration:
    required = {
        "file_name": "dev.ini",
        "thing_list": "things.txt",
        "image": "firmware.bin",
        "role_arn": "arn:aws:iam::123456789012:role/stream",
        "job_id": "job",
        "rounds": 1,
        "bucket": "bucket",
        "clean_up": False,
        "debug": False,
        "default_delay_seconds": 5,
        "region": "us-east-1",
        "stream_id": "stream",
        "api_sleep_ms": 50,
        "chunk_size_bytes": 8192,
    }
    return DeploymentConfiguration(**{**required, "job": job, **fields})


def findings(
    job: JobConfiguration = SOUND,
    *,
    things: int = 1000,
    profile: FleetProfile | None = None,
    image_bytes: int | None = IMAGE_BYTES,
    **fields: Any,
) -> list[Finding]:
    return list(lint(deployment(job, **fields), things, profile, image_bytes=image_bytes))


def codes(job: JobConfiguration = SOUND, **how: Any) -> list[str]:
    return [finding.code for finding in findings(job, **how)]


def changed(**fields: Any) -> JobConfiguration:
    return replace(SOUND, **fields)


def exponential(base: int, factor: float, maximum: int, **criteria: int) -> Rollout:
    return Rollout(
        maximum_per_minute=maximum,
        exponential_rate=ExponentialRate(
            base_rate_per_minute=base,
            increment_factor=factor,
            rate_increase_criteria=RateIncreaseCriteria(**criteria),
        ),
    )


def alarm(**fields: Any) -> Alarm:
    usual = {
        "name": "Slow",
        "namespace": "IoT:OTA:JobExecution",
        "metric_name": "downloadTime",
        "statistic": "Average",
        "period_seconds": 60,
        "threshold": 600,
        "alarm_type": AlarmType.UPPER,
        "evaluation_periods": 3,
        "datapoints_to_alarm": 2,
    }
    return Alarm(**{**usual, **fields})


def test_a_sound_deployment_gives_nothing() -> None:
    assert codes() == []


def test_an_abort_that_waits_for_more_things_than_there_are_is_an_error() -> None:
    (found,) = findings(changed(abort_criteria=(criterion(minimum=1001),)))
    assert (found.code, found.severity) == ("OTA101", Severity.ERROR)
    assert codes(changed(abort_criteria=(criterion(minimum=500),))) == []


def test_retries_make_more_executions_so_the_same_minimum_can_be_reached() -> None:
    retried = changed(
        abort_criteria=(criterion(minimum=1001),),
        retry_criteria=(RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=1),),
    )
    assert "OTA101" not in codes(retried)


def test_the_manual_s_criterion_trips_and_the_chance_is_told() -> None:
    (found,) = findings(changed(abort_criteria=(criterion(11, 1),)))
    assert found.code == "OTA102"
    assert "one failure among the first 9 executions" in found.message
    # 0.6% of an unremarkable fleet fail or go silent: 1 - 0.994^9 is 5.3%.
    assert "5.4%" in found.message


def test_a_threshold_below_the_failures_of_a_healthy_fleet_is_an_error() -> None:
    worn = FleetProfile(group=(Group(failure_rate=0.2),))
    (found,) = findings(changed(abort_criteria=(criterion(10, 100),)), profile=worn)
    assert (found.code, found.severity) == ("OTA102", Severity.ERROR)
    assert "more than 99%" in found.message


def test_what_is_called_safe_is_safe() -> None:
    (found,) = findings(changed(abort_criteria=(criterion(11, 1),)))
    words = found.safe.replace("=", " ").split()
    percentage, minimum = (int(word) for word in words if word.isdigit())
    assert codes(changed(abort_criteria=(criterion(percentage, minimum),))) == []


@pytest.mark.parametrize("things", [10, 12, 15, 30, 79, 80, 1000, 1_000_000])
def test_what_is_called_safe_can_be_had_with_so_many_things(things: int) -> None:
    (found,) = [
        f for f in findings(changed(abort_criteria=()), things=things) if f.code == "OTA104"
    ]
    words = found.safe.replace("=", " ").split()
    percentage, minimum = (int(word) for word in words if word.isdigit())
    found_then = codes(changed(abort_criteria=(criterion(percentage, minimum),)), things=things)
    assert not {"OTA101", "OTA102", "OTA103"} & set(found_then)


def test_a_pilot_of_five_may_stop_at_its_first_failure() -> None:
    pilot = changed(rollout=Rollout(maximum_per_minute=1), abort_criteria=(criterion(40, 2),))
    assert codes(pilot, things=5) == []
    (late,) = findings(changed(abort_criteria=(criterion(10, 20),)), things=5)
    assert late.code == "OTA101"
    assert "there are 5 at most, of 5 things" in late.message
    assert "watch the few things" in late.safe


def test_a_threshold_that_asks_for_a_disaster() -> None:
    assert codes(changed(abort_criteria=(criterion(80),))) == ["OTA103"]
    assert codes(changed(abort_criteria=(criterion(50),))) == []


def test_no_abort_at_all_matters_for_a_fleet_and_not_for_a_test_rack() -> None:
    assert codes(changed(abort_criteria=())) == ["OTA104"]
    assert codes(changed(abort_criteria=()), things=9) == []


def test_an_abort_that_comes_when_everything_is_notified() -> None:
    assert codes(changed(abort_criteria=(criterion(10, 850),))) == ["OTA105"]


def test_what_is_called_safe_beside_an_abort_that_comes_too_late_comes_in_time() -> None:
    (found,) = findings(changed(abort_criteria=(criterion(10, 850),)))
    percentage, minimum = map(int, re.findall(r"= (\d+)", found.safe))

    assert codes(changed(abort_criteria=(criterion(percentage, minimum),))) == []


@pytest.mark.parametrize(
    ("things", "image_bytes", "severities"),
    [
        (10, 20_000_000, {"OTA105": Severity.WARNING, "OTA201": Severity.NOTE}),
        (10, 24 * 1024 * 1024, {"OTA105": Severity.NOTE, "OTA201": Severity.NOTE}),
    ],
)
def test_what_no_slower_rate_of_aws_would_mend_is_a_note(
    things: int, image_bytes: int, severities: dict[str, Severity]
) -> None:
    slowest = changed(rollout=Rollout(maximum_per_minute=1), abort_criteria=(criterion(40, 5),))
    found = [
        each
        for each in findings(slowest, things=things, image_bytes=image_bytes)
        if each.code in severities
    ]

    assert {each.code: each.severity for each in found} == severities
    for each in found:
        if each.severity is Severity.NOTE:
            assert "[WAVE_CONFIG]" in each.safe
        else:
            assert each.safe == "thresholdPercentage = 50 of minNumberOfExecutedThings = 4"


def test_a_criterion_on_timeouts_without_a_timeout() -> None:
    job = changed(
        abort_criteria=(criterion(failure_type=FailureType.TIMED_OUT),),
        in_progress_timeout_minutes=None,
    )
    assert codes(job) == ["OTA106", "OTA107", "OTA301"]


@pytest.mark.parametrize(
    ("types", "given"),
    [
        ((FailureType.REJECTED, FailureType.TIMED_OUT), ["OTA107"]),
        ((FailureType.TIMED_OUT,), ["OTA107"]),
        ((FailureType.REJECTED, FailureType.FAILED), []),
        ((FailureType.ALL,), []),
    ],
)
def test_criteria_none_of_which_counts_failures(types: tuple, given: list[str]) -> None:
    job = changed(abort_criteria=tuple(criterion(failure_type=each) for each in types))
    assert codes(job) == given


def test_what_is_called_safe_beside_criteria_that_count_no_failure_is_safe() -> None:
    (found,) = findings(changed(abort_criteria=(criterion(failure_type=FailureType.REJECTED),)))
    percentage, minimum = (int(word) for word in found.safe.split() if word.isdigit())
    assert (
        codes(changed(abort_criteria=(criterion(percentage, minimum, FailureType.FAILED),))) == []
    )


def test_a_rollout_that_takes_weeks() -> None:
    slow = changed(rollout=Rollout(maximum_per_minute=1))
    (found,) = findings(slow, things=100_000)
    assert found.code == "OTA208"
    assert "69 days" in found.message
    assert codes(slow, things=10_000) == []
    (rate,) = (int(word) for word in found.safe.split() if word.isdigit())
    assert codes(changed(rollout=Rollout(maximum_per_minute=rate)), things=100_000) == []


def test_windows_make_a_rollout_of_hours_one_of_weeks() -> None:
    weekly = MaintenanceWindow(start_time="cron(0 2 ? * MON *)", duration_minutes=60)
    nightly = MaintenanceWindow(start_time="cron(0 2 ? * * *)", duration_minutes=60)
    # 20,000 at 50 a minute: 400 minutes, 7 Mondays or 7 nights.
    job = changed(
        scheduling=Scheduling(maintenance_windows=(weekly,)),
        target_selection=TargetSelection.CONTINUOUS,
    )
    (found,) = [f for f in findings(job, things=20_000) if f.code == "OTA208"]
    assert "47 days" in found.message
    nights = replace(job, scheduling=Scheduling(maintenance_windows=(nightly,)))
    assert "OTA208" not in codes(nights, things=20_000)


def test_staging_fades_with_the_fleet_and_has_no_cliff() -> None:
    full = changed(rollout=Rollout(maximum_per_minute=1000))
    severities = {
        things: [f.severity for f in findings(full, things=things) if f.code == "OTA201"]
        for things in (1111, 1112, 2000, 3000, 5000)
    }
    assert severities[1111] == severities[1112] == severities[2000] == [Severity.WARNING]
    assert severities[3000] == [Severity.NOTE]
    assert severities[5000] == []


def test_staging_is_judged_by_when_results_are_known() -> None:
    quick = changed(rollout=Rollout(maximum_per_minute=100))
    slow_devices = FleetProfile(group=(Group(install_seconds=Distribution(median=600, p95=700)),))
    assert codes(quick) == []
    (found,) = [f for f in findings(quick, profile=slow_devices) if f.code == "OTA201"]
    assert "1,000 of 1,000 things are notified in the first 10 minutes" in found.message
    calmer = changed(rollout=Rollout(maximum_per_minute=int(found.safe.split()[2])))
    assert "OTA201" not in codes(calmer, profile=slow_devices)


FIRST_FAILURE = {
    "metric_name": "failed",
    "statistic": "Sum",
    "threshold": 0,
    "evaluation_periods": 1,
    "datapoints_to_alarm": 1,
    "sns_topics": ("arn:aws:sns:us-east-1:123456789012:ota-force-stopper",),
}


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({}, Severity.ERROR),
        ({"statistic": "Average"}, Severity.ERROR),
        ({"namespace": "AWS/IoT", "metric_name": "FailedJobExecutionCount"}, Severity.ERROR),
        ({"namespace": "AWS/IoT", "metric_name": "FailedJobExecutionTotalCount"}, Severity.ERROR),
        ({"sns_topics": ()}, Severity.WARNING),
        ({"metric_name": "timedOut"}, Severity.ERROR),
        ({"metric_name": "succeeded", "threshold": 10}, Severity.ERROR),
        ({"metric_name": "rejected"}, None),  # an unremarkable fleet rejects nothing
        ({"threshold": 5}, None),
        ({"threshold": 1}, Severity.WARNING),
        ({"threshold": 1, "evaluation_periods": 3, "datapoints_to_alarm": 3}, None),
    ],
)
def test_an_alarm_on_a_count_that_a_healthy_fleet_sets_off(
    fields: dict[str, Any], severity: Severity | None
) -> None:
    found = [
        f.severity
        for f in findings(alarms=(alarm(**(FIRST_FAILURE | fields)),))
        if f.code == "OTA604"
    ]
    assert found == ([] if severity is None else [severity])


def test_the_chance_of_an_alarm_on_the_first_failure_is_that_of_any_failure() -> None:
    found = [f for f in findings(alarms=(alarm(**FIRST_FAILURE),)) if f.code == "OTA604"]
    # 0.5% of the 900 that are connected: 1 - exp(-4.5).
    assert "98.9%" in found[0].message or "99%" in found[0].message
    threshold = int(found[0].safe.rsplit("=", maxsplit=1)[1])
    calm = alarm(**(FIRST_FAILURE | {"threshold": threshold}))
    assert "OTA604" not in [f.code for f in findings(alarms=(calm,))]


@pytest.mark.parametrize("rollout", [None, Rollout(maximum_per_minute=950)])
def test_no_staging(rollout: Rollout | None) -> None:
    assert codes(changed(rollout=rollout)) == ["OTA201"]
    assert codes(changed(rollout=rollout), things=100_000) == []


def test_a_rate_that_never_rises() -> None:
    never = exponential(20, 2.0, 200, number_of_notified_things=1000)
    assert codes(changed(rollout=never)) == ["OTA202"]


def test_successes_are_no_gate_unless_an_abort_stops_the_rollout() -> None:
    waits = exponential(20, 2.0, 200, number_of_succeeded_things=50)
    assert codes(changed(rollout=waits)) == []
    assert codes(changed(rollout=waits, abort_criteria=())) == ["OTA104", "OTA203"]


def test_a_slow_start_that_is_over_before_anything_has_finished() -> None:
    blind = exponential(50, 2.0, 200, number_of_notified_things=10)
    assert codes(changed(rollout=blind)) == ["OTA204"]
    patient = exponential(10, 1.5, 100, number_of_notified_things=100)
    assert codes(changed(rollout=patient)) == []


def test_late_joiners_escape_a_rate_when_there_is_one() -> None:
    assert codes(changed(target_selection=TargetSelection.CONTINUOUS)) == ["OTA206"]


def test_a_schedule_that_ends_before_the_rollout() -> None:
    short = Scheduling(start_time="2027-01-01T00:00", end_time="2027-01-01T00:30")
    assert codes(changed(scheduling=short, rollout=Rollout(maximum_per_minute=10))) == ["OTA207"]
    assert codes(changed(scheduling=short)) == []


def test_no_timeout() -> None:
    (found,) = findings(changed(in_progress_timeout_minutes=None))
    assert found.code == "OTA301"
    assert "about 1 of 1,000" in found.message


def test_a_timeout_below_the_download_time_also_trips_the_abort() -> None:
    found = findings(changed(in_progress_timeout_minutes=1))
    assert [finding.code for finding in found] == ["OTA102", "OTA302"]
    # Ten times the bandwidth, and a minute is enough.
    fast = FleetProfile(group=(Group(bandwidth_bytes_per_second=Distribution(constant=1e6)),))
    assert codes(changed(in_progress_timeout_minutes=1), profile=fast) == []


def test_nothing_is_said_of_download_times_when_the_size_is_not_known() -> None:
    assert "OTA302" not in codes(changed(in_progress_timeout_minutes=1), image_bytes=None)


def test_a_continuous_job_is_not_told_that_it_never_completes() -> None:
    patient = changed(in_progress_timeout_minutes=None)
    (found,) = findings(patient)
    assert "the job never completes" in found.message
    endless = replace(patient, target_selection=TargetSelection.CONTINUOUS)
    (reported,) = [f for f in findings(endless) if f.code == "OTA301"]
    assert "completes" not in reported.message


def test_a_week_of_patience_for_what_takes_minutes() -> None:
    (found,) = findings(changed(in_progress_timeout_minutes=10_080))
    assert (found.code, found.severity) == ("OTA303", Severity.NOTE)


def test_things_that_never_connect_keep_a_snapshot_job_open() -> None:
    lost = FleetProfile(group=(Group(never=0.01),))
    assert codes(profile=lost) == ["OTA304"]
    assert codes(changed(rollout=Rollout(maximum_per_minute=10)), profile=lost, things=90) == []


STUBBORN = FleetProfile(group=(Group(repeat_failure_rate=1.0),))


def test_retries_weigh_in_the_percentage_when_the_same_things_fail_again() -> None:
    ten = RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=10)
    job = changed(retry_criteria=(ten,), abort_criteria=(criterion(10, 50),))
    (found,) = findings(job, profile=STUBBORN)
    assert (found.code, found.severity) == ("OTA401", Severity.WARNING)
    assert "1% of such things" in found.message
    only_rejected = (criterion(10, 50, FailureType.REJECTED),)
    assert codes(changed(retry_criteria=(ten,), abort_criteria=only_rejected)) == ["OTA107"]
    # The unremarkable fleet's failures are luck: the second attempt succeeds, and weighs little.
    (luck,) = findings(job)
    assert (luck.code, luck.severity) == ("OTA401", Severity.NOTE)
    assert "if the things that fail did so every time" in luck.message


@pytest.mark.parametrize("profile", [STUBBORN, FleetProfile()], ids=["stubborn", "luck"])
def test_the_chance_with_retries_is_about_that_of_the_forecast(profile: FleetProfile) -> None:
    three = RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=3)
    tight = criterion(5, 50, FailureType.FAILED)
    job = changed(retry_criteria=(three,), abort_criteria=(tight,))
    runs = play(Scenario(job=job, profile=profile, things=1000, image_bytes=IMAGE_BYTES, runs=200))
    aborted = sum(found.aborted_ms is not None for found in runs) / len(runs)
    (found,) = findings(job, profile=profile)
    assert (found.severity is Severity.WARNING) == (aborted > 0.02)


def test_with_room_in_the_threshold_it_is_only_a_note() -> None:
    two = RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=2)
    job = changed(retry_criteria=(two,), abort_criteria=(criterion(20, 50),))
    (found,) = findings(job, profile=STUBBORN)
    assert (found.code, found.severity) == ("OTA401", Severity.NOTE)


def test_silent_things_do_not_take_up_a_retry() -> None:
    again = RetryCriterion(failure_type=FailureType.TIMED_OUT, number_of_retries=1)
    assert "OTA402" in codes(changed(retry_criteria=(again,)))
    loud = FleetProfile(group=(Group(silence_rate=0.0),))
    assert "OTA402" not in codes(changed(retry_criteria=(again,)), profile=loud)


def test_rejections_are_never_retried() -> None:
    picky = FleetProfile(group=(Group(rejection_rate=0.02),))
    every = RetryCriterion(failure_type=FailureType.ALL, number_of_retries=1)
    job = changed(retry_criteria=(every,), abort_criteria=(criterion(30, 50),))
    assert "OTA403" in codes(job, profile=picky)
    assert "OTA403" not in codes(job)


def test_an_address_that_expires_during_the_download() -> None:
    def by_address(seconds: int) -> JobConfiguration:
        role = "arn:aws:iam::123456789012:role/presign"
        return changed(presigned_url=PresignedUrl(role_arn=role, expires_in_seconds=seconds))

    assert codes(by_address(60)) == ["OTA501"]
    assert codes(by_address(3600)) == []


def test_an_image_too_large_for_a_stream_but_not_for_an_address() -> None:
    large = 25_165_825
    assert "OTA502" in codes(changed(in_progress_timeout_minutes=10_000), image_bytes=large)
    assert "OTA502" not in codes(changed(in_progress_timeout_minutes=10_000), image_bytes=large - 1)
    url = PresignedUrl(role_arn="arn:aws:iam::123456789012:role/presign")
    job = changed(presigned_url=url, in_progress_timeout_minutes=10_000)
    assert "OTA502" not in codes(job, image_bytes=large)


SLOW = changed(rollout=Rollout(maximum_per_minute=20))


def test_an_alarm_that_looks_in_time_gives_nothing() -> None:
    assert codes(SLOW, alarms=(alarm(),)) == []


def test_an_alarm_that_sees_it_when_everything_is_notified() -> None:
    late = alarm(period_seconds=600, datapoints_to_alarm=6, evaluation_periods=6)
    assert codes(SLOW, alarms=(late,)) == ["OTA601"]


def test_a_percentile_of_too_few_values() -> None:
    assert codes(SLOW, alarms=(alarm(statistic="p99"),)) == ["OTA602"]
    # p50 of 18 values is only just not enough, p50 of 54 is.
    assert codes(SLOW, alarms=(alarm(statistic="p50"),)) == ["OTA602"]
    assert codes(SLOW, alarms=(alarm(statistic="p50", period_seconds=180),)) == []


def test_few_values_are_called_what_they_are() -> None:
    # 18 of 20 a minute are connected. Of 18 values p99 is the largest; of 90 values p95 is set by
    # five. What is called safe has values enough.
    (largest,) = findings(SLOW, alarms=(alarm(statistic="p99"),))
    assert "the largest value: a single thing sets it off" in largest.message
    assert "Average" in largest.safe
    assert "stat = p" not in largest.safe
    (some,) = findings(SLOW, alarms=(alarm(statistic="p95", period_seconds=300),))
    assert "5 things decide it" in some.message
    assert "stat = p88 or Average" in some.safe
    assert codes(SLOW, alarms=(alarm(statistic="p88", period_seconds=300),)) == []
    (smallest,) = findings(SLOW, alarms=(alarm(statistic="p1", alarm_type=AlarmType.UPPER),))
    assert "the smallest value" in smallest.message


def test_a_new_metric_that_appears_too_late() -> None:
    quick = changed(rollout=Rollout(maximum_per_minute=70))
    prompt = alarm(datapoints_to_alarm=1)
    assert codes(quick, alarms=(prompt,)) == ["OTA603"]
    known = alarm(
        datapoints_to_alarm=1,
        namespace="AWS/IoT",
        metric_name="FailedJobExecutionTotalCount",
        statistic="Maximum",
    )
    assert codes(quick, alarms=(known,)) == []


def test_a_lower_limit_that_healthy_downloads_fall_below() -> None:
    lower = alarm(alarm_type=AlarmType.LOWER, threshold=100)
    assert codes(SLOW, alarms=(lower,)) == ["OTA604"]
    assert codes(SLOW, alarms=(alarm(alarm_type=AlarmType.LOWER, threshold=1),)) == []
    assert codes(SLOW, alarms=(alarm(threshold=1),)) == ["OTA604"]


def test_an_upper_limit_on_a_percentile_is_measured_by_that_percentile() -> None:
    # Half download in 10 seconds, one in twenty takes 50: so the slowest of a minute of 18.
    tight = alarm(statistic="p99", threshold=30, period_seconds=60)
    found = {f.code: f for f in findings(SLOW, alarms=(tight,))}
    assert set(found) == {"OTA602", "OTA604"}
    assert "p99 of its downloads is about 47 seconds" in found["OTA604"].message
    assert codes(SLOW, alarms=(alarm(statistic="p99", threshold=120),)) == ["OTA602"]
    assert codes(SLOW, alarms=(alarm(statistic="Maximum", threshold=30),)) == ["OTA604"]
    low = {"alarm_type": AlarmType.LOWER, "threshold": 5}
    assert codes(SLOW, alarms=(alarm(statistic="Minimum", **low),)) == ["OTA604"]
    assert codes(SLOW, alarms=(alarm(statistic="Average", **low),)) == []


def test_a_slow_group_counts_by_its_share() -> None:
    # One in fifty is slow: the mean knows, the middle does not.
    mixed = FleetProfile(
        group=(
            Group(name="quick", share=49, bandwidth_bytes_per_second=Distribution(constant=1e6)),
            Group(name="slow", share=1, bandwidth_bytes_per_second=Distribution(constant=1e3)),
        )
    )
    job = changed(rollout=Rollout(maximum_per_minute=20), in_progress_timeout_minutes=600)

    def of(statistic: str, threshold: float) -> list[str]:
        watching = alarm(statistic=statistic, threshold=threshold, period_seconds=600)
        return codes(job, profile=mixed, alarms=(watching,))

    assert "OTA604" in of("Average", 10)
    assert "OTA604" not in of("p90", 10)
    assert "OTA604" in of("p99", 10)


def test_a_metric_that_the_monitoring_stack_does_not_publish() -> None:
    (found,) = findings(SLOW, alarms=(alarm(metric_name="downloadtime"),))
    assert (found.code, found.severity) == ("OTA605", Severity.WARNING)
    assert found.safe == "metricName = downloadTime"
    for sample, ours in (("failedCount", "failed"), ("timed_outCount", "timedOut")):
        (found,) = findings(SLOW, alarms=(alarm(metric_name=sample),))
        assert found.safe == f"metricName = {ours}"
    failed = alarm(metric_name="failed", statistic="Sum", threshold=20)
    assert codes(SLOW, alarms=(failed,)) == []
    assert codes(SLOW, alarms=(alarm(namespace="Our:Own", metric_name="downloadtime"),)) == []
    published = {*metrics_generator.METRIC_OF_STATUS.values()}
    published |= {metrics_generator.DOWNLOAD_TIME, metrics_generator.RETRY_COUNT}
    assert published == STACK_METRICS


def test_a_metric_that_the_service_does_not_publish() -> None:
    def of_service(name: str) -> Alarm:
        return alarm(namespace="AWS/IoT", metric_name=name, statistic="Sum")

    assert codes(SLOW, alarms=(of_service("SucceededJobExecutionCount"),)) == ["OTA605"]
    assert codes(SLOW, alarms=(of_service("SuccededJobExecutionCount"),)) == []
    assert codes(SLOW, alarms=(of_service("TimedOutJobExecutionCount"),)) == ["OTA605"]


def test_silence_taken_for_a_fault() -> None:
    breaching = alarm(treat_missing_data=MissingData.BREACHING)
    assert codes(SLOW, alarms=(breaching,)) == ["OTA606"]


def test_a_waived_finding_is_told_and_does_not_count() -> None:
    (found,) = findings(changed(abort_criteria=()), waivers={"OTA104": "a test"})
    assert (found.waived, found.counts) == ("a test", False)


def test_a_waiver_without_its_finding_is_told() -> None:
    assert codes(waivers={"OTA104": "once"}) == ["OTA001"]
    (found,) = findings(waivers={"OTA999": "typo"})
    assert "no finding OTA999" in found.message


def test_every_finding_says_where_why_and_what_would_be_safe() -> None:
    bad = changed(
        abort_criteria=(criterion(90, 1), criterion(10, 5000)),
        rollout=exponential(500, 5.0, 1000, number_of_notified_things=1),
        in_progress_timeout_minutes=None,
        retry_criteria=(RetryCriterion(failure_type=FailureType.ALL, number_of_retries=9),),
        target_selection=TargetSelection.CONTINUOUS,
    )
    found = findings(bad, alarms=(alarm(statistic="p99.9"),))
    assert len(found) > 5
    for finding in found:
        assert finding.code in CODES
        assert all((finding.section, finding.key, finding.message, finding.safe))
        assert finding.page.endswith(finding.code.lower())


def test_a_rollout_of_two_years_is_told_as_such() -> None:
    never = exponential(1, 1.1, 1000, number_of_notified_things=1_000_000)
    (found,) = findings(changed(rollout=never), things=1_000_000)
    assert found.code == "OTA202"
    assert "694 days" in found.message


def test_a_million_things_are_looked_at_in_no_time() -> None:
    slow_start = exponential(1, 1.1, 1000, number_of_notified_things=1000)
    found = findings(changed(rollout=slow_start), things=1_000_000)
    assert isinstance(found, list)

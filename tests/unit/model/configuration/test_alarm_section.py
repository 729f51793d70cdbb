"""[ALARM_CONFIG] and its alarms: what each key becomes and what CloudWatch would refuse."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import ALARM, TOPIC, alarm_ini, configuration_of, dev_ini, found, section

from otactl.model.alarm import Alarm, AlarmType, MissingData, deployed_alarm_name


def alarm_of(**changes: str | None) -> Alarm:
    (alarm,) = configuration_of(alarm_ini(**changes)).alarms
    return alarm


def fault(**changes: str | None) -> list[tuple[str, str, str]]:
    return [(severity, key, code) for severity, _, key, code in found(alarm_ini(**changes))]


def test_an_alarm_carries_all_its_keys():
    assert alarm_of() == Alarm(
        name="Slow",
        namespace="IoT:OTA:JobExecution",
        metric_name="downloadTime",
        statistic="p99",
        period_seconds=60,
        threshold=3600.0,
        alarm_type=AlarmType.UPPER,
        evaluation_periods=5,
        datapoints_to_alarm=3,
        sns_topics=(TOPIC,),
        treat_missing_data=MissingData.NOT_BREACHING,
    )


def test_alarm_list_may_be_empty():
    assert configuration_of(dev_ini(section("ALARM_CONFIG", alarmList=""))).alarms == ()
    assert configuration_of(dev_ini()).alarms == ()


def test_alarm_list_keeps_its_order_and_may_have_blanks_and_lines():
    second = section("ALARM_CONFIG_Fast one", **{**ALARM, "alarmType": "lower"})
    text = alarm_ini().replace("alarmList = Slow", "alarmList = Fast one ,\n  Slow") + second

    assert [alarm.name for alarm in configuration_of(text).alarms] == ["Fast one", "Slow"]


def test_alarm_list_with_an_alarm_that_has_no_section_is_refused():
    text = alarm_ini().replace("alarmList = Slow", "alarmList = Slow, Lost")

    assert found(text) == [("error", "ALARM_CONFIG", "alarmList", "missing-section")]


def test_alarm_list_that_forgets_a_section_is_warned_about():
    text = alarm_ini() + section("ALARM_CONFIG_Forgotten", **ALARM)

    assert found(text) == [("warning", "ALARM_CONFIG_Forgotten", "", "not-listed")]


def test_alarm_sections_without_a_list_are_ignored_as_the_manual_says():
    text = alarm_ini(period="nonsense").replace("alarmList = Slow", "alarmList =")

    assert found(text) == []


@pytest.mark.parametrize("listed", ["Slow, Slow", "a/b", "x" * 184])
def test_alarm_list_refuses_names_that_cannot_be(listed: str):
    text = alarm_ini().replace("alarmList = Slow", f"alarmList = {listed}")

    assert ("error", "ALARM_CONFIG", "alarmList") in [each[:3] for each in found(text)]


def test_the_longest_name_with_the_longest_job_id_fits_cloud_watch():
    assert len(deployed_alarm_name("j" * 64, "x" * 183)) == 255


def test_namespace_decides_the_dimension():
    assert alarm_of().dimension_name == "jobId"
    assert alarm_of(namespace="AWS/IoT").dimension_name == "JobId"
    assert fault(namespace=":x") == [("error", "namespace", "form")]


def test_metric_name_is_printable():
    assert alarm_of(metricName="retryCount").metric_name == "retryCount"
    assert fault(metricName="x" * 256) == [("error", "metricName", "form")]
    assert fault(metricName="größe") == [("error", "metricName", "form")]


@pytest.mark.parametrize("stat", ["SampleCount", "Average", "Sum", "Minimum", "Maximum"])
def test_stat_may_be_a_plain_statistic(stat: str):
    assert alarm_of(stat=stat).is_percentile is False


@pytest.mark.parametrize("stat", ["p0", "p0.0", "p50", "p99.99", "p100", "p100.0"])
def test_stat_may_be_a_percentile(stat: str):
    assert alarm_of(stat=stat).is_percentile is True


@pytest.mark.parametrize(
    "stat", ["average", "p101", "p100.1", "p", "P99", "p-1", "p99.999", "tm90"]
)
def test_stat_refuses_everything_else(stat: str):
    assert fault(stat=stat) == [("error", "stat", "form")]


@pytest.mark.parametrize("period", ["60", "3600", "604800"])
def test_period_is_a_multiple_of_a_minute(period: str):
    assert alarm_of(period=period, evaluationPeriods="1", datapointsToAlarm="1").period_seconds == (
        int(period)
    )


@pytest.mark.parametrize("period", ["10", "20", "30"])
def test_period_below_a_minute_is_warned_about(period: str):
    assert fault(period=period) == [("warning", "period", "high-resolution")]


@pytest.mark.parametrize("period", ["0", "40", "61", "604860", "-60"])
def test_period_refuses_what_cloud_watch_refuses(period: str):
    assert [key for _, key, _ in fault(period=period)] == ["period"]


@pytest.mark.parametrize("threshold", ["0", "-5.5", "3600", "0.001"])
def test_threshold_is_any_decimal_number(threshold: str):
    assert alarm_of(threshold=threshold).threshold == float(threshold)


@pytest.mark.parametrize("threshold", ["nan", "inf", "1e3", "9" * 200, "1,5", "--1"])
def test_threshold_is_nothing_else(threshold: str):
    assert [key for _, key, _ in fault(threshold=threshold)] == ["threshold"]


def test_alarm_type_becomes_the_comparison():
    upper, lower = alarm_of(alarmType="upper"), alarm_of(alarmType="lower")

    assert upper.alarm_type.comparison_operator == "GreaterThanThreshold"
    assert lower.alarm_type.comparison_operator == "LessThanThreshold"
    assert fault(alarmType="Upper") == [("error", "alarmType", "choice")]


@pytest.mark.parametrize(
    ("period", "periods", "fits"),
    [
        ("60", "1440", True),
        ("60", "1441", False),
        ("3540", "24", True),
        ("3540", "25", False),
        ("3600", "168", True),
        ("3600", "169", False),
    ],
)
def test_evaluation_periods_span_a_day_or_for_long_periods_a_week(
    period: str,
    periods: str,
    fits: bool,  # noqa: FBT001  # a case
):
    faults = fault(period=period, evaluationPeriods=periods, datapointsToAlarm="1")

    assert faults == ([] if fits else [("error", "evaluationPeriods", "range")])


def test_datapoints_to_alarm_are_m_out_of_n():
    assert alarm_of(datapointsToAlarm="5").datapoints_to_alarm == 5
    assert alarm_of(datapointsToAlarm=None).datapoints_to_alarm == 5
    assert fault(datapointsToAlarm="6") == [("error", "datapointsToAlarm", "requires")]
    assert fault(datapointsToAlarm="0") == [("error", "datapointsToAlarm", "range")]


def test_sns_topics_are_topics_of_the_region():
    other = "arn:aws:sns:eu-west-1:123456789012:sms-notification"

    assert alarm_of(snsTopics=f"{TOPIC},{TOPIC}2").sns_topics == (TOPIC, f"{TOPIC}2")
    assert fault(snsTopics=other) == [("error", "snsTopics", "region")]
    assert fault(snsTopics="arn:aws:sqs:us-east-1:123456789012:q") == [
        ("error", "snsTopics", "form")
    ]


def test_sns_topics_are_five_at_most():
    topics = [f"{TOPIC}-{number}" for number in range(6)]

    assert len(alarm_of(snsTopics=", ".join(topics[:5])).sns_topics) == 5
    assert fault(snsTopics=", ".join(topics)) == [("error", "snsTopics", "list")]


def test_sns_topics_left_out_are_warned_about():
    assert fault(snsTopics="") == [("warning", "snsTopics", "never")]


def test_treat_missing_data_may_be_chosen():
    assert alarm_of(treatMissingData="breaching").treat_missing_data is MissingData.BREACHING
    assert fault(treatMissingData="notbreaching") == [("error", "treatMissingData", "choice")]

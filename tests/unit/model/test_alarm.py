"""An alarm knows how CloudWatch calls what it says."""

from __future__ import annotations

import dataclasses

import botocore.session
import pytest

from otactl.model.alarm import (
    OWN_NAMESPACE,
    SERVICE_NAMESPACE,
    Alarm,
    AlarmType,
    MissingData,
    Statistic,
    deployed_alarm_name,
)

ALARM = Alarm(
    name="Slow",
    namespace=OWN_NAMESPACE,
    metric_name="downloadTime",
    statistic="p99",
    period_seconds=60,
    threshold=3600.0,
    alarm_type=AlarmType.UPPER,
    evaluation_periods=5,
    datapoints_to_alarm=3,
)


def test_the_words_are_those_of_the_service_model():
    model = botocore.session.get_session().get_service_model("cloudwatch")

    assert {word.value for word in Statistic} == set(model.shape_for("Statistic").enum)
    operators = set(model.shape_for("ComparisonOperator").enum)
    assert {word.comparison_operator for word in AlarmType} < operators


def test_the_threshold_itself_is_still_good():
    assert AlarmType.UPPER.comparison_operator == "GreaterThanThreshold"
    assert AlarmType.LOWER.comparison_operator == "LessThanThreshold"


def test_periods_in_which_no_device_reports_are_not_bad():
    assert ALARM.treat_missing_data is MissingData.NOT_BREACHING


@pytest.mark.parametrize(
    ("statistic", "percentile"), [("p99", True), *((s, False) for s in Statistic)]
)
def test_percentiles_are_told_from_statistics(statistic: str, percentile: bool):  # noqa: FBT001  # a case
    alarm = dataclasses.replace(ALARM, statistic=statistic)

    assert alarm.is_percentile is percentile


def test_the_dimension_is_spelt_as_its_namespace_spells_it():
    service = dataclasses.replace(ALARM, namespace=SERVICE_NAMESPACE)

    assert (ALARM.dimension_name, service.dimension_name) == ("jobId", "JobId")


def test_two_deployments_never_share_an_alarm():
    assert deployed_alarm_name("job-1", "Slow") != deployed_alarm_name("job-2", "Slow")

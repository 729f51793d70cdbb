from __future__ import annotations

from typing import Any

import pytest

from otactl.cloud.job_rule import as_sent_by_devices, document_problem, job_violations

RATE = {
    "baseRatePerMinute": 10,
    "incrementFactor": 2,
    "rateIncreaseCriteria": {"numberOfNotifiedThings": 5},
}
BOTH = {"numberOfNotifiedThings": 5, "numberOfSucceededThings": 5}


def rollout(maximum: int | None = 100, **rate: Any) -> dict[str, Any]:
    return {
        "jobExecutionsRolloutConfig": {"maximumPerMinute": maximum, "exponentialRate": RATE | rate}
    }


@pytest.mark.parametrize(
    ("members", "broken"),
    [
        ({}, False),
        ({"document": None, "documentSource": "s3"}, False),
        ({"document": None, "jobTemplateArn": "arn"}, False),
        ({"document": None}, True),
        ({"documentSource": "s3"}, True),
        ({"jobExecutionsRolloutConfig": {"maximumPerMinute": 1000}}, False),
        ({"jobExecutionsRolloutConfig": {"maximumPerMinute": 1001}}, True),
        (rollout(), False),
        (rollout(maximum=None), True),
        (rollout(baseRatePerMinute=99), False),
        (rollout(baseRatePerMinute=100), True),
        (rollout(rateIncreaseCriteria={"numberOfSucceededThings": 1}), False),
        (rollout(rateIncreaseCriteria=BOTH), True),
        (rollout(rateIncreaseCriteria={}), True),
        ({"abortConfig": {"criteriaList": [{"thresholdPercentage": 0.01}]}}, False),
        ({"abortConfig": {"criteriaList": [{"thresholdPercentage": 0}]}}, True),
        ({"timeoutConfig": {}}, False),
        ({"timeoutConfig": {"inProgressTimeoutInMinutes": 1}}, False),
        ({"timeoutConfig": {"inProgressTimeoutInMinutes": 0}}, True),
        ({"timeoutConfig": {"inProgressTimeoutInMinutes": 10080}}, False),
        ({"timeoutConfig": {"inProgressTimeoutInMinutes": 10081}}, True),
    ],
)  # fmt: skip
def test_a_job_that_breaks_a_rule_is_refused(members: dict[str, Any], *, broken: bool) -> None:
    job = {"document": "{}"} | members

    assert bool(list(job_violations("CreateJob", job))) is broken


@pytest.mark.parametrize(
    ("operation", "members", "broken"),
    [
        ("StartNextPendingJobExecution", {"stepTimeoutInMinutes": 1}, False),
        ("StartNextPendingJobExecution", {"stepTimeoutInMinutes": 0}, True),
        ("StartNextPendingJobExecution", {"stepTimeoutInMinutes": 10080}, False),
        ("StartNextPendingJobExecution", {"stepTimeoutInMinutes": 10081}, True),
        ("StartNextPendingJobExecution", {"stepTimeoutInMinutes": -1}, True),
        ("UpdateJobExecution", {"stepTimeoutInMinutes": -1}, False),
        ("UpdateJobExecution", {"statusDetails": {str(key): "x" for key in range(10)}}, False),
        ("UpdateJobExecution", {"statusDetails": {str(key): "x" for key in range(11)}}, True),
        ("UpdateJobExecution", {"statusDetails": {"k": "x" * 1024}}, False),
        ("UpdateJobExecution", {"statusDetails": {"k": "x" * 1025}}, True),
        ("DescribeJobExecution", {"stepTimeoutInMinutes": 0}, False),
    ],
)  # fmt: skip
def test_a_report_that_breaks_a_rule_is_refused(
    operation: str, members: dict[str, Any], *, broken: bool
) -> None:
    assert bool(list(job_violations(operation, members))) is broken


@pytest.mark.parametrize(
    ("sent", "read"), [("12", 12), (12, 12), ("x", "x"), ("", ""), ("1" * 30, "1" * 30)]
)
def test_an_expected_version_may_be_text_as_the_jobs_library_sends_it(
    sent: object, read: object
) -> None:
    assert as_sent_by_devices({"expectedVersion": sent}) == {"expectedVersion": read}


@pytest.mark.parametrize(("count", "is_refused"), [(10, False), (11, True)])
def test_a_document_has_ten_substitutions_at_most(*, count: int, is_refused: bool) -> None:
    document = str(["${aws:iot:s3-presigned-url:https://s3.amazonaws.com/b/k}"] * count)
    assert (document_problem(document) is not None) is is_refused


@pytest.mark.parametrize(
    "operation", ["StartNextPendingJobExecution", "UpdateJobExecution", "CancelJobExecution"]
)
@pytest.mark.parametrize(("count", "refusals"), [(10, 0), (11, 1)])
def test_ten_pairs_of_status_details_at_most(operation: str, count: int, refusals: int) -> None:
    details = {str(number): "x" for number in range(count)}
    assert len(list(job_violations(operation, {"statusDetails": details}))) == refusals


@pytest.mark.parametrize(
    ("template", "refusals"),
    [
        (None, 1),
        ("arn:aws:iot:us-east-1:123456789012:jobtemplate/mine", 1),
        ("arn:aws:iot:us-east-1::jobtemplate/AWS-Download-File:1.0", 0),
    ],
)
def test_document_parameters_are_for_templates_of_aws(template: str | None, refusals: int) -> None:
    members = {"documentParameters": {"a": "b"}, "jobTemplateArn": template}
    members |= {} if template else {"document": "{}"}
    assert len(list(job_violations("CreateJob", members))) == refusals

"""Which messages stop a job, and that no other does any harm."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.metric_store import check, refusal

from otactl.lambdas.force_stopper import REASON_CODE, ForceStopper
from otactl.model.alarm import SERVICE_NAMESPACE, Alarm, AlarmType
from otactl.model.status import FORCE_STOP_REASON_CODE


class Jobs:
    """CancelJob, as far as the force-stopper can tell.

    Attributes:
        answers: The codes with which the next calls fail, one each.
    """

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    def cancel_job(self, **parameters: Any) -> None:
        check("iot", "CancelJob", parameters)
        self.requests.append(parameters)
        if self.answers:
            raise refusal(self.answers.pop(0), "CancelJob")


class Bench:
    """A force-stopper on jobs in memory."""

    def __init__(self, *answers: str) -> None:
        self.jobs = Jobs(*answers)
        self.log: list[dict[str, Any]] = []

    def handle(self, *messages: Any) -> dict[str, list[str]]:
        records = [
            {"EventSource": "aws:sns", "Sns": {"Message": json.dumps(message)}}
            for message in messages
        ]
        return self.handle_raw({"Records": records})

    def handle_raw(self, event: Any) -> dict[str, list[str]]:
        return ForceStopper(self.jobs, log=self.write).handle(event)

    def write(self, outcome: str, **fields: Any) -> None:
        self.log.append({"outcome": outcome, **fields})


def message(dimensions: Any, **changes: Any) -> dict[str, Any]:
    """What CloudWatch publishes (aws-facts I5)."""
    return {
        "AlarmName": "otactl-job-1-Slow",
        "NewStateValue": "ALARM",
        "NewStateReason": "2 of 5 datapoints were too high",
        "OldStateValue": "OK",
        "Trigger": {"MetricName": "downloadTime", "Dimensions": dimensions},
    } | changes


JOB_1 = [{"name": "jobId", "value": "job-1"}]


@pytest.mark.parametrize(
    "dimensions",
    [JOB_1, [{"Name": "jobId", "Value": "job-1"}], [{"name": "JobId", "value": "job-1"}]],
    ids=["as CloudWatch spells it", "as the API does", "of AWS IoT's own metrics"],
)
def test_an_alarm_on_a_job_cancels_it_with_force_and_says_why(dimensions: Any) -> None:
    bench = Bench()

    assert bench.handle(message(dimensions)) == {"canceled": ["job-1"]}
    assert bench.jobs.requests == [
        {
            "jobId": "job-1",
            "force": True,
            "reasonCode": "OTACTL_FORCE_STOP",
            "comment": "alarm otactl-job-1-Slow went off: 2 of 5 datapoints were too high",
        }
    ]


def test_the_deployment_knows_the_reason_code() -> None:
    assert REASON_CODE == FORCE_STOP_REASON_CODE


@pytest.mark.parametrize("namespace", [SERVICE_NAMESPACE, "IoT:OTA:JobExecution"])
def test_it_knows_the_dimension_of_every_alarm_a_deployment_makes(namespace: str) -> None:
    alarm = Alarm(
        name="a",
        namespace=namespace,
        metric_name="m",
        statistic="p99",
        period_seconds=60,
        threshold=1,
        alarm_type=AlarmType.UPPER,
        evaluation_periods=1,
        datapoints_to_alarm=1,
    )
    bench = Bench()

    bench.handle(message([{"name": alarm.dimension_name, "value": "job-1"}]))

    assert [request["jobId"] for request in bench.jobs.requests] == ["job-1"]


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA", None, "alarm", ["ALARM"]])
def test_an_alarm_that_is_not_in_alarm_stops_nothing(state: Any) -> None:
    bench = Bench()

    assert bench.handle(message(JOB_1, NewStateValue=state)) == {"canceled": []}
    assert bench.jobs.requests == []


@pytest.mark.parametrize(
    "dimensions",
    [
        [],
        None,
        "jobId",
        [{"name": "thing", "value": "job-1"}],
        [{"name": "jobId", "value": ""}],
        [{"name": "jobId", "value": "a/b"}],
        [{"name": "jobId", "value": 7}],
        [{"name": ["jobId"], "value": "job-1"}],
        [*JOB_1, {"name": "jobId", "value": "job-2"}],
        ["jobId"],
    ],
    ids=str,
)
def test_an_alarm_that_does_not_name_one_job_stops_nothing(dimensions: Any) -> None:
    bench = Bench()

    assert bench.handle(message(dimensions)) == {"canceled": []}
    assert bench.jobs.requests == []
    assert bench.log[0]["outcome"] == "nothing to stop"


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        {"Records": None},
        {"Records": [None]},
        {"Records": [{"Sns": {}}]},
        {"Records": [{"Sns": {"Message": "{"}}]},
        {"Records": [{"Sns": {"Message": "[" * 100_000}}]},
        {"Records": [{"Sns": {"Message": {"NewStateValue": "ALARM"}}}]},
    ],
    ids=repr,
)
def test_what_is_no_message_of_an_alarm_stops_nothing(event: Any) -> None:
    assert Bench().handle_raw(event) == {"canceled": []}


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidStateTransitionException"])
def test_a_job_that_is_over_or_gone_is_no_failure(code: str) -> None:
    bench = Bench(code)

    assert bench.handle(message(JOB_1)) == {"canceled": []}
    assert bench.log == [
        {
            "outcome": "not canceled",
            "jobId": "job-1",
            "alarm": "otactl-job-1-Slow",
            "code": code,
        }
    ]


def test_a_comment_that_is_refused_does_not_save_the_job() -> None:
    bench = Bench("InvalidRequestException")

    assert bench.handle(message(JOB_1)) == {"canceled": ["job-1"]}
    assert "comment" in bench.jobs.requests[0]
    assert "comment" not in bench.jobs.requests[1]


def test_a_request_that_is_refused_twice_is_about_a_job_that_is_over() -> None:
    bench = Bench("InvalidRequestException", "InvalidRequestException")

    assert bench.handle(message(JOB_1)) == {"canceled": []}


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_what_may_work_later_fails_the_call_so_that_lambda_tries_again(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        Bench(code).handle(message(JOB_1))


def test_each_message_of_a_delivery_counts() -> None:
    bench = Bench()

    canceled = bench.handle(
        message(JOB_1), message([]), message([{"name": "jobId", "value": "job-2"}])
    )

    assert canceled == {"canceled": ["job-1", "job-2"]}


def test_the_comment_fits_the_service_whatever_the_alarm_says() -> None:
    bench = Bench()

    bench.handle(message(JOB_1, NewStateReason="line\none\u200b\ud800" + "x" * 5000))

    comment = bench.jobs.requests[0]["comment"]
    assert len(comment) == 2028
    assert not any(unicodedata.category(sign).startswith("C") for sign in comment)

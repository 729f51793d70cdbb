"""CloudWatch and DynamoDB in memory, as far as the metrics generator uses them.

Requests are checked against botocore's own service models and the limits of PutMetricData, so a
request that AWS would not take is not taken here.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

_MAX_METRICS, _MAX_VALUES = 1000, 150


@cache
def _shape(service: str, operation: str) -> Any:
    model = botocore.session.get_session().get_service_model(service)
    return model.operation_model(operation).input_shape


def check(service: str, operation: str, parameters: dict[str, Any]) -> None:
    """Fail unless the parameters fit botocore's model of an operation."""
    report = ParamValidator().validate(parameters, _shape(service, operation))
    assert not report.has_errors(), report.generate_report()


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class MetricStore:
    """PutMetricData; keeps how often each value was published.

    Attributes:
        fail_with: The code with which the next calls fail, one each.
        unacceptable: Timestamps no call may have.
    """

    def __init__(self) -> None:
        self.values: Counter[tuple[str, str | None, float]] = Counter()
        self.units: dict[str, str] = {}
        self.timestamps: set[int | None] = set()
        self.calls = 0
        self.fail_with: list[str] = []
        self.unacceptable: frozenset[int] = frozenset()

    def put_metric_data(self, **parameters: Any) -> None:
        self.calls += 1
        check("cloudwatch", "PutMetricData", parameters)
        assert parameters["Namespace"] == "IoT:OTA:JobExecution"
        data = parameters["MetricData"]
        assert 0 < len(data) <= _MAX_METRICS
        if self.fail_with:
            raise refusal(self.fail_with.pop(0), "PutMetricData")
        if any(datum.get("Timestamp") in self.unacceptable for datum in data):
            raise refusal("InvalidParameterValue", "PutMetricData")
        for datum in data:
            self._keep(datum)

    def _keep(self, datum: dict[str, Any]) -> None:
        assert len(datum["Values"]) == len(datum["Counts"]) <= _MAX_VALUES
        jobs = {pair["Name"]: pair["Value"] for pair in datum.get("Dimensions", ())}
        assert set(jobs) <= {"jobId"}
        for value, count in zip(datum["Values"], datum["Counts"], strict=True):
            self.values[datum["MetricName"], jobs.get("jobId"), value] += int(count)
        self.units[datum["MetricName"]] = datum["Unit"]
        self.timestamps.add(datum.get("Timestamp"))


class ClaimTable:
    """PutItem with the condition that claims use, and DeleteItem.

    Attributes:
        items: The claimant by event id.
        is_broken: Whether every call fails.
    """

    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        self.is_broken = False

    def put_item(self, **parameters: Any) -> None:
        check("dynamodb", "PutItem", parameters)
        self._fail("PutItem")
        item = parameters["Item"]
        event_id, claimant = item["eventId"]["S"], item["claimant"]["S"]
        condition = parameters.get("ConditionExpression")
        if condition is not None:
            assert condition == "attribute_not_exists(eventId) OR claimant = :claimant"
            wanted = parameters["ExpressionAttributeValues"][":claimant"]["S"]
            if self.items.get(event_id, wanted) != wanted:
                raise refusal("ConditionalCheckFailedException", "PutItem")
        self.items[event_id] = claimant

    def delete_item(self, **parameters: Any) -> None:
        check("dynamodb", "DeleteItem", parameters)
        self._fail("DeleteItem")
        self.items.pop(parameters["Key"]["eventId"]["S"], None)

    def _fail(self, operation: str) -> None:
        if self.is_broken:
            raise refusal("ProvisionedThroughputExceededException", operation)

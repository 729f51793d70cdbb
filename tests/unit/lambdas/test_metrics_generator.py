"""What becomes of an event, and how often it is counted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.metric_store import ClaimTable, MetricStore

from otactl.lambdas.metrics_generator import (
    BATCH_EVENTS,
    METRIC_OF_STATUS,
    NAMESPACE,
    Claims,
    MetricsGenerator,
)
from otactl.model.alarm import OWN_NAMESPACE
from otactl.model.status import ExecutionStatus

AT = 1_790_000_042
MINUTE = AT // 60 * 60


@dataclass
class Bench:
    """A generator on stores in memory."""

    metrics: MetricStore = field(default_factory=MetricStore)
    table: ClaimTable = field(default_factory=ClaimTable)
    log: list[dict[str, Any]] = field(default_factory=list)

    def handle(self, event: Any, invocation: str = "call-1") -> dict[str, int]:
        """As Lambda does it, in whichever container."""
        claims = Claims(self.table, "claims", now_seconds=lambda: 1e9, log=self.write)
        return MetricsGenerator(self.metrics, claims, log=self.write).handle(event, invocation)

    def write(self, outcome: str, **fields: Any) -> None:
        self.log.append(json.loads(json.dumps({"outcome": outcome, **fields})))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def event(event_id: str = "e-1", **changes: Any) -> dict[str, Any]:
    """What AWS IoT publishes (aws-facts F4)."""
    return {
        "eventType": "JOB_EXECUTION",
        "eventId": event_id,
        "timestamp": AT,
        "operation": "succeeded",
        "jobId": "job-1",
        "thingArn": "arn:aws:iot:us-east-1:123456789012:thing/t",
        "status": "SUCCEEDED",
        "statusDetails": {"downloadTime": "12.5", "retryCount": "3"},
    } | changes


def test_an_event_becomes_a_count_and_what_the_device_measured(bench: Bench) -> None:
    bench.handle(event())

    assert bench.metrics.values == {
        ("succeeded", "job-1", 1): 1,
        ("downloadTime", "job-1", 12.5): 1,
        ("downloadTime", None, 12.5): 1,
        ("retryCount", "job-1", 3): 1,
    }
    assert bench.metrics.units == {
        "succeeded": "Count",
        "downloadTime": "Seconds",
        "retryCount": "Count",
    }
    assert bench.metrics.timestamps == {MINUTE}
    assert bench.metrics.calls == 1


def test_every_final_status_has_a_metric_and_no_other_has() -> None:
    final = {status.value for status in ExecutionStatus if status.is_terminal}

    # DELETED is an event of an execution, not a status it can have (aws-facts F4).
    assert set(METRIC_OF_STATUS) == final | {"DELETED"}


@pytest.mark.parametrize(("status", "metric"), METRIC_OF_STATUS.items())
def test_each_status_is_counted_by_its_name(bench: Bench, status: str, metric: str) -> None:
    bench.handle(event(status=status, statusDetails={}))

    assert bench.metrics.values == {(metric, "job-1", 1): 1}


def test_the_namespace_is_the_one_that_alarms_watch() -> None:
    assert NAMESPACE == OWN_NAMESPACE


def test_details_are_absent_while_they_are_empty(bench: Bench) -> None:
    without = event()
    del without["statusDetails"]

    bench.handle(without)

    assert bench.metrics.values == {("succeeded", "job-1", 1): 1}


def test_an_event_of_another_call_that_was_counted_is_not_counted_again(bench: Bench) -> None:
    first = bench.handle(event(), "call-1")
    second = bench.handle(event(), "call-2")

    assert (first["published"], second["published"], second["duplicates"]) == (1, 0, 1)
    assert bench.metrics.values["succeeded", "job-1", 1] == 1


def test_an_event_that_lambda_brings_again_after_all_went_well_is_not_counted_again(
    bench: Bench,
) -> None:
    bench.handle(event(), "call-1")
    bench.handle(event(), "call-1")

    assert bench.metrics.values["succeeded", "job-1", 1] == 1


def test_a_call_that_was_cut_off_after_its_claim_may_count_when_it_comes_again(
    bench: Bench,
) -> None:
    bench.table.items["e-1"] = "call-1"

    bench.handle(event(), "call-2")
    assert not bench.metrics.values

    bench.handle(event(), "call-1")
    assert bench.metrics.values["succeeded", "job-1", 1] == 1


def test_what_could_not_be_published_is_released_and_fails_the_call(bench: Bench) -> None:
    bench.metrics.fail_with = ["Throttling"]

    with pytest.raises(ClientError, match="Throttling"):
        bench.handle(event(), "call-1")

    assert bench.table.items == {}
    # Whoever sends it again, Lambda or a person out of the failure queue.
    bench.handle(event(), "call-2")
    assert bench.metrics.values["succeeded", "job-1", 1] == 1


def test_without_the_table_events_are_counted_rather_than_lost(bench: Bench) -> None:
    bench.table.is_broken = True

    bench.handle(event())

    assert bench.metrics.values["succeeded", "job-1", 1] == 1
    assert {"outcome": "claim failed", "eventId": "e-1"}.items() <= bench.log[0].items()


def test_a_batch_is_published_together_and_each_event_once(bench: Bench) -> None:
    events = [event(f"e-{number}") for number in range(BATCH_EVENTS)]

    tally = bench.handle([*events, *events])

    assert tally == {"published": 200, "duplicates": 200, "malformed": 0}
    assert bench.metrics.values["succeeded", "job-1", 1] == 200
    assert bench.metrics.calls == 1


def test_a_batch_that_fails_half_way_counts_the_first_half_once(bench: Bench) -> None:
    events = [event(f"e-{number}") for number in range(2 * BATCH_EVENTS)]
    bench.handle(events[:BATCH_EVENTS], "call-1")
    bench.metrics.fail_with = ["InternalFailure"]

    with pytest.raises(ClientError):
        bench.handle(events, "call-1")
    bench.handle(events, "call-1")

    assert bench.metrics.values["succeeded", "job-1", 1] == 2 * BATCH_EVENTS


def test_more_different_values_than_one_datum_takes_are_split(bench: Bench) -> None:
    bench.handle(
        [
            event(f"e-{number}", statusDetails={"downloadTime": f"{number}.25"})
            for number in range(BATCH_EVENTS)
        ]
    )

    seconds = [value for name, job, value in bench.metrics.values if job is None]
    assert sorted(seconds) == [number + 0.25 for number in range(BATCH_EVENTS)]


@pytest.mark.parametrize(
    "envelope",
    [
        lambda one: [one],
        lambda one: {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(one)}]},
        lambda one: {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(one)}}]},
    ],
    ids=["list", "sqs", "sns"],
)
def test_events_are_found_in_what_carries_them(bench: Bench, envelope: Any) -> None:
    bench.handle(envelope(event()))

    assert bench.metrics.values["succeeded", "job-1", 1] == 1


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "text",
        [[]],
        {},
        event(eventId=""),
        event(eventId=7),
        event(eventId="x" * 129),
        event(jobId="a/b"),
        event(jobId=["job"]),
        event(status="IN_PROGRESS"),
        event(status={}),
        {"Records": ["no record"]},
        {"Records": [{"body": "{"}]},
        {"Records": [{"body": "[" * 100_000}]},
    ],
    ids=str,
)
def test_what_is_no_event_is_counted_and_logged_and_breaks_nothing(
    bench: Bench, broken: Any
) -> None:
    tally = bench.handle(broken)

    assert tally["malformed"] == 1
    assert bench.metrics.values == {("malformedEvents", None, 1): 1}
    assert bench.log[0]["outcome"] == "malformed"


@pytest.mark.parametrize(
    ("changes", "unreadable"),
    [
        ({"statusDetails": {"downloadTime": "soon"}}, ["downloadTime"]),
        ({"statusDetails": {"downloadTime": "nan"}}, ["downloadTime"]),
        ({"statusDetails": {"downloadTime": "-1"}}, ["downloadTime"]),
        ({"statusDetails": {"downloadTime": "1e308"}}, ["downloadTime"]),
        ({"statusDetails": {"downloadTime": True}}, ["downloadTime"]),
        ({"statusDetails": {"downloadTime": "9" * 5000}}, ["downloadTime"]),
        ({"statusDetails": {"retryCount": None}}, ["retryCount"]),
        ({"statusDetails": 10**400}, ["statusDetails"]),
        ({"statusDetails": {}, "timestamp": "yesterday"}, ["timestamp"]),
        ({"statusDetails": {}, "timestamp": 10**400}, ["timestamp"]),
    ],
)
def test_an_event_with_an_unreadable_part_counts_for_the_rest(
    bench: Bench, changes: dict[str, Any], unreadable: list[str]
) -> None:
    tally = bench.handle(event(**changes))

    assert tally["published"] == 1
    assert bench.metrics.values == {
        ("succeeded", "job-1", 1): 1,
        ("malformedEvents", None, 1): 1,
    }
    assert bench.log[0]["unreadable"] == unreadable


def test_a_value_that_cloudwatch_never_takes_is_left_out_alone(bench: Bench) -> None:
    long_ago = 60
    bench.metrics.unacceptable = frozenset({long_ago})

    bench.handle([event("e-1"), event("e-2", timestamp=long_ago), event("e-3")])

    assert bench.metrics.values["succeeded", "job-1", 1] == 2
    assert bench.metrics.values["malformedEvents", None, 1] > 0


def test_the_log_has_ids_and_nothing_else_of_an_event(bench: Bench) -> None:
    secret = "a-token-in-the-details"
    bench.handle(
        [event(statusDetails={"token": secret, "downloadTime": secret}), {"eventId": secret}]
    )

    assert secret not in json.dumps(bench.log)

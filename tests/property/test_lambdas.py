"""Hostile events: whatever a device or a stranger sends, the handlers do not fail."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.metric_store import ClaimTable, MetricStore

from otactl.lambdas.force_stopper import ForceStopper
from otactl.lambdas.metrics_generator import Claims, MetricsGenerator

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["SUCCEEDED", "TIMED_OUT", "ALARM", "jobId", "job-1", "1e400", "inf"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
EVENT_MEMBERS = ("eventId", "jobId", "status", "timestamp", "statusDetails", "thingArn")
DETAILS = st.dictionaries(st.sampled_from(["downloadTime", "retryCount", "x"]), JSON)


def like(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Objects with these members, each right, wrong or missing."""
    return st.fixed_dictionaries(
        {}, optional={name: found | JSON for name, found in members.items()}
    )


EVENTS = like(
    {
        "eventId": st.sampled_from(["e-1", "e-2", "e-3"]),
        "jobId": st.sampled_from(["job-1", "job-2"]),
        "status": st.sampled_from(["SUCCEEDED", "FAILED", "DELETED"]),
        "timestamp": st.integers(min_value=0, max_value=2**33),
        "statusDetails": DETAILS,
    }
)
RECORDS = like({"body": EVENTS.map(json.dumps), "Sns": like({"Message": EVENTS.map(json.dumps)})})
CALLS = JSON | EVENTS | st.lists(EVENTS) | st.fixed_dictionaries({"Records": st.lists(RECORDS)})

ALARMS = like(
    {
        "AlarmName": st.just("a"),
        "NewStateValue": st.just("ALARM"),
        "NewStateReason": st.text(),
        "Trigger": like(
            {
                "Dimensions": st.lists(
                    like(
                        {
                            "name": st.sampled_from(["jobId", "JobId"]),
                            "value": st.text(max_size=5),
                        }
                    )
                )
            }
        ),
    }
)
NOTICES = like({"Sns": like({"Message": ALARMS.map(json.dumps)})})


class AnyJob:
    """Cancels every job."""

    def __init__(self) -> None:
        self.comments: list[str] = []

    def cancel_job(self, **parameters: Any) -> None:
        self.comments.append(parameters["comment"])


def write(outcome: str, **fields: Any) -> None:
    json.dumps({"outcome": outcome, **fields})


@given(calls=st.lists(CALLS, max_size=3))
def test_the_metrics_generator_takes_anything_and_counts_every_event_once(
    calls: list[Any],
) -> None:
    metrics, table = MetricStore(), ClaimTable()
    claims = Claims(table, "claims", now_seconds=lambda: 0.0, log=write)
    generator = MetricsGenerator(metrics, claims, log=write)

    tallies = [generator.handle(call, f"call-{number}") for number, call in enumerate(calls)]

    counted = sum(
        count
        for (name, job, _), count in metrics.values.items()
        if job is not None and name not in ("downloadTime", "retryCount")
    )
    assert counted == sum(tally["published"] for tally in tallies) == len(table.items)


@given(call=JSON | st.fixed_dictionaries({"Records": st.lists(NOTICES | JSON, max_size=3)}))
def test_the_force_stopper_takes_anything(call: Any) -> None:
    jobs = AnyJob()

    ForceStopper(jobs, log=write).handle(call)

    assert all(0 < len(comment) <= 2028 for comment in jobs.comments)

"""The forecast's arrays against the same job played out event by event."""

from itertools import pairwise

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.property.reference_job import ReferenceJob
from tests.support.listed_fleet import Act, ListedFleet
from tests.support.timeline import timeline

from otactl.forecast.abort_finder import Abort
from otactl.forecast.run import Pace, run
from otactl.forecast.run_result import RunResult, run_result
from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    JobConfiguration,
    RateIncreaseCriteria,
    RetryCriterion,
    Rollout,
)
from otactl.model.status import ExecutionStatus, FailureType
from otactl.rules.abort import EXECUTED

S = ExecutionStatus
HORIZON_MINUTES = 2_000

# Steps of ten seconds: ends, starts, batches and deadlines then often fall on the same instant.
acts = st.builds(
    Act,
    starts_after_ms=st.integers(-1, 9).map(lambda tens: None if tens < 0 else tens * 10_000),
    reports_after_ms=st.integers(0, 13).map(lambda tens: tens * 10_000 or None),
    status=st.sampled_from([S.SUCCEEDED, S.SUCCEEDED, S.FAILED, S.REJECTED]),
    breaks_after_ms=st.one_of(st.none(), st.integers(1, 500_000)),
)
kinds = st.lists(st.lists(acts, min_size=1, max_size=3), min_size=1, max_size=6)


@st.composite
def fleets_of(draw: st.DrawFn) -> list[list[Act]]:
    """Up to eighty things of a few kinds, so that large fleets are drawn as readily as small."""
    kind = draw(kinds)
    size = draw(st.integers(1, 80))
    return [
        kind[index]
        for index in draw(st.lists(st.integers(0, len(kind) - 1), min_size=size, max_size=size))
    ]


fleets = fleets_of()
steps = st.integers(1, 12)
criteria = st.one_of(
    st.builds(RateIncreaseCriteria, number_of_notified_things=steps),
    st.builds(RateIncreaseCriteria, number_of_succeeded_things=steps),
)
rates = st.builds(
    ExponentialRate,
    base_rate_per_minute=st.integers(1, 5),
    increment_factor=st.sampled_from([1.1, 1.5, 2.0, 5.0]),
    rate_increase_criteria=criteria,
)
aborts = st.lists(
    st.builds(
        AbortCriterion,
        failure_type=st.sampled_from(FailureType),
        threshold_percentage=st.sampled_from([5.0, 20.0, 33.33, 50.0, 100.0]),
        min_number_of_executed_things=st.integers(1, 20),
    ),
    max_size=3,
).map(tuple)
retries = st.one_of(
    st.just(()),
    st.builds(
        RetryCriterion, failure_type=st.just(FailureType.ALL), number_of_retries=st.integers(0, 3)
    ).map(lambda one: (one,)),
    st.builds(
        RetryCriterion, failure_type=st.just(FailureType.FAILED), number_of_retries=steps
    ).map(lambda one: (one,)),
)
jobs = st.builds(
    JobConfiguration,
    rollout=st.none()
    | st.builds(Rollout, maximum_per_minute=st.integers(1, 20), exponential_rate=st.none() | rates),
    abort_criteria=aborts,
    in_progress_timeout_minutes=st.none() | st.integers(1, 2),
    retry_criteria=retries,
)


rising_jobs = st.builds(
    JobConfiguration,
    rollout=st.builds(
        Rollout,
        maximum_per_minute=st.just(50),
        exponential_rate=st.builds(
            ExponentialRate,
            base_rate_per_minute=st.integers(1, 3),
            increment_factor=st.sampled_from([1.5, 2.0, 3.0]),
            rate_increase_criteria=st.builds(
                RateIncreaseCriteria, number_of_succeeded_things=st.integers(1, 5)
            ),
        ),
    ),
    retry_criteria=retries,
    in_progress_timeout_minutes=st.none() | st.integers(1, 2),
)


@settings(max_examples=300, deadline=None)
@given(jobs, fleets, st.sampled_from([1, 7, 1000]))
def test_the_arrays_agree_with_the_job_played_event_by_event(
    job: JobConfiguration, fleet: list[list[Act]], chunk: int
) -> None:
    assert_agree(job, fleet, chunk)


@settings(max_examples=150, deadline=None)
@given(rising_jobs, fleets, st.sampled_from([1, 7, 1000]))
def test_they_agree_while_successes_raise_the_rate(
    job: JobConfiguration, fleet: list[list[Act]], chunk: int
) -> None:
    assert_agree(job, fleet, chunk)


def assert_agree(job: JobConfiguration, fleet: list[list[Act]], chunk: int) -> None:
    expected = ReferenceJob(job, fleet).play()

    one_run = run(
        ListedFleet(fleet),
        job,
        Pace(job.rollout, len(fleet), chunk),
        np.arange(HORIZON_MINUTES + 1),
    )
    found = run_result(
        one_run, things=len(fleet), image_bytes=1000, horizon_minutes=HORIZON_MINUTES
    )

    event(f"aborted: {found.aborted_ms is not None}")
    assert found.aborted_ms == expected.aborted_ms
    if found.criterion is not None:
        assert job.abort_criteria[found.criterion] == expected.criterion
        assert found.executed_at_abort == sum(expected.counts_at_abort[s] for s in EXECUTED)
    assert batches_of(found) == expected.batches
    assert found.notified == expected.notified
    assert {s: n for s, n in found.executions.items() if n} == expected.counts()
    for status, count in found.by_status.items():
        assert count == sum(expected.last_status(t) is status for t in range(len(fleet)))
    assert found.bricked == expected.bricked()
    happened = [
        (e.at_ms, e.kind.name, e.thing, e.attempt, e.status)
        for e in timeline(one_run, horizon_minutes=HORIZON_MINUTES)
    ]
    assert sorted(happened) == sorted(expected.log)


def batches_of(found: RunResult) -> list[int]:
    """How many things were notified in each minute, up to the last that notified any."""
    so_far = [0, *map(int, found.curves.notified)]
    per_minute = [after - before for before, after in pairwise(so_far)]
    while per_minute and not per_minute[-1]:
        per_minute.pop()
    return per_minute


@settings(max_examples=100, deadline=None)
@given(jobs, fleets)
def test_what_holds_for_every_run(job: JobConfiguration, fleet: list[list[Act]]) -> None:
    pace = Pace(job.rollout, len(fleet))
    one_run = run(ListedFleet(fleet), job, pace, np.arange(HORIZON_MINUTES + 1))
    found = run_result(
        one_run, things=len(fleet), image_bytes=1000, horizon_minutes=HORIZON_MINUTES
    )

    assert sum(found.by_status.values()) == found.notified <= found.things
    assert sum(found.executions.values()) >= found.notified
    limit = job.rollout.maximum_per_minute if job.rollout else 1000
    assert all(0 <= batch <= limit for batch in batches_of(found))
    ended = found.curves.succeeded + found.curves.unsuccessful
    assert (ended <= found.curves.notified).all()
    assert isinstance(one_run.abort, Abort | None)

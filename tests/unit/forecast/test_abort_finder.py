"""The moment a criterion is met, told from counts and from the order within one minute."""

from __future__ import annotations

import numpy as np
from tests.support.forecasting import criterion

from otactl.forecast.abort_finder import AbortFinder, ends_by_minute
from otactl.forecast.attempts import NEVER, Attempts, Executions
from otactl.model.job_configuration import AbortCriterion
from otactl.model.status import FailureType

SUCCEEDED, FAILED, REJECTED, TIMED_OUT = range(4)


def ended(*ends: tuple[int, int], first_thing: int = 0) -> Executions:
    """Executions that end at these milliseconds with these codes, one per thing."""
    at_ms = np.array([when for when, _ in ends], dtype=np.int64)
    codes = np.array([code for _, code in ends], dtype=np.int8)
    count = len(ends)
    zeros = np.zeros(count, dtype=np.int64)
    return Executions(
        attempts=Attempts(
            thing=np.arange(first_thing, first_thing + count),
            group=np.zeros(count, dtype=np.int8),
            queued_ms=zeros,
            started_ms=zeros,
            reports_after_ms=at_ms,
            reported=codes,
            download_ms=zeros,
            breaks_after_ms=np.full(count, NEVER),
            gone=np.zeros(count, dtype=np.bool_),
            unproven=np.zeros(count, dtype=np.bool_),
        ),
        attempt=np.ones(count, dtype=np.int8),
        ended_ms=at_ms,
        status=codes,
        retried=np.zeros(count, dtype=np.bool_),
        retry_starts_ms=np.full(count, NEVER),
    )


def abort_finder(*criteria: AbortCriterion, minutes: int = 100) -> AbortFinder:
    return AbortFinder(criteria, minutes)


def test_the_order_within_a_minute_decides() -> None:
    half = criterion(50, 2)
    early, late = abort_finder(half), abort_finder(half)
    early.add(ended((10, FAILED), (20, SUCCEEDED), (30, SUCCEEDED)))
    late.add(ended((10, SUCCEEDED), (20, SUCCEEDED), (30, FAILED)))
    found = early.abort_before()
    assert found is not None
    assert (found.at_ms, found.executed, found.failed) == (20, 2, 1)
    assert late.abort_before() is None


def test_ends_of_several_stretches_are_one_sequence() -> None:
    book = abort_finder(criterion(50, 4))
    book.add(ended((50, SUCCEEDED), (10, FAILED)))
    book.add(ended((30, FAILED), (20, SUCCEEDED), first_thing=2))
    found = book.abort_before()
    assert found is not None
    assert (found.at_ms, found.executed) == (50, 4)


def test_of_two_criteria_met_by_the_same_end_the_first_of_the_list_is_named() -> None:
    rejected = criterion(50, 1, FailureType.REJECTED)
    every = criterion(10, 1)
    for criteria in ([rejected, every], [every, rejected]):
        book = abort_finder(*criteria)
        book.add(ended((10, REJECTED)))
        found = book.abort_before()
        assert found is not None
        assert found.criterion == 0


def test_a_criterion_that_is_met_sooner_wins_whatever_its_place() -> None:
    book = abort_finder(criterion(60, 3), criterion(10, 1, FailureType.TIMED_OUT))
    book.add(ended((10, TIMED_OUT), (20, FAILED), (30, FAILED)))
    found = book.abort_before()
    assert found is not None
    assert (found.criterion, found.at_ms) == (1, 10)


def test_each_minute_is_looked_at_once_and_counts_go_on() -> None:
    book = abort_finder(criterion(50, 3))
    book.add(ended((10, FAILED), (20, SUCCEEDED), (70_000, FAILED), (130_000, FAILED)))
    assert book.abort_before(1) is None
    found = book.abort_before(2)
    assert found is not None
    assert (found.at_ms, found.failed) == (70_000, 2)


def test_what_does_not_end_or_ends_behind_the_horizon_is_not_counted() -> None:
    book = abort_finder(criterion(1, 1), minutes=2)
    book.add(ended((NEVER, 5), (NEVER, 6), (120_000, FAILED)))
    assert book.abort_before() is None
    assert ends_by_minute(book.parts[0], 2).sum() == 0


def test_successes_before_a_minute_are_those_that_ended_before_it_began() -> None:
    book = abort_finder()
    book.add(ended((59_999, SUCCEEDED), (60_000, SUCCEEDED), (61_000, FAILED)))
    assert book.succeeded_before(1) == 1
    assert book.succeeded_before(2) == 2
    assert book.successes_by_minute(0, 3).tolist() == [1, 1, 0]

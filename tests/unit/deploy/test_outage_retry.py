"""Spans of time: how long AWS may be out of reach, and how long a round may take."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.wrong_clock import WrongClock
from tests.unit.deploy.test_executor import DEPLOYMENT, a_plan

from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Outcome, Phase
from otactl.deploy.observer import Observer
from otactl.errors import AwsUnreachable, DeadlinePassed, Interrupted
from otactl.model.status import JobStatus
from otactl.rules.backoff import Retry

OUTAGE = AwsUnreachable("iot", "ConnectTimeoutError", "no route")
HOUR_MS = 3_600_000


@pytest.fixture
def journal(tmp_path):
    journals = []

    def build(plan=None) -> Journal:
        path = tmp_path / f"{DEPLOYMENT}.sqlite"
        if plan is None:
            journals[-1].close()
        journals.append(
            Journal.open(path) if plan is None else Journal.create(path, plan, now_ms=0, about={})
        )
        return journals[-1]

    yield build
    for each in journals:
        each.close()


def an_executor(journal, services, observer=None):
    return Executor(journal, services, observer or Observer(), dict)


def outage_retry(clock, on_pause=lambda *_: None):
    return Retry(clock.sleep, on_pause, monotonic_ms=clock.monotonic_ms)


@pytest.mark.parametrize("worked_ms", [0, HOUR_MS])
def test_patience_counts_from_the_first_failure_not_from_the_start(aws, worked_ms):
    failures = iter([True, True, True, False])

    def act():
        aws.clock.span_ms += worked_ms if not pauses else 0
        if next(failures):
            raise OUTAGE
        return "done"

    pauses = []
    retry = outage_retry(aws.clock, lambda _, seconds: pauses.append(seconds))

    assert retry.until_done(act) == "done"
    assert pauses == [1, 2, 4]


def test_patience_ends_fifteen_minutes_after_the_first_failure(aws):
    def act():
        raise OUTAGE

    with pytest.raises(AwsUnreachable):
        outage_retry(aws.clock).until_done(act)

    assert 840_000 <= aws.clock.span_ms <= 900_000


def test_an_answer_ends_an_outage_and_the_next_one_has_all_patience(aws):
    retry = outage_retry(aws.clock)
    failures = iter([True, True, False])

    def act():
        aws.clock.span_ms += 800_000
        retry.answered()
        if next(failures):
            raise OUTAGE
        return "done"

    assert retry.until_done(act) == "done"


class Outcomes:
    """Jobs whose first listing of executions is met by an outage of three seconds."""

    def __init__(self, jobs, clock):
        self._jobs, self._clock = jobs, clock
        self._away_until_ms = None

    def __getattr__(self, name):
        return getattr(self._jobs, name)

    def executions(self, job_id, status=None):
        if self._away_until_ms is None:
            self._away_until_ms = self._clock.span_ms + 3000
        if self._clock.span_ms < self._away_until_ms:
            raise OUTAGE
        return self._jobs.executions(job_id, status)


def test_a_short_outage_after_a_long_rollout_costs_no_result(aws, journal):
    aws.jobs.takes_ms = 2 * HOUR_MS
    services = replace(aws.services, jobs=Outcomes(aws.jobs, aws.clock))
    executor = an_executor(
        journal(a_plan()), replace(services, watch=replace(services.watch, poll_seconds=300))
    )

    result = executor.run()

    assert executor.failure is None
    assert result.is_success
    assert aws.jobs.deleted_unfinished == []
    assert aws.is_empty


class SetsTheClock(Observer):
    """Sets the wall clock while the third look at the job is shown."""

    def __init__(self, clock, hours):
        self._clock, self._hours, self._polls = clock, hours, 0

    def on_snapshot(self, round_number, snapshot):
        self._polls += 1
        if self._polls == 3:
            self._clock.ms += self._hours * HOUR_MS


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_is_set_moves_no_deadline(aws, journal, hours):
    aws.jobs.status = JobStatus.IN_PROGRESS
    executor = an_executor(
        journal(a_plan(max_wait_seconds=600)), aws.services, SetsTheClock(aws.clock, hours)
    )

    executor.run()

    assert isinstance(executor.failure, DeadlinePassed)
    assert aws.clock.span_ms == 600_000


class StopsAfter(Observer):
    def __init__(self, clock, polls):
        self._clock, self._left = clock, polls

    def on_snapshot(self, round_number, snapshot):
        self._left -= 1
        self._clock.stop = self._left <= 0


def test_max_wait_counts_on_when_a_deployment_is_resumed(aws, journal):
    aws.jobs.status = JobStatus.IN_PROGRESS
    first = journal(a_plan(max_wait_seconds=600))
    executor = an_executor(first, aws.services, StopsAfter(aws.clock, 400))
    executor.run()
    assert isinstance(executor.failure, Interrupted)
    before_ms = aws.clock.span_ms
    aws.clock.stop = False

    resumed = an_executor(journal(), aws.services)
    resumed.run()

    assert isinstance(resumed.failure, DeadlinePassed)
    assert aws.clock.span_ms - before_ms == 600_000 - before_ms


def test_the_outcome_is_what_was_recorded(aws, journal):
    kept = journal(a_plan())
    an_executor(kept, aws.services).run()

    assert kept.phase is Phase.FINISHED
    assert kept.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("hours", [-1, 1])
def test_how_long_a_job_took_is_told_by_the_clock_that_dated_its_creation(aws, journal, hours):
    aws.jobs.takes_ms = 600_000
    services = replace(
        aws.services,
        clock=WrongClock(aws.clock, hours * HOUR_MS),
        aws_time_ms=aws.clock.now_ms,
    )

    (round_result,) = an_executor(journal(a_plan()), services).run().rounds

    assert round_result.duration_seconds == 600

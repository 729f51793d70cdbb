"""Success is counted against the things named, and what is in progress is waited for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import pytest
from tests.unit.deploy.test_executor import THINGS, a_plan

from otactl.deploy.observer import Moment, Observer
from otactl.deploy.step import AddThings, AwaitJob, CreateThingGroup
from otactl.errors import DeploymentFailed, JobAborted
from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus, JobStatus

GROUP = "arn:aws:iot:eu-central-1:123456789012:thinggroup/site"


@dataclass
class Notes(Observer):
    reported: list[str] = field(default_factory=list)

    def on_note(self, message: str) -> None:
        self.reported.append(message)


def naming(executor, arns=THINGS):
    executor._journal.enter_targets(arns)
    return executor


def with_await(plan, **changes):
    rounds = tuple(
        tuple(
            step.model_copy(update=changes) if isinstance(step, AwaitJob) else step
            for step in steps
        )
        for steps in plan.rounds
    )
    return plan.model_copy(update={"rounds": rounds})


def test_a_thing_without_an_execution_fails_the_deployment_and_is_named(execute):
    # One was deleted while QUEUED: its execution went with it, and AWS says COMPLETED.
    named = [*THINGS, "arn:aws:iot:eu-central-1:123456789012:thing/gone-x"]

    executor = naming(execute(a_plan()), named)
    result = executor.run()

    (only,) = result.rounds
    assert not result.is_success
    assert (only.not_reached, only.not_reached_things) == (1, ("gone-x",))
    assert isinstance(executor.failure, DeploymentFailed)
    assert "1 of 4 things did not get the job: gone-x" in str(executor.failure)
    assert executor.failure.exit_code == 1
    assert result.to_fields()["rounds"][0]["notReachedThings"] == ["gone-x"]


def test_the_members_a_group_had_when_the_job_was_made_are_named(aws, execute):
    plan = a_plan(things=[GROUP])
    aws.registry.groups["site"] = ("", ["t0", "late"])
    # The job's own list, made a moment later, does not have one of them.
    aws.jobs._things = lambda _request: {"t0": ExecutionStatus.SUCCEEDED}

    result = naming(execute(plan), []).run()

    assert result.rounds[0].not_reached_things == ("late",)


class Killed(BaseException):
    """The process is gone: nothing catches this."""


@pytest.mark.parametrize("moment", [Moment.BEGUN, Moment.AFTER_DO])
def test_who_joined_or_left_a_group_while_no_process_ran_is_not_missed(aws, execute, moment):
    plan = a_plan(things=[GROUP])
    aws.registry.groups["site"] = ("", ["t0", "t1"])
    got = []

    class Killer(Observer):
        def on_step(self, seen):
            if seen.step.key == "round-1/job" and seen.moment is moment:
                raise Killed

    def created(create, request):
        create(request)
        got[:] = aws.registry.groups["site"][1]

    aws.jobs.create = partial(created, aws.jobs.create)
    aws.jobs._things = lambda _request: dict.fromkeys(got, ExecutionStatus.SUCCEEDED)
    first = naming(execute(plan, Killer()), [])
    if moment is Moment.BEGUN:
        # Killed after the members were noted, before the job was made.
        first._journal.enter_members(1, ["t0", "t1"])
    with pytest.raises(Killed):
        first.run()
    first._journal.close()
    aws.registry.groups["site"] = ("", ["t1", "t2"])

    second = execute()
    result = second.run()

    assert second.failure is None
    assert result.is_success
    assert len(aws.jobs.created) == 1


def test_a_group_of_our_own_is_waited_for_until_it_is_complete(aws, execute):
    plan = a_plan()
    setup = (CreateThingGroup(group_name="g"), AddThings(group_name="g", things=3, concurrency=1))
    polls = []

    def slowly(group_name):
        polls.append(group_name)
        names = aws.registry.groups[group_name][1]
        yield from names[: len(polls)]

    aws.registry.things_in_group = slowly

    executor = naming(execute(plan.model_copy(update={"setup": setup})))
    result = executor.run()

    assert result.is_success
    assert len(polls) == 3


def test_a_group_that_stays_incomplete_is_refused_and_the_missing_are_named(aws, execute):
    plan = a_plan()
    setup = (CreateThingGroup(group_name="g"), AddThings(group_name="g", things=3, concurrency=1))
    aws.registry.things_in_group = lambda _group: iter(["t0", "t2"])

    executor = naming(execute(plan.model_copy(update={"setup": setup})))
    executor.run()

    assert "1 of 3 things do not show" in str(executor.failure)
    assert "t1" in str(executor.failure)
    assert aws.jobs.created == []
    assert aws.is_empty
    assert 300_000 <= aws.clock.span_ms < 400_000


@dataclass
class Abort:
    """A job that was aborted while ``t1`` was in progress, until ``ends_at_ms``."""

    aws: object
    ends_at_ms: int

    def things(self, _request):
        busy = self.aws.clock.now_ms() < self.ends_at_ms
        return {
            "t0": ExecutionStatus.FAILED,
            "t1": ExecutionStatus.IN_PROGRESS if busy else ExecutionStatus.SUCCEEDED,
            "t2": ExecutionStatus.CANCELED,
        }


def aborted(aws, *, ends_in_seconds):
    aws.jobs.status, aws.jobs.reason_code = JobStatus.CANCELED, "ABORT_CANCEL"
    aws.jobs._things = Abort(aws, aws.clock.now_ms() + 1000 * ends_in_seconds).things


def test_an_abort_waits_for_what_is_in_the_middle_of_the_update(aws, execute):
    aborted(aws, ends_in_seconds=200)
    notes = Notes()

    executor = naming(execute(with_await(a_plan(), abort_wait_seconds=600.0), notes))
    result = executor.run()

    assert isinstance(executor.failure, JobAborted)
    assert result.rounds[0].counts[ExecutionStatus.SUCCEEDED] == 1
    assert result.rounds[0].unknown == ()
    assert aws.jobs.deleted_unfinished == []
    assert aws.jobs.jobs == {}
    assert any("1 things are in the middle" in note for note in notes.reported)


def test_what_has_not_ended_by_then_is_unknown_and_keeps_the_job(aws, execute):
    aborted(aws, ends_in_seconds=10_000)

    executor = naming(execute(with_await(a_plan(), abort_wait_seconds=600.0)))
    result = executor.run()

    assert [one.thing_name for one in result.rounds[0].unknown] == ["t1"]
    failures = {one["thing"]: one for one in result.to_fields()["rounds"][0]["failures"]}
    assert failures["t1"]["status"] == "UNKNOWN"
    assert "what it runs is not known" in failures["t1"]["reason"]
    assert failures["t0"]["status"] == "FAILED"
    assert list(aws.jobs.jobs) == ["job"]
    assert aws.jobs.deleted_unfinished == []


def test_the_wait_is_not_begun_anew_on_resume(aws, execute):
    aborted(aws, ends_in_seconds=10_000)
    plan = with_await(a_plan(), abort_wait_seconds=600.0)
    first = naming(execute(plan))
    aws.clock.sleep = stopping_after(aws.clock, 400)
    first.run()
    del aws.clock.sleep
    aws.clock.stop = False
    first._journal.close()
    waited_ms = aws.clock.span_ms

    execute().run()

    assert 195_000 <= aws.clock.span_ms - waited_ms <= 215_000


def stopping_after(clock, seconds):
    sleep, until_ms = type(clock).sleep, clock.span_ms + 1000 * seconds

    def sleep_until_stopped(pause):
        clock.stop = clock.span_ms >= until_ms
        sleep(clock, pause)

    return sleep_until_stopped


def test_a_thing_cancelled_by_force_at_work_is_unknown_and_its_step_is_told():
    outcome = ThingOutcome(
        thing_name="t",
        status=ExecutionStatus.CANCELED,
        started_at_ms=1,
        status_details={"step": "installing"},
    )
    never_began = ThingOutcome(thing_name="u", status=ExecutionStatus.CANCELED)

    assert outcome.was_installing
    assert not never_began.was_installing

"""A job that is deleted before anybody sees its end: told by what its deployment wrote down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.job_world import JobWorld, Screen

from otactl.errors import AwsUnreachable
from otactl.model.outcome import DownloadSeconds, RoundResult, ThingOutcome
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.watch import Watch
from otactl.monitor.watch_policy import WatchPolicy

S = ExecutionStatus
NAMES = [f"thing-{number}" for number in range(10)]


def written(*, executions=None, duration_seconds=12.0):
    """What a deployment wrote: nine succeeded, one failed in its second attempt."""
    outcomes = [
        ThingOutcome(
            thing_name=name, status=S.SUCCEEDED, status_details={"downloadTime": str(number)}
        )
        for number, name in enumerate(NAMES[1:], start=1)
    ]
    outcomes += [
        ThingOutcome(
            thing_name=NAMES[0],
            status=S.FAILED,
            execution_number=number,
            status_details={"reason": "flash full"},
        )
        for number in (1, 2)
    ]
    return RoundResult(
        round=1,
        status="COMPLETED",
        counts={S.SUCCEEDED: 9, S.FAILED: 1},
        duration_seconds=duration_seconds,
        download_seconds=DownloadSeconds(),
        outcomes=tuple(outcomes if executions is None else executions),
    )


def watched(world, *, is_over=lambda _, snapshot: snapshot.gone, details=250, **options):
    policy = WatchPolicy(details=details)
    watcher, screen = JobWatcher("job", world, world, policy), Screen()
    watch = Watch(
        [watcher],
        world,
        world,
        policy,
        on_snapshot=screen,
        is_over=is_over,
        max_unreachable_seconds=None,
        **options,
    )
    watch.run()
    return watcher, screen.last


def a_job_deleted_between_two_looks():
    world = JobWorld()
    world.create(things=NAMES)
    world.start(*NAMES)
    world.at(12, world.delete)
    return world


def test_the_end_that_nobody_saw_is_taken_from_what_was_written():
    asked = []

    def recorded_result(job_id):
        asked.append(job_id)
        return written()

    watcher, last = watched(a_job_deleted_between_two_looks(), recorded_result=recorded_result)

    assert asked == ["job"]
    assert last.gone
    assert last.job.status is JobStatus.COMPLETED
    # Executions, as AWS counts them: the attempt that was tried again is one of its own.
    assert {status: last.job.counts[status] for status in S if last.job.counts[status]} == {
        S.SUCCEEDED: 9,
        S.FAILED: 2,
    }
    assert last.job.completed_at_ms == last.job.created_at_ms + 12_000
    assert [(group.reason, group.count) for group in last.failures] == [("flash full", 1)]
    assert last.download_seconds.count == 9
    assert watcher.progress.points[-1][0] == last.job.completed_at_ms
    assert last.eta is None


def test_counts_are_those_of_things_where_not_every_execution_was_kept():
    few = written().outcomes[:2]

    _, last = watched(
        a_job_deleted_between_two_looks(), recorded_result=lambda _: written(executions=few)
    )

    assert last.job.counts[S.SUCCEEDED] == 9
    assert last.job.counts[S.FAILED] == 1


def test_a_job_that_nobody_wrote_about_stays_as_it_was_last_seen():
    _, last = watched(a_job_deleted_between_two_looks(), recorded_result=lambda _: None)

    assert last.gone
    assert last.job.status is JobStatus.IN_PROGRESS
    assert last.job.counts[S.IN_PROGRESS] == 10


def test_a_job_that_was_closed_because_everything_had_ended_is_shown_as_completed():
    settled = replace(written(), status="SETTLED")

    _, last = watched(a_job_deleted_between_two_looks(), recorded_result=lambda _: settled)

    assert last.job.status is JobStatus.COMPLETED


def test_a_status_that_is_none_of_a_job_is_not_taken_for_one():
    result = written()
    reported = RoundResult(
        round=1,
        status="deleted by somebody else",
        counts=result.counts,
        duration_seconds=1,
        download_seconds=DownloadSeconds(),
    )

    _, last = watched(a_job_deleted_between_two_looks(), recorded_result=lambda _: reported)

    assert last.job.status is JobStatus.IN_PROGRESS
    assert last.job.counts[S.SUCCEEDED] == 9


def test_the_watch_ends_with_the_cloud_of_a_rehearsal():
    """Without it the watch would knock for ever where nobody will ever answer again."""
    world = JobWorld()
    world.create(things=NAMES)
    unreachable = AwsUnreachable("iot:DescribeJob", "ConnectionRefused", "nobody there")
    world.at(12, lambda: setattr(world, "refusal", unreachable))

    _, last = watched(
        world, recorded_result=lambda _: written(), is_endpoint_gone=lambda: world.refusal
    )

    assert last.gone
    assert last.note == ""
    assert last.job.status is JobStatus.COMPLETED
    assert last.job.counts[S.SUCCEEDED] == 9


def test_a_network_that_is_only_away_is_waited_for():
    world = JobWorld()
    world.create(things=NAMES)
    unreachable = AwsUnreachable("iot:DescribeJob", "ConnectionRefused", "nobody there")
    world.at(12, lambda: setattr(world, "refusal", unreachable))
    world.at(60, lambda: setattr(world, "refusal", None))
    world.at(90, world.delete)

    _, last = watched(world, recorded_result=lambda _: None)

    assert last.at_ms >= last.job.created_at_ms + 90_000


@pytest.mark.parametrize("over", [True, False])
def test_a_job_that_is_deleted_bit_by_bit_keeps_what_it_came_to(over):
    world = a_job_deleted_between_two_looks()
    if over:
        world.at(4, lambda: world.end(S.SUCCEEDED, *NAMES))
    world.at(8, world.begin_to_delete)

    _, last = watched(world)

    assert last.gone
    assert last.job.status is (JobStatus.COMPLETED if over else JobStatus.IN_PROGRESS)
    assert last.job.counts[S.SUCCEEDED if over else S.IN_PROGRESS] == 10


def test_a_job_whose_deletion_does_not_end_is_shown_as_it_stands():
    world = JobWorld()
    world.create(things=NAMES)
    world.begin_to_delete()

    _, last = watched(
        world,
        is_over=lambda _, snapshot: snapshot.is_being_deleted,
        recorded_result=lambda _: None,
    )

    assert not last.gone
    assert last.job.status is JobStatus.DELETION_IN_PROGRESS


def test_what_was_written_is_the_end_of_a_job_that_is_being_deleted():
    # The deployment has ended and AWS still deletes: the counts it has would be those of before.
    world = JobWorld()
    world.create(things=NAMES)
    world.start(*NAMES)
    world.at(12, world.begin_to_delete)

    _, last = watched(
        world,
        is_over=lambda _, snapshot: snapshot.is_being_deleted,
        recorded_result=lambda _: written(),
    )

    assert not last.gone
    assert last.job.status is JobStatus.COMPLETED
    assert last.job.counts[S.SUCCEEDED] == 9
    assert last.job.counts[S.IN_PROGRESS] == 0


def test_what_the_deployment_wrote_of_each_thing_is_known_while_the_job_still_is_there():
    # With cleanUpCfg = False the job stays: its figures must not end at those asked one by one.
    world = JobWorld()
    world.create(things=NAMES)
    world.start(*NAMES)
    world.at(12, lambda: world.end(S.SUCCEEDED, *NAMES[1:]))
    world.at(12, lambda: world.end(S.FAILED, NAMES[0]))
    watcher, last = watched(
        world,
        is_over=lambda _, snapshot: snapshot.job.counts.terminal == len(NAMES),
        recorded_result=lambda _: written(),
        details=0,
    )

    assert not last.gone
    assert last.download_seconds.count == 9
    assert last.download_seconds.max == 9
    assert [group.reason for group in last.failures] == ["flash full"]
    assert watcher.state.table.get(NAMES[0]).execution_number == 2


def test_what_the_deployment_wrote_does_not_undo_what_the_service_says_now():
    world = JobWorld()
    world.create(things=NAMES)
    world.start(*NAMES)
    world.at(12, lambda: world.end(S.SUCCEEDED, *NAMES))
    early = ThingOutcome(
        thing_name=NAMES[0], status=S.IN_PROGRESS, status_details={"step": "installing"}
    )
    _, last = watched(
        world,
        is_over=lambda _, snapshot: snapshot.job.counts.terminal == len(NAMES),
        recorded_result=lambda _: written(executions=[early]),
    )

    assert last.job.counts[S.SUCCEEDED] == len(NAMES)
    assert last.failures == ()

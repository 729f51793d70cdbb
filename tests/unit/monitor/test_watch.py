from __future__ import annotations

from functools import partial

import pytest
from tests.support.job_world import JobWorld, Screen

from otactl.errors import AwsRefused, AwsUnreachable, UserMistake
from otactl.model.job_configuration import AbortCriterion, JobConfiguration, RetryCriterion, Rollout
from otactl.model.progress import AlarmState, Source
from otactl.model.status import ExecutionStatus, FailureType, JobStatus
from otactl.monitor.followed import FollowedThings
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.watch import BegunElsewhere, Watch
from otactl.monitor.watch_policy import WatchPolicy

S = ExecutionStatus
NAMES = [f"thing-{number:04}" for number in range(1000)]


def over(_job_id, snapshot) -> bool:
    return (
        snapshot.job is None
        or snapshot.gone
        or (snapshot.job.status in (JobStatus.COMPLETED, JobStatus.CANCELED))
    )


def a_watch(world, *, policy=None, things=None, is_over=over, patience=900.0, **options):
    policy = policy or WatchPolicy()
    expects_events = options.pop("events", False)
    renew = options.pop("renew", lambda: None)
    is_elsewhere = options.pop("is_elsewhere", None)
    jobs = options.pop("jobs", ("job",))
    watchers = [
        JobWatcher(job, world, world, policy, things=lambda: things, **options) for job in jobs
    ]
    screen = Screen()
    watch = Watch(
        watchers,
        world,
        world,
        policy,
        on_snapshot=screen,
        is_over=is_over,
        expects_events=expects_events,
        renew=renew,
        is_elsewhere=is_elsewhere,
        max_unreachable_seconds=patience,
    )
    return watch, screen


def stop_at(world, seconds):
    """A job is over for the watch when the time is: nothing else ends it."""
    return lambda _, snapshot: snapshot.at_ms >= world_start(world) + seconds * 1000


def world_start(world):
    return world.jobs["job"].created_at_ms


def test_twenty_ticks_with_nothing_moving_cost_twenty_calls():
    world = JobWorld()
    world.create(things=NAMES)
    watch, _ = a_watch(world, is_over=stop_at(world, 19 * 5))

    watch.run()

    assert world.calls == {"DescribeJob": 20}


def test_nothing_moving_costs_nothing_more_even_when_pages_lack_what_is_counted():
    world = JobWorld()
    world.create(things=NAMES)
    world.start(*NAMES)
    world.end(S.FAILED, *NAMES[:10])
    # AWS may count attempts that it does not list.
    world.unlisted = {(name, 1) for name in NAMES[:3]}
    watch, _ = a_watch(world, is_over=stop_at(world, 100), policy=WatchPolicy(details=0))

    watch.run()

    assert world.calls["ListJobExecutionsForJob"] == 1 + 4


def test_a_thousand_things_finishing_between_two_ticks_cost_at_most_five_more():
    world = JobWorld()
    world.create(things=NAMES)
    world.at(2, lambda: world.start(*NAMES))
    world.at(7, lambda: world.end(S.SUCCEEDED, *NAMES, downloadTime=3))
    spent = []
    watch, _ = a_watch(
        world,
        is_over=lambda job_id, one: spent.append(sum(world.calls.values())) or over(job_id, one),
    )

    watch.run()

    ticks = [after - before for before, after in zip([0, *spent], spent, strict=False)]
    assert ticks[0] == 1
    assert max(ticks[:3]) <= 1 + 5


@pytest.mark.parametrize("newest_first", [True, False])
def test_polling_knows_every_execution_at_the_end_whatever_the_order_of_the_pages(newest_first):
    world = JobWorld(newest_first=newest_first)
    world.create(things=NAMES)
    for number, name in enumerate(NAMES):
        status = S.FAILED if number % 7 == 0 else S.SUCCEEDED
        world.at(1 + number / 10, lambda name=name: world.start(name))
        world.at(
            3 + number / 10,
            lambda name=name, status=status: world.end(status, name, reason="flash full"),
        )
    watch, screen = a_watch(world, policy=WatchPolicy(details=1000))

    watch.run()

    assert all(screen.last.job.counts[status] == world.counts()[status] for status in S)
    assert screen.last.listed == 1000
    assert [(group.reason, group.count) for group in screen.last.failures] == [("flash full", 143)]


def test_events_need_no_call_after_the_start():
    world = JobWorld()
    world.create(things=NAMES)
    world.connect(0.5)
    for number, name in enumerate(NAMES):
        world.at(2 + number / 20, lambda name=name: world.end(S.SUCCEEDED, name, downloadTime=4))
    at_start = {}
    world.at(1, lambda: at_start.update(world.calls))
    watch, screen = a_watch(world, events=True)

    watch.run()

    assert at_start == {"DescribeJob": 2}
    assert world.calls == at_start
    assert screen.last.source is Source.EVENTS
    assert screen.last.job.status is JobStatus.COMPLETED
    assert screen.last.job.counts[S.SUCCEEDED] == 1000
    assert screen.last.download_seconds.count == 1000


def test_twenty_intervals_beside_events_cost_nothing_although_nothing_moves():
    world = JobWorld()
    world.create(things=NAMES)
    world.connect(0)
    at_start = {}
    world.at(1, lambda: at_start.update(world.calls))
    watch, screen = a_watch(world, events=True, is_over=stop_at(world, 20 * 5))

    watch.run()

    assert world.calls == at_start
    assert screen.last.source is Source.EVENTS


def test_executions_that_somebody_deleted_are_forgotten_and_looked_for_once():
    world = JobWorld(page_size=250)
    world.create(things=NAMES)
    world.at(2, lambda: world.end(S.FAILED, *NAMES[:600], reason="flash full"))
    world.at(52, lambda: [world.take_out(name) for name in NAMES[:3]])
    before = {}
    world.at(51, lambda: before.update(world.calls))
    policy = WatchPolicy(details=0)
    watch, screen = a_watch(world, is_over=stop_at(world, 200), policy=policy)

    watch.run()

    assert screen.last.failures[0].count == 597
    assert screen.last.listed == 597
    # The three pages of that status, once.
    assert world.calls["ListJobExecutionsForJob"] - before["ListJobExecutionsForJob"] == 3


def test_a_deletion_that_overtakes_what_it_deletes_counts_nothing():
    world = JobWorld(deliver=lambda event: (50,) if getattr(event, "status", 0) is None else (900,))
    world.create(things=NAMES[:10])
    world.connect(0)
    world.at(10, lambda: (world.end(S.FAILED, NAMES[0]), world.take_out(NAMES[0])))
    world.at(20, lambda: world.end(S.SUCCEEDED, *NAMES[1:10]))
    watch, screen = a_watch(world, events=True)

    watch.run()

    assert screen.last.failures == ()
    assert screen.last.job.counts[S.SUCCEEDED] == 9
    assert screen.last.job.counts[S.FAILED] == 0


def test_joining_late_asks_for_what_had_ended_before_it_relies_on_events():
    world = JobWorld()
    world.create(things=NAMES)
    world.end(S.SUCCEEDED, *NAMES[:600])
    world.connect(0)
    # This one ends while the pages are being fetched: its event and its page entry are one.
    world.at(0.2, lambda: world.end(S.FAILED, NAMES[600], reason="bad block"))
    world.at(30, lambda: world.end(S.SUCCEEDED, *NAMES[601:]))
    watch, screen = a_watch(world, events=True)

    watch.run()

    assert screen.last.job.counts[S.SUCCEEDED] == 999
    assert screen.last.job.counts[S.FAILED] == 1
    assert screen.last.listed == 1000
    assert world.calls["ListJobExecutionsForJob"] <= 5


def test_lost_events_are_noticed_at_the_end_and_asked_for():
    world = JobWorld(
        deliver=lambda event: () if getattr(event, "thing_name", "") in NAMES[:5] else (50,)
    )
    world.create(things=NAMES[:100])
    world.connect(0)
    for number, name in enumerate(NAMES[:100]):
        world.at(5 + number / 10, lambda name=name: world.end(S.SUCCEEDED, name))
    watch, screen = a_watch(world, events=True)

    watch.run()

    assert screen.last.job.counts[S.SUCCEEDED] == 100
    assert screen.last.listed == 100
    assert "that no event reported" in screen.last.note


def test_when_events_stop_coming_it_says_so_and_polls():
    lost = []
    world = JobWorld(deliver=lambda event: () if lost else (50,))
    world.create(things=NAMES[:100])
    world.connect(0)
    world.at(10, lambda: world.end(S.SUCCEEDED, *NAMES[:40]))
    world.at(11, lambda: lost.append(True))
    world.at(20, lambda: world.end(S.SUCCEEDED, *NAMES[40:70]))
    world.at(200, lambda: world.end(S.SUCCEEDED, *NAMES[70:100]))
    watch, screen = a_watch(world, events=True)

    watch.run()

    noticed = next(one for one in screen.shown if "that no event reported" in one.note)
    assert noticed.at_ms <= world_start(world) + 140_000
    assert screen.last.job.counts[S.SUCCEEDED] == 100


def test_a_lost_connection_is_polled_over_and_taken_up_again():
    world = JobWorld()
    world.create(things=NAMES[:100])
    world.connect(0)
    world.lose(10, "broker gone")
    world.at(12, lambda: world.end(S.SUCCEEDED, *NAMES[:10]))
    world.connect(60)
    world.at(90, lambda: world.end(S.SUCCEEDED, *NAMES[10:100]))
    watch, screen = a_watch(world, events=True)

    watch.run()

    between = [one for one in screen.shown if 12 < (one.at_ms - world_start(world)) / 1000 < 60]
    assert {one.source for one in between} == {Source.POLLING}
    assert all("broker gone" in one.note for one in between)
    assert screen.last.source is Source.EVENTS
    assert screen.last.note == ""
    assert screen.last.job.counts[S.SUCCEEDED] == 100


def test_a_thing_in_progress_and_silent_is_named_only_after_a_page_confirmed_it():
    world = JobWorld()
    world.create(things=NAMES[:3])
    world.at(1, lambda: world.start(*NAMES[:3], step="downloading"))
    for seconds in range(60, 800, 60):
        # Reports of progress move no count.
        world.at(seconds, lambda: world.start(NAMES[0], step="installing"))
    world.at(800, lambda: world.end(S.SUCCEEDED, *NAMES[:3]))
    watch, screen = a_watch(world)

    watch.run()

    before = [one for one in screen.shown if one.at_ms - world_start(world) < 300_000]
    assert not any(one.silent for one in before)
    late = [one for one in screen.shown if 400_000 < one.at_ms - world_start(world) < 800_000]
    assert {tuple(thing.thing_name for thing in one.silent) for one in late} == {
        (NAMES[1], NAMES[2])
    }
    assert world.calls["ListJobExecutionsForJob"] < 12


def test_the_next_round_under_the_same_id_is_another_job():
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.at(6, lambda: world.end(S.SUCCEEDED, *NAMES[:10]))
    world.at(11, world.delete)
    world.at(31, lambda: world.create(things=NAMES[:10]))
    world.at(47, lambda: world.end(S.FAILED, *NAMES[:10]))
    seen = []

    def is_over(_, snapshot):
        seen.append(snapshot)
        return snapshot.job is not None and snapshot.job.counts[S.FAILED] == 10

    watch, screen = a_watch(world, is_over=is_over)

    watch.run()

    assert any(one.gone and one.job.counts[S.SUCCEEDED] == 10 for one in screen.shown)
    assert screen.last.job.counts[S.SUCCEEDED] == 0
    assert screen.last.failures[0].count == 10


def test_the_next_round_is_found_beside_events_too():
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.connect(0)
    world.at(6, lambda: world.end(S.SUCCEEDED, *NAMES[:10]))
    world.at(11, world.delete)
    world.at(31, lambda: world.create(things=NAMES[:10]))
    world.at(100, lambda: world.end(S.FAILED, *NAMES[:10]))
    watch, screen = a_watch(
        world,
        events=True,
        is_over=lambda _, one: one.job is not None and one.job.counts[S.FAILED] == 10,
    )

    watch.run()

    assert screen.last.job.counts[S.SUCCEEDED] == 0
    assert screen.last.source is Source.EVENTS


def test_expired_credentials_are_told_and_taken_up_again_when_they_are_renewed():
    world = JobWorld()
    world.create(things=NAMES[:10])
    renewed = []

    def expire():
        world.refusal = AwsRefused("iot:DescribeJob", "ExpiredTokenException", "expired")

    def renew():
        renewed.append(world.ms)
        if len(renewed) == 3:
            world.refusal = None

    world.at(7, expire)
    world.at(200, lambda: world.end(S.SUCCEEDED, *NAMES[:10]))
    watch, screen = a_watch(world, renew=renew)

    watch.run()

    troubled = [one for one in screen.shown if "ExpiredTokenException" in one.note]
    assert troubled
    assert all(one.job is not None for one in troubled)
    assert screen.last.note == ""
    assert screen.last.job.counts[S.SUCCEEDED] == 10


def test_credentials_that_never_were_good_end_the_watch_at_once():
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.refusal = AwsRefused("iot:DescribeJob", "AccessDeniedException", "no")
    watch, _ = a_watch(world, patience=None)

    with pytest.raises(AwsRefused):
        watch.run()

    assert world.calls == {"DescribeJob": 1}


@pytest.mark.parametrize(
    "refusal",
    [
        UserMistake("Unable to locate credentials"),
        AwsRefused("iot:DescribeJob", "ExpiredTokenException", "expired"),
    ],
)
def test_who_waits_for_a_job_may_bring_the_credentials_later(refusal):
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.refusal = refusal
    # Longer than the patience with a network that was there before.
    world.at(1000, lambda: setattr(world, "refusal", None))
    world.at(1500, lambda: world.end(S.SUCCEEDED, *NAMES[:10]))
    watch, screen = a_watch(world, is_elsewhere=lambda: False)

    watch.run()

    assert str(refusal) in screen.shown[0].note
    assert screen.last.job.counts[S.SUCCEEDED] == 10


@pytest.mark.parametrize("refusal", [None, UserMistake("Unable to locate credentials")])
def test_a_job_that_is_waited_for_and_begins_elsewhere_is_left_within_a_second(refusal):
    world = JobWorld()
    world.refusal = refusal
    began_ms = world.ms + 600_000
    watch, _ = a_watch(world, is_elsewhere=lambda: world.ms >= began_ms, is_over=lambda *_: False)

    with pytest.raises(BegunElsewhere):
        watch.run()

    assert world.ms <= began_ms + 1000


def test_a_job_that_was_seen_is_watched_to_its_end_whatever_begins_elsewhere():
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.at(60, lambda: world.end(S.SUCCEEDED, *NAMES[:10]))
    watch, screen = a_watch(world, is_elsewhere=lambda: world.calls["DescribeJob"] > 0)

    watch.run()

    assert screen.last.job.counts[S.SUCCEEDED] == 10


def test_a_file_of_credentials_that_is_away_while_it_is_written_anew_is_borne():
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.at(7, lambda: setattr(world, "refusal", UserMistake("Unable to locate credentials")))

    def renew():
        raise UserMistake("the profile is not there")

    world.at(60, lambda: setattr(world, "refusal", None))
    world.at(100, lambda: world.end(S.SUCCEEDED, *NAMES[:10]))
    watch, screen = a_watch(world, renew=renew)

    watch.run()

    assert any("Unable to locate credentials" in one.note for one in screen.shown)
    assert screen.last.job.counts[S.SUCCEEDED] == 10


def test_a_thousand_events_in_a_second_make_few_snapshots():
    world = JobWorld()
    world.create(things=NAMES)
    world.connect(0)
    for number, name in enumerate(NAMES):
        world.at(10 + number / 1000, lambda name=name: world.end(S.SUCCEEDED, name))
    judged = []
    watch, screen = a_watch(
        world,
        events=True,
        is_over=lambda job_id, one: judged.append(one.at_ms) or over(job_id, one),
    )

    watch.run()

    burst = [at_ms for at_ms in judged if at_ms >= world_start(world) + 9_900]
    assert len(burst) <= 10
    assert screen.last.job.counts[S.SUCCEEDED] == 1000


def test_time_goes_on_beside_events_that_do_not_come():
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.connect(0)
    watch, screen = a_watch(world, events=True, is_over=stop_at(world, 50))

    watch.run()

    quiet = [one for one in screen.shown if one.source is Source.EVENTS]
    assert len(quiet) >= 9
    assert len({one.polled_ms for one in quiet}) == 1


def test_a_network_that_stays_away_ends_the_watch_when_the_patience_is_over():
    world = JobWorld()
    world.create(things=NAMES[:10])
    unreachable = AwsUnreachable("iot:DescribeJob", "EndpointConnectionError", "no route")
    world.at(7, lambda: setattr(world, "refusal", unreachable))
    watch, _ = a_watch(world, patience=120)

    with pytest.raises(AwsUnreachable):
        watch.run()

    # No busy loop: the pauses get longer.
    assert world.calls["DescribeJob"] < 15


def test_patience_counts_from_the_first_failure_not_from_the_last_answer():
    world = JobWorld()
    world.create(things=NAMES[:2])
    unreachable = AwsUnreachable("iot:DescribeJob", "EndpointConnectionError", "no route")
    world.at(1000, lambda: setattr(world, "refusal", unreachable))
    world.at(1003, lambda: setattr(world, "refusal", None))
    world.at(1500, lambda: world.end(S.SUCCEEDED, *NAMES[:2]))
    watch, screen = a_watch(world, policy=WatchPolicy(interval_seconds=1000), patience=120)

    watch.run()

    assert screen.last.job.status is JobStatus.COMPLETED


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("events", [False, True])
def test_a_wall_clock_that_is_set_changes_nothing_of_when_the_job_is_looked_at(hours, events):
    polls = {}
    for set_forward_ms in (0, hours * 3_600_000):
        world = JobWorld()
        world.create(things=NAMES[:2])
        if events:
            world.connect(0)
        world.at(7, partial(setattr, world, "set_forward_ms", set_forward_ms))
        world.at(21, partial(world.end, S.SUCCEEDED, *NAMES[:2]))
        watch, screen = a_watch(world, events=events)

        watch.run()

        assert screen.last.job.status is JobStatus.COMPLETED
        polls[set_forward_ms] = (world.ms, world.calls)

    assert len(set(map(str, polls.values()))) == 1


def test_it_says_how_far_the_job_is_from_aborting_itself_and_from_its_next_raise():
    world = JobWorld()
    configuration = JobConfiguration(
        rollout=Rollout(maximum_per_minute=60),
        abort_criteria=(
            AbortCriterion(
                failure_type=FailureType.FAILED,
                threshold_percentage=20.0,
                min_number_of_executed_things=10,
            ),
        ),
    )
    world.create(things=NAMES[:50], configuration=configuration)
    world.end(S.SUCCEEDED, *NAMES[:9])
    world.end(S.FAILED, NAMES[9])
    watch, screen = a_watch(world, things=100, is_over=stop_at(world, 5))

    watch.run()

    assert screen.last.unnotified == 50
    assert screen.last.rollout.rate_per_minute == 60
    (abort,) = screen.last.abort
    assert (abort.percentage, abort.missing_executions, abort.missing_failures) == (10.0, 0, 2)


def test_retried_attempts_are_executions_of_their_own_and_things_count_once():
    world = JobWorld()
    retry = (RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=2),)
    world.create(things=NAMES[:10], configuration=JobConfiguration(retry_criteria=retry))
    world.connect(0)
    world.at(10, lambda: world.end(S.FAILED, *NAMES[:4], retried=True, reason="no space"))
    world.at(20, lambda: world.end(S.FAILED, *NAMES[:2], retried=True, reason="no space"))
    world.at(30, lambda: world.end(S.SUCCEEDED, *NAMES[:10]))
    for events in (True, False):
        watch, screen = a_watch(world, events=events)
        watch.run()
        assert screen.last.job.counts[S.FAILED] == 6
        assert screen.last.job.counts[S.SUCCEEDED] == 10
        assert screen.last.failures == ()


def test_alarms_cost_one_call_a_minute():
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.alarms["job-p99"] = AlarmState.ALARM
    watch, screen = a_watch(
        world, is_over=stop_at(world, 290), alarms=world, alarm_names=("job-p99",)
    )

    watch.run()

    assert screen.last.alarms[0].state is AlarmState.ALARM
    assert world.calls["DescribeAlarms"] == 5


def test_a_followed_thing_with_a_freertos_agent_shows_blocks_and_step():
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.start(NAMES[0], receive="12/94")
    world.start(NAMES[1], self_test="ready", updatedBy="0x01000000")
    watch, screen = a_watch(world, is_over=stop_at(world, 20), followed=FollowedThings(NAMES[:2]))

    watch.run()

    loading, tested = screen.last.followed
    assert (loading.step, loading.received_blocks, loading.total_blocks) == ("downloading", 12, 94)
    assert (tested.step, tested.received_blocks) == ("rebooting", None)


def test_a_followed_thing_shows_its_blocks_and_costs_one_call_a_look():
    world = JobWorld()
    world.create(things=NAMES[:10])
    world.start(NAMES[0], step="downloading", receivedBlocks=12, totalBlocks=94)
    watch, screen = a_watch(
        world, is_over=stop_at(world, 20), followed=FollowedThings([NAMES[0], "unknown"])
    )

    watch.run()

    followed, unknown = screen.last.followed
    assert (followed.step, followed.received_blocks, followed.total_blocks) == (
        "downloading",
        12,
        94,
    )
    assert followed.silent_after_seconds == 20
    assert unknown.status is None
    assert world.calls["DescribeJobExecution"] == 2 * 5


def test_several_jobs_are_watched_at_once():
    world = JobWorld()
    world.create("a", NAMES[:10])
    world.create("b", NAMES[:20])
    world.at(7, lambda: world.end(S.SUCCEEDED, *NAMES[:10], job_id="a"))
    world.at(17, lambda: world.end(S.REJECTED, *NAMES[:20], job_id="b"))
    watch, screen = a_watch(world, jobs=("a", "b"))

    watch.run()

    last = {one.job.job_id: one for one in screen.shown}
    assert last["a"].job.counts[S.SUCCEEDED] == 10
    assert last["b"].job.counts[S.REJECTED] == 20


def test_an_unknown_job_is_told_as_such():
    world = JobWorld()
    watch, screen = a_watch(world)

    watch.run()

    assert screen.last.job is None
    assert not screen.last.gone

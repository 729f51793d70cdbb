"""Polling and events end in the same snapshot, whatever happens to the events on their way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from tests.support.job_world import JobWorld, Screen

from otactl.model.job_configuration import JobConfiguration, RetryCriterion
from otactl.model.status import ExecutionStatus, FailureType, JobStatus
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.watch import Watch
from otactl.monitor.watch_policy import WatchPolicy

S = ExecutionStatus
#: Longer than from one look to the next, and than events are late.
APART_SECONDS = 30
ENDS = st.sampled_from([S.SUCCEEDED, S.SUCCEEDED, S.FAILED, S.REJECTED, S.TIMED_OUT])
REASONS = st.sampled_from(["flash full", "bad signature of block 12345678", ""])


@dataclass(frozen=True)
class Attempt:
    seconds: float
    status: ExecutionStatus
    reason: str


@dataclass(frozen=True)
class Story:
    """What the fleet does, and what becomes of each event: the delays of its copies."""

    things: tuple[tuple[Attempt, ...], ...]
    deliveries: tuple[tuple[int, ...], ...]
    outages: tuple[tuple[float, float], ...]
    canceled_at: float | None
    taken_out: tuple[float, int] | None
    numbers: bool
    page_size: int
    newest_first: bool


@st.composite
def stories(draw, *, retries: int):
    attempt = st.builds(
        Attempt,
        seconds=st.floats(min_value=3, max_value=90, allow_nan=False),
        status=ENDS,
        reason=REASONS,
    )
    things = draw(
        st.lists(st.lists(attempt, min_size=1, max_size=1 + retries), min_size=1, max_size=12)
    )
    # Each event arrives late, twice or not at all; most of them well.
    copies = st.one_of(
        st.just((40,)),
        st.lists(st.integers(min_value=0, max_value=20_000), max_size=3).map(tuple),
    )
    return Story(
        things=tuple(map(tuple, things)),
        deliveries=tuple(draw(st.lists(copies, min_size=60, max_size=60))),
        outages=tuple(
            (start, start + length)
            for start, length in draw(
                st.lists(st.tuples(st.floats(0, 200), st.floats(0.1, 100)), max_size=2)
            )
        ),
        canceled_at=draw(st.one_of(st.none(), st.floats(5, 60))),
        taken_out=None,
        numbers=draw(st.booleans()),
        page_size=draw(st.sampled_from([2, 5, 250])),
        newest_first=draw(st.booleans()),
    )


@st.composite
def stories_of_a_deletion(draw):
    """Somebody deletes an execution, and nothing else happens about then.

    Counts alone do not tell that from another execution that ends alike; so no event is lost.
    """
    story = draw(stories(retries=0))
    at, number = draw(st.tuples(st.floats(1, 120), st.integers(0, len(story.things) - 1)))
    others = [attempts[0].seconds for attempts in story.things]
    others += [] if story.canceled_at is None else [story.canceled_at]
    assume(all(abs(at - other) > APART_SECONDS for other in others))
    copies = tuple(delays or (40,) for delays in story.deliveries)
    return replace(story, deliveries=copies, outages=(), taken_out=(at, number))


def play(story: Story, *, events: bool, retries: int):
    deliveries = iter(story.deliveries)
    world = JobWorld(
        deliver=lambda _event: next(deliveries, (40,)),
        numbers=story.numbers,
        page_size=story.page_size,
        newest_first=story.newest_first,
    )
    criteria = (RetryCriterion(failure_type=FailureType.ALL, number_of_retries=retries),)
    world.create(
        things=[f"t{number}" for number in range(len(story.things))],
        configuration=JobConfiguration(retry_criteria=criteria if retries else ()),
    )
    for number, attempts in enumerate(story.things):
        begin(world, f"t{number}", attempts)
    if story.canceled_at is not None:
        world.at(story.canceled_at, lambda: cancel(world))
    if story.taken_out is not None:
        at, number = story.taken_out
        world.at(at, lambda: take_out(world, f"t{number}"))
    if events:
        world.connect(0.1)
        for start, end in story.outages:
            world.lose(start)
            world.connect(end)
    policy = WatchPolicy(details=1000, sample=1000)
    screen = Screen()
    watcher = JobWatcher("job", world, world, policy)
    Watch(
        [watcher],
        world,
        world,
        policy,
        on_snapshot=screen,
        is_over=lambda _, one: (
            one.job.status is not JobStatus.IN_PROGRESS and not one.job.counts.pending
        ),
        expects_events=events,
    ).run()
    return world, watcher, screen.last


def begin(world: JobWorld, name: str, attempts) -> None:
    """A thing starts its attempt at once and ends it later; what fails is tried again."""
    attempt, *others = attempts

    def end() -> None:
        known = [one for one in world.executions["job"] if one.thing_name == name]
        if not known or known[-1].status.is_terminal:
            return
        retried = bool(others) and attempt.status is not S.SUCCEEDED
        details = {"downloadTime": "1.5", "retryCount": "2"}
        if attempt.reason:
            details["reason"] = attempt.reason
        if retried and world.jobs["job"].status is JobStatus.IN_PROGRESS:
            world.end(attempt.status, name, retried=True, **details)
            begin(world, name, others)
        else:
            world.end(attempt.status, name, **details)

    world.at((world.ms - world.jobs["job"].created_at_ms) / 1000 + attempt.seconds, end)


def take_out(world: JobWorld, name: str) -> None:
    if world.jobs["job"].status is JobStatus.IN_PROGRESS:
        world.take_out(name)


def cancel(world: JobWorld) -> None:
    if world.jobs["job"].status is JobStatus.IN_PROGRESS:
        world.cancel(comment="enough")


def known(snapshot, watcher):
    """What must not depend on the source."""
    return {
        "status": snapshot.job.status,
        "comment": snapshot.job.comment,
        "counts": {status: snapshot.job.counts[status] for status in S},
        "failures": [(group.status, group.reason, group.count) for group in snapshot.failures],
        "downloads": snapshot.download_seconds,
        "retries": snapshot.retries,
        "things": {
            name: (
                watcher.state.table.get(name).status,
                dict(watcher.state.table.get(name).status_details),
            )
            for name in watcher.state.table.names
            if name
        },
    }


@settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
@given(stories(retries=0))
def test_both_sources_agree_at_the_end(story):
    polled = play(story, events=False, retries=0)
    reported = play(story, events=True, retries=0)

    assert known(reported[2], reported[1]) == known(polled[2], polled[1])


@settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
@given(stories(retries=2))
def test_both_sources_agree_at_the_end_of_a_job_with_retries(story):
    polled = play(story, events=False, retries=2)
    reported = play(story, events=True, retries=2)

    assert known(reported[2], reported[1]) == known(polled[2], polled[1])


@settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
@given(stories_of_a_deletion())
def test_both_sources_agree_when_somebody_deleted_an_execution(story):
    polled = play(story, events=False, retries=0)
    reported = play(story, events=True, retries=0)

    assert known(reported[2], reported[1]) == known(polled[2], polled[1])


@settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
@given(stories(retries=2))
def test_what_is_shown_at_the_end_is_what_happened(story):
    world, _, last = play(story, events=True, retries=2)

    assert {status: last.job.counts[status] for status in S} == {
        status: world.counts()[status] for status in S
    }

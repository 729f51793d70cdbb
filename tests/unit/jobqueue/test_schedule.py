from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.memory_queue import NOW_MS, MemoryTargets, request_for

from otactl.jobqueue.order import Priority
from otactl.jobqueue.schedule import Verdict, WaitReason, judge
from otactl.jobqueue.state import RequestState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otactl.jobqueue.request import JobRequest


def verdicts(
    pending: Sequence[JobRequest],
    active: Sequence[JobRequest] = (),
    states: dict[str, RequestState] | None = None,
) -> list[Verdict]:
    known = {each.order_key: each for each in (*pending, *active)}
    for key, state in (states or {}).items():
        known[key] = replace(known.get(key, request_for("z")), order_key=key, state=state)
    return list(
        judge(
            pending,
            active,
            now_ms=NOW_MS,
            targets_of=MemoryTargets().targets_of,
            find=known.get,
        )
    )


def reasons(found: list[Verdict]) -> list[WaitReason | None]:
    return [verdict.wait.reason if verdict.wait else None for verdict in found]


def test_requests_for_different_things_may_all_go() -> None:
    found = verdicts([request_for("a"), request_for("b"), request_for("c", "d")])

    assert reasons(found) == [None, None, None]


def test_a_request_waits_for_the_one_that_has_its_thing() -> None:
    active = request_for("a", "b", number=1)

    found = verdicts([request_for("b", "c", number=2), request_for("d", number=3)], [active])

    assert reasons(found) == [WaitReason.OVERLAP, None]
    assert found[0].wait is not None
    assert found[0].wait.on == active.job_id


def test_the_newer_image_never_goes_before_the_older_one_of_the_same_thing() -> None:
    older, newer = request_for("a", "b", number=1), request_for("b", number=2)

    found = verdicts([older, newer])

    assert reasons(found) == [None, WaitReason.OVERLAP]


def test_nor_before_one_that_waits_itself() -> None:
    active = request_for("a", number=1)
    waiting, newer = request_for("a", "b", number=2), request_for("b", number=3)

    assert reasons(verdicts([waiting, newer], [active])) == [WaitReason.OVERLAP] * 2


def test_a_request_waits_for_its_time_and_holds_nobody_up() -> None:
    later = request_for("a", number=1, not_before_ms=NOW_MS + 1)
    due = request_for("b", number=2, not_before_ms=NOW_MS)

    found = verdicts([later, request_for("a", number=3), due])

    assert reasons(found) == [WaitReason.TIME, None, None]


def test_a_request_goes_when_all_it_comes_after_have_succeeded() -> None:
    first, second = request_for("a", number=1), request_for("b", number=2)
    third = request_for("c", number=3, after=(first.order_key, second.order_key))
    done = {first.order_key: RequestState.DEPLOYED}

    assert reasons(verdicts([third], states=done | {second.order_key: RequestState.PENDING})) == [
        WaitReason.DEPENDENCY
    ]
    assert reasons(verdicts([third], states=done | {second.order_key: RequestState.DEPLOYED})) == [
        None
    ]


@pytest.mark.parametrize("end", [RequestState.FAILED, RequestState.CANCELED, None])
def test_a_series_stops_behind_a_failure_and_holds_nobody_else_up(end: RequestState | None) -> None:
    failed = request_for("a", number=1)
    behind = request_for("b", number=2, after=(failed.order_key,))
    mended = request_for("b", number=3)
    states = {} if end is None else {failed.order_key: end}

    found = verdicts([behind, mended], states=states)

    assert reasons(found) == [WaitReason.HELD, None]
    assert found[0].wait is not None
    assert found[0].wait.on == failed.job_id


def test_all_of_a_series_behind_a_failure_is_held_not_only_the_next_part() -> None:
    failed = request_for("a", number=1)
    second = request_for("b", number=2, after=(failed.order_key,))
    third = request_for("c", number=3, after=(second.order_key,))
    mended = request_for("b", "c", number=4)

    found = verdicts([second, third, mended], states={failed.order_key: RequestState.FAILED})

    assert reasons(found) == [WaitReason.HELD, WaitReason.HELD, None]


def test_nor_is_one_waited_for_that_stands_ahead_of_what_holds_it() -> None:
    failed = request_for("a", number=1)
    held = request_for("b", number=2, after=(failed.order_key,))
    urgent = request_for("c", number=3, after=(held.order_key,), priority=Priority.HIGH)

    found = verdicts(
        [urgent, held, request_for("c", number=4)], states={failed.order_key: RequestState.FAILED}
    )

    assert reasons(found) == [WaitReason.HELD, WaitReason.HELD, None]


def test_a_newer_image_waits_for_the_whole_of_a_series_that_still_runs() -> None:
    running = request_for("a", number=1)
    behind = request_for("b", number=2, after=(running.order_key,))
    newer = request_for("b", number=3)
    states = {running.order_key: RequestState.DEPLOYING}

    assert reasons(verdicts([behind, newer], [running], states)) == [
        WaitReason.DEPENDENCY,
        WaitReason.OVERLAP,
    ]


def test_no_more_requests_are_read_than_verdicts() -> None:
    def pending():
        yield request_for("a", number=1)
        raise AssertionError("read too far")

    found = judge(
        pending(),
        (),
        now_ms=NOW_MS,
        targets_of=MemoryTargets().targets_of,
        find=lambda _: None,
    )

    assert next(found).wait is None


def test_a_request_is_not_stopped_by_one_that_comes_after_it_and_stands_ahead() -> None:
    """An urgent request that comes after a normal one for the same thing must not wait for ever."""
    first = request_for("a", number=1)
    urgent = request_for("a", number=2, priority=Priority.HIGH, after=(first.order_key,))

    found = verdicts([urgent, first])

    assert reasons(found) == [WaitReason.DEPENDENCY, None]


def test_nor_by_a_third_one_between_the_two() -> None:
    between, first = request_for("a", "b", number=1), request_for("b", number=2)
    urgent = request_for("a", number=3, priority=Priority.HIGH, after=(first.order_key,))

    found = verdicts([urgent, between, first])

    assert reasons(found) == [WaitReason.DEPENDENCY, None, WaitReason.OVERLAP]


def test_what_comes_after_a_request_whose_time_has_not_come_is_not_waited_for() -> None:
    later = request_for("x", number=1, not_before_ms=NOW_MS + 1)
    behind = request_for("a", number=2, after=(later.order_key,))

    found = verdicts([later, behind, request_for("a", number=3)])

    assert reasons(found) == [WaitReason.TIME, WaitReason.DEPENDENCY, None]


def test_the_parts_of_a_series_are_waited_for_all_the_same() -> None:
    first = request_for("a", number=1)
    second = request_for("b", number=2, after=(first.order_key,))

    found = verdicts([second, request_for("b", number=3)], [first])

    assert reasons(found) == [WaitReason.DEPENDENCY, WaitReason.OVERLAP]

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.errors import AwsUnreachable, Interrupted
from otactl.rules.backoff import UNTIL_A_MINUTE, Backoff, Retry


def failing(times: int) -> Callable[[], str]:
    left = [AwsUnreachable("iot", "ConnectTimeoutError", "no route")] * times

    def act() -> str:
        if left:
            raise left.pop()
        return "done"

    return act


def test_pauses_double_up_to_a_minute() -> None:
    pauses = [UNTIL_A_MINUTE.pause_seconds(failures) for failures in (1, 2, 3, 6, 7, 10_000)]

    assert pauses == [1, 2, 4, 32, 60, 60]


@given(failures=st.integers(1, 10_000), draw=st.floats(0, 1, exclude_max=True))
def test_a_pause_is_drawn_from_a_range_that_grows_up_to_a_limit(failures: int, draw: float) -> None:
    backoff = Backoff(first_seconds=0.05, longest_seconds=4.0, draw=lambda: draw)

    assert 0 <= backoff.pause_seconds(failures) <= min(4.0, 0.05 * 2.0 ** min(failures - 1, 40))


def test_two_workers_that_failed_alike_do_not_wait_alike() -> None:
    backoffs = [Backoff(draw=lambda share=share: share) for share in (0.1, 0.5, 0.9)]

    assert {each.pause_seconds(3) for each in backoffs} == {0.4, 2.0, 3.6}


def test_an_act_is_done_again_until_it_is_done_and_each_pause_is_reported() -> None:
    slept: list[float] = []
    paused: list[float] = []
    retry = Retry(slept.append, lambda _, seconds: paused.append(seconds))

    assert retry.until_done(failing(4)) == "done"
    assert slept == paused == [1, 2, 4, 8]


def test_after_so_many_failures_in_a_row_the_last_one_is_raised() -> None:
    slept: list[float] = []

    with pytest.raises(AwsUnreachable):
        Retry(slept.append, lambda *_: None, max_tries=3).until_done(failing(3))

    assert slept == [1, 2]
    assert Retry(slept.append, lambda *_: None, max_tries=3).until_done(failing(2)) == "done"


def test_what_the_clock_raises_ends_the_retry() -> None:
    def sleep(_seconds: float) -> None:
        raise Interrupted(2)

    with pytest.raises(Interrupted):
        Retry(sleep, lambda *_: None).until_done(failing(1))

"""The clock of an operation ends every sleep when its caller is asked to stop."""

from __future__ import annotations

import signal
import threading

import pytest

from otactl.errors import Interrupted
from otactl.operations.clock import CommandClock

#: Longer than any test takes: a sleep that is not ended fails by the test's own deadline.
_LONG_SECONDS = 3600.0


def test_asked_to_stop_all_that_sleep_are_woken_and_none_sleeps_again() -> None:
    clock = CommandClock()
    stopped_by: list[int] = []

    def sleep() -> None:
        try:
            clock.sleep(_LONG_SECONDS)
        except Interrupted as stopped:
            stopped_by.append(stopped.signal_number)

    sleepers = [threading.Thread(target=sleep, daemon=True) for _ in range(3)]
    for sleeper in sleepers:
        sleeper.start()
    clock.ask_to_stop(signal.SIGTERM)
    for sleeper in sleepers:
        sleeper.join(10)
    sleep()

    assert stopped_by == [signal.SIGTERM] * 4


def test_a_shielded_clock_sleeps_on() -> None:
    clock = CommandClock()
    clock.ask_to_stop(signal.SIGINT)
    clock.shield()

    clock.sleep(0.001)
    clock.check()


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_to_sleep_is_no_sleep(seconds: float) -> None:
    CommandClock().sleep(seconds)

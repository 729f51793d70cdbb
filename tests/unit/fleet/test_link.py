"""The line of a device: clear, slow, or altering."""

from __future__ import annotations

import time

import pytest

from otactl.device.behaviour import Behaviour
from otactl.fleet.clock import FleetClock
from otactl.fleet.link import Link

CLOCK = FleetClock(speed=1000)


@pytest.mark.parametrize("behaviour", [b for b in Behaviour if b is not Behaviour.CORRUPT])
def test_a_line_that_does_not_alter_delivers_what_was_sent(behaviour: Behaviour) -> None:
    assert Link(behaviour, 1000, CLOCK).deliver(0, b"abc") == b"abc"


def test_a_corrupting_line_alters_one_byte_of_the_image() -> None:
    link = Link(Behaviour.CORRUPT, 1000, CLOCK)

    assert link.deliver(0, b"abc") == b"`bc"
    assert link.deliver(3, b"abc") == b"abc"
    assert link.deliver(0, b"") == b""


async def test_a_slow_line_lets_so_many_bytes_through_by_the_fleets_clock() -> None:
    link = Link(Behaviour.SLOW, 1000, CLOCK)
    before = CLOCK.now_ms()

    for _ in range(10):
        await link.carry(5000)

    assert CLOCK.now_ms() - before >= 50_000


async def test_a_clear_line_does_not_wait() -> None:
    link = Link(Behaviour.SUCCEED, 1, CLOCK)
    before = time.monotonic()

    await link.carry(10**9)

    assert time.monotonic() - before < 30  # one that waits takes hours for this

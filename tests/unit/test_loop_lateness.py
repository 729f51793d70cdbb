"""How late a loop was: the longest since it was last asked, in real seconds at any speed."""

from __future__ import annotations

import asyncio
import time

import pytest

from otactl.cloud.loop import CloudLoop
from otactl.loop_lateness import LoopLateness


def hold_up(seconds: float) -> None:
    time.sleep(seconds)


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_what_holds_the_loop_up_is_the_longest_lateness_once(speed: float) -> None:
    async def late_twice() -> tuple[float, float]:
        lateness = LoopLateness(speed)
        watching = asyncio.create_task(lateness.watch())
        await asyncio.sleep(0)
        hold_up(0.5)
        await asyncio.sleep(0.2 * speed)
        first = lateness.take_longest()
        watching.cancel()
        return first, lateness.take_longest()

    with asyncio.Runner(loop_factory=lambda: CloudLoop(speed)) as runner:
        first, second = runner.run(late_twice())

    assert 0.3 < first < 5
    assert second == 0

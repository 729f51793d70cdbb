"""A loop that fails says so and goes on."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from otactl.cloud.background import Background


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_loop_goes_on_after_a_failure_and_logs_it(
    caplog: pytest.LogCaptureFixture, *, is_async: bool
) -> None:
    rounds = []
    enough = asyncio.Event()

    def step() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 3:
            enough.set()
        if len(rounds) < 3:
            raise KeyError(f"round {len(rounds)}")

    async def async_step() -> None:
        step()

    with caplog.at_level(logging.ERROR, "otactl.cloud"):
        Background().repeat("the sweeping", async_step if is_async else step, 0)
        async with asyncio.timeout(10):
            await enough.wait()

    assert [record.getMessage() for record in caplog.records] == (
        ["the sweeping failed; it is tried again"] * 2
    )
    assert "round 2" in caplog.text


async def test_work_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise RuntimeError("a bug")

    with caplog.at_level(logging.ERROR, "otactl.cloud"):
        await Background().run("telling a thing", work())

    assert "telling a thing failed" in caplog.text
    assert "a bug" in caplog.text


async def test_a_loop_that_is_held_up_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    background = Background()
    with caplog.at_level(logging.WARNING, "otactl.cloud"):
        task = background.run("the look", background.lateness.watch())
        await asyncio.sleep(0)
        hold_up(0.75)
        await asyncio.sleep(0.05)
        task.cancel()

    assert caplog.records[0].getMessage().startswith("the event loop stalled for 0.")


def hold_up(seconds: float) -> None:
    time.sleep(seconds)

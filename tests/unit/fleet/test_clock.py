"""The fleet's clock agrees with the local cloud's."""

from __future__ import annotations

import time

import pytest
from tests.support.cloud_time import cloud_time_ms

from otactl.fleet.clock import FleetClock
from otactl.model.local_cloud import LocalCloudAddress


def _address(speed: float, origin_ms: int) -> LocalCloudAddress:
    return LocalCloudAddress(
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
        account_id="0" * 12,
        access_key_id="k",
        secret_access_key="s",
        cloud_secret="c",
        mqtt_host="127.0.0.1",
        mqtt_port=2,
        ca_file="ca.pem",
        clock_speed=speed,
        clock_origin_ms=origin_ms,
        pid=3,
        state_dir=".",
    )


@pytest.mark.parametrize("speed", [1.0, 30.0, 0.5])
def test_it_shows_what_the_cloud_shows(speed: float) -> None:
    address = _address(speed, time.time_ns() // 1_000_000 - 60_000)
    clock = FleetClock.of_local_cloud(address)

    before = cloud_time_ms(address, time.time_ns() // 1_000_000)
    shown = clock.now_ms()
    after = cloud_time_ms(address, time.time_ns() // 1_000_000)

    # A millisecond either way for rounding, by the faster clock.
    assert before - 2 * speed <= shown <= after + 2 * speed


def test_durations_shrink_by_the_speed_and_are_never_negative() -> None:
    clock = FleetClock(speed=30)

    assert clock.real_seconds(60_000) == 2
    assert clock.real_seconds(-5) == 0


async def test_a_minute_of_the_cloud_passes_in_its_share_of_real_time() -> None:
    clock = FleetClock(speed=6000)
    before = clock.now_ms()

    await clock.sleep_ms(60_000)

    assert clock.now_ms() - before >= 60_000

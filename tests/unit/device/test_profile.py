"""A profile refuses what a stream would refuse, and stretches only what the network does."""

from __future__ import annotations

from typing import Any

import pytest

from otactl.device.profile import DeviceProfile


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"block_size": 255}, "block_size is 255; a stream allows 256 to 131072 bytes"),
        ({"block_size": 131073}, "block_size"),
        ({"request_bytes": 131073}, "request_bytes"),
        ({"request_bytes": 0}, "request_bytes"),
        ({"requests_in_flight": 0}, "requests_in_flight must be at least 1"),
        ({"link_bytes_per_second": 0}, "link_bytes_per_second"),
        ({"install_ms": -1}, "install_ms must not be negative"),
    ],
)
def test_what_a_stream_would_refuse_is_refused_here(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DeviceProfile(**fields)


@pytest.mark.parametrize(
    ("block_size", "blocks"), [(256, 128), (4096, 8), (32768, 1), (65536, 1), (131072, 1)]
)
def test_a_request_asks_for_whole_blocks_and_at_least_one(block_size: int, blocks: int) -> None:
    assert DeviceProfile(block_size=block_size).blocks_per_request == blocks


def test_a_faster_clock_does_not_make_the_network_faster() -> None:
    profile = DeviceProfile(install_ms=500, answer_timeout_ms=10_000)

    fast = profile.for_clock_speed(60)

    assert fast.answer_timeout_ms == 600_000
    assert fast.install_ms == 500
    assert profile.for_clock_speed(1) == profile


@pytest.mark.parametrize(("speed", "crash_ms"), [(1, 20_000), (10, 20_000), (60, 60_000)])
def test_a_crash_loop_connects_once_in_a_second_of_real_time_at_most(
    speed: float, crash_ms: int
) -> None:
    assert DeviceProfile().for_clock_speed(speed).crash_ms == crash_ms
    assert DeviceProfile(crash_ms=50).for_clock_speed(1).crash_ms == 50

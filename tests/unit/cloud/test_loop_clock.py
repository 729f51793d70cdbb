from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otactl.cloud.loop import CloudClock
from otactl.model.local_cloud import LocalCloudAddress
from otactl.operations.clock import CommandClock

ORIGIN = 1_700_000_000.0
ADDRESS = {
    "endpoint_url": "http://127.0.0.1:1",
    "region": "us-east-1",
    "account_id": "000000000000",
    "access_key_id": "000000000000",
    "secret_access_key": "s",
    "cloud_secret": "c",
    "mqtt_host": "127.0.0.1",
    "mqtt_port": 2,
    "ca_file": "/ca.pem",
    "clock_origin_ms": int(ORIGIN * 1000),
    "pid": 3,
    "state_dir": "/state",
}


def test_it_shows_our_time_at_its_origin_and_runs_faster_from_there() -> None:
    clock = CloudClock(ORIGIN, 60)

    assert clock.at(ORIGIN) == ORIGIN
    assert clock.at(ORIGIN + 2) == ORIGIN + 120


@given(st.integers(0, 10**8), st.floats(0.5, 600))
def test_the_address_tells_the_same_time(later_ms: int, speed: float) -> None:
    address = LocalCloudAddress(**ADDRESS | {"clock_speed": speed})
    now_ms = address.clock_origin_ms + later_ms

    told_ms = CommandClock(
        speed=address.clock_speed, origin_ms=address.clock_origin_ms, own_ms=lambda: now_ms
    ).now_ms()

    assert abs(told_ms - CloudClock(ORIGIN, speed).at(now_ms / 1000) * 1000) < 5

"""What the clock of a local cloud shows."""

from __future__ import annotations

from otactl.model.local_cloud import LocalCloudAddress


def cloud_time_ms(address: LocalCloudAddress, now_ms: int) -> int:
    """What the cloud's clock shows when ours shows ``now_ms`` (epoch milliseconds)."""
    origin_ms = address.clock_origin_ms
    return origin_ms + int((now_ms - origin_ms) * address.clock_speed)

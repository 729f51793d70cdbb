"""What a rollout costs, item by item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otactl.forecast.price import Prices

GIGABYTE = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Dollars by item."""

    items: Mapping[str, float]

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.items.values())


def bill(
    prices: Prices,
    *,
    executions: int,
    messages: float,
    downloads: int,
    downloaded_bytes: float,
    by_url: bool,
    alarms: int,
) -> Bill:
    """What AWS charges for a rollout.

    Args:
        prices: What one of each costs.
        executions: Job executions, each retry again; those cancelled before they began are
            counted, though whether AWS charges them is UNCONFIRMED.
        messages: Metered MQTT messages.
        downloads: Downloads begun.
        downloaded_bytes: What they carried.
        by_url: Whether the image comes from S3 directly: a GET each, and traffic to the internet.
        alarms: CloudWatch alarms, for a whole month each.
    """
    return Bill(
        items={
            "jobExecutions": prices.job_execution.of(executions),
            "mqttMessages": prices.mqtt_message.of(messages),
            "s3": prices.s3_put.of(3) + (prices.s3_get.of(downloads) if by_url else 0.0),
            "internetTraffic": (
                prices.internet_gigabyte.of(downloaded_bytes / GIGABYTE) if by_url else 0.0
            ),
            "alarms": prices.alarm_month.of(alarms),
        }
    )

"""Which lifecycle events AWS IoT publishes: off in a new account, enabled per account and region.

Source: Developer Guide, iot-events; botocore ``iot`` UpdateEventConfigurations (aws-facts F4).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from otactl.aws.translate import translated

if TYPE_CHECKING:
    from types_boto3_iot.literals import EventTypeType

    from otactl.aws.clients import AwsClients

#: The events that the monitoring stack and `otactl monitor` need.
NEEDED_EVENTS: tuple[EventTypeType, ...] = ("JOB", "JOB_EXECUTION")


@translated("iot")
def enabled_events(clients: AwsClients) -> frozenset[str]:
    """The kinds of events that are enabled in this account and region."""
    configurations = clients.iot.describe_event_configurations().get("eventConfigurations", {})
    return frozenset(
        kind for kind, configuration in configurations.items() if configuration.get("Enabled")
    )


@translated("iot")
def enable_events(clients: AwsClients, kinds: Iterable[EventTypeType] = NEEDED_EVENTS) -> None:
    """Enable kinds of events; the others stay as they are."""
    clients.iot.update_event_configurations(
        eventConfigurations={kind: {"Enabled": True} for kind in kinds}
    )

"""The health of a monitoring stack: resources, events, alarm, subscribers, failed messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from otactl.aws.clients import AwsClients
from otactl.aws.event_configuration import NEEDED_EVENTS, enabled_events
from otactl.aws.stack import Stack, StackState
from otactl.aws.translate import translated

#: Shown for a subscriber who has not confirmed.
UNCONFIRMED = "not confirmed yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackHealth:
    """The state of everything in a stack.

    Attributes:
        resources: Their status, by name in the template.
        events: The needed kinds of events that are enabled.
        alarms: Their state, by name.
        subscribers: ``email a@b.example: confirmed``.
        failed_messages: Messages in the failure queue, as SQS estimates.
    """

    state: StackState
    resources: Mapping[str, str] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    alarms: Mapping[str, str] = field(default_factory=dict)
    subscribers: tuple[str, ...] = ()
    failed_messages: int = 0

    @property
    def unfinished_resources(self) -> int:
        """The number of resources that are in progress or failed."""
        return sum(not status.endswith("_COMPLETE") for status in self.resources.values())

    @property
    def is_good(self) -> bool:
        """Whether events become metrics: the stack is healthy and AWS IoT publishes events."""
        return self.state.is_healthy and set(self.events) == set(NEEDED_EVENTS)


def examine(clients: AwsClients, stack: Stack, state: StackState) -> StackHealth:
    """Read the state of everything in a stack."""
    outputs = state.outputs
    topics = [outputs[key] for key in ("EmailTopicArn", "SmsTopicArn") if key in outputs]
    enabled = enabled_events(clients)
    return StackHealth(
        state=state,
        resources=stack.resources(),
        events=tuple(kind for kind in NEEDED_EVENTS if kind in enabled),
        alarms=_alarms(clients, outputs.get("DownloadTimeAlarmName")),
        subscribers=tuple(each for topic in topics for each in subscribers_of(clients, topic)),
        failed_messages=_failures(clients, outputs.get("FailureQueueUrl")),
    )


@translated("cloudwatch")
def _alarms(clients: AwsClients, name: str | None) -> dict[str, str]:
    if name is None:
        return {}
    answer = clients.cloudwatch.describe_alarms(AlarmNames=[name])
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in answer["MetricAlarms"]}


def subscribers_of(clients: AwsClients, topic_arn: str) -> list[str]:
    """The subscribers of a topic, and whether they confirmed."""
    return [
        f"{found['Protocol']} {found['Endpoint']}: "
        # A subscription has no ARN before it is confirmed.
        + ("confirmed" if found["SubscriptionArn"].startswith("arn:") else UNCONFIRMED)
        for found in clients.listed(
            "sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic_arn
        )
    ]


@translated("sqs")
def _failures(clients: AwsClients, queue_url: str | None) -> int:
    if queue_url is None:
        return 0
    answer = clients.sqs.get_queue_attributes(
        QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])

"""The monitoring stack in a rehearsal: there when the file's alarms notify its topics.

A team whose alarms are to stop a bad rollout has the stack in its account; a rehearsal of their
file has it too, with the same template and the same Lambda handlers, so the alarms really go off.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from otactl.model.arn import Arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients

#: The stack's three topics, by the names the manual gives them; a prefix may stand before each.
STACK_TOPICS = ("email-notification", "sms-notification", "ota-force-stopper")
_STACK_NAME = "otactl-monitor"
_POLL_SECONDS = 0.5


def topics_of(configuration: DeploymentConfiguration) -> list[str]:
    """The names of the SNS topics that the alarms notify, each once."""
    arns = {arn for alarm in configuration.alarms for arn in alarm.sns_topics}
    return sorted(Arn.parse(arn).resource for arn in arns)


def prefix_of(topics: Iterable[str]) -> str | None:
    """The prefix of the stack's topics among these, or None when none is the stack's."""
    for topic in topics:
        for name in STACK_TOPICS:
            if topic.endswith(name):
                return topic.removesuffix(name)
    return None


def deploy_monitoring(
    clients: AwsClients, clock: CommandClock, prefix: str, frontend: Frontend
) -> None:
    """Deploy the monitoring stack and switch the job events on that it lives by.

    The prefix stands before the names of the stack's topics.
    """
    from otactl.aws.event_configuration import enable_events
    from otactl.aws.stack import Stack
    from otactl.aws.stack_template import monitor_template
    from otactl.operations.stack_operation import StackOperation

    stack = Stack(clients, _STACK_NAME)
    operation = StackOperation(
        stack, clock, lambda _event: None, frontend, poll_seconds=_POLL_SECONDS
    )
    given = {"TopicNamePrefix": prefix} if prefix else {}
    operation.carry_out(operation.prepare(monitor_template(), given, None))
    enable_events(clients)

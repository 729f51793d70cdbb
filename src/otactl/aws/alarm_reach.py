"""Checks that the alarms of a deployment can go off and notify a subscriber.

CloudWatch creates an alarm even if its topic does not exist or its metric has no source; the
force-stopper then only looks armed. Three things are read: the attributes of each topic, the
events that AWS IoT publishes, and the topic rules on them. A read that fails is only a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otactl.aws.clients import AwsClients
from otactl.aws.event_configuration import enabled_events
from otactl.aws.translate import translated
from otactl.errors import AwsRefused, OtactlError
from otactl.errors.problem import Problem, Severity
from otactl.model.alarm import OWN_NAMESPACE, Alarm

# Each monitoring stack has its own rule on the same events and publishes the same metrics, so with
# two stacks each execution counts twice. The stack of the sample tool is one of them.

EVENT_TOPICS = "$aws/events/jobExecution/"


def listening_rules(clients: AwsClients) -> list[str]:
    """The names of the enabled topic rules on these events."""
    return sorted(
        rule["ruleName"]
        for rule in clients.listed("iot", "list_topic_rules", "rules")
        if rule.get("topicPattern", "").startswith(EVENT_TOPICS) and not rule.get("ruleDisabled")
    )


_EVENT = "JOB_EXECUTION"


def alarm_warnings(clients: AwsClients, alarms: Sequence[Alarm], *, file: str) -> Iterator[Problem]:
    """Warnings about alarms that cannot work, each at the alarm's section.

    Args:
        clients: One call for each topic, and two more if an alarm is on otactl's own metrics.
    """
    by_topic = {topic: alarm for alarm in reversed(alarms) for topic in alarm.sns_topics}
    for topic, alarm in sorted(by_topic.items()):
        message = _topic_fault(clients, topic)
        if message:
            yield _warning(file, alarm, "snsTopics", "alarm-topic", message)
    fed = [alarm for alarm in alarms if alarm.namespace == OWN_NAMESPACE]
    if fed:
        for message in _feed_faults(clients):
            yield _warning(file, fed[0], "metricName", "alarm-metric", message)


def _topic_fault(clients: AwsClients, topic: str) -> str:
    try:
        confirmed, pending = _subscriptions(clients, topic)
    except OtactlError as error:
        if isinstance(error, AwsRefused) and error.is_missing:
            return f"SNS topic {topic} does not exist: the alarm will notify nobody"
        return f"SNS topic {topic} could not be checked: {error}"
    if confirmed:
        return ""
    waiting = f"; {pending} did not confirm yet" if pending else ""
    return f"SNS topic {topic} has no confirmed subscriber{waiting}: the alarm will notify nobody"


def _feed_faults(clients: AwsClients) -> Iterator[str]:
    try:
        if _EVENT not in enabled_events(clients):
            yield (
                f"AWS IoT publishes no {_EVENT} events here: the metric stays empty and the alarm"
                " never goes off (`otactl stack deploy --events` switches them on)"
            )
    except OtactlError as error:
        yield f"whether AWS IoT publishes {_EVENT} events could not be checked: {error}"
    try:
        if not listening_rules(clients):
            yield (
                "no topic rule receives job execution events: the metric stays empty and the"
                " alarm never goes off (`otactl stack deploy` makes the monitoring stack)"
            )
    except OtactlError as error:
        yield f"whether a topic rule feeds the metric could not be checked: {error}"


@translated("sns")
def _subscriptions(clients: AwsClients, topic: str) -> tuple[int, int]:
    """Confirmed and pending subscriptions of a topic (botocore ``sns`` GetTopicAttributes)."""
    attributes = clients.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    confirmed = int(attributes.get("SubscriptionsConfirmed", 0))
    return confirmed, int(attributes.get("SubscriptionsPending", 0))


def _warning(file: str, alarm: Alarm, key: str, code: str, message: str) -> Problem:
    return Problem(
        file=file,
        section=f"ALARM_CONFIG_{alarm.name}",
        key=key,
        severity=Severity.WARNING,
        code=code,
        message=message,
    )

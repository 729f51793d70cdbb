"""An alarm that nobody hears of, or that nothing feeds, is warned of before it is created."""

from __future__ import annotations

from dataclasses import replace

from otactl.aws.alarm_reach import alarm_warnings
from otactl.aws.clients import AwsClients, AwsSettings
from otactl.errors.problem import Severity
from otactl.model.alarm import OWN_NAMESPACE, SERVICE_NAMESPACE, Alarm, AlarmType

ALARM = Alarm(
    name="Slow",
    namespace=SERVICE_NAMESPACE,
    metric_name="downloadTime",
    statistic="p99",
    period_seconds=60,
    threshold=3600,
    alarm_type=AlarmType.UPPER,
    evaluation_periods=5,
    datapoints_to_alarm=3,
)


def warnings(clients, **changes):
    found = list(alarm_warnings(clients, [replace(ALARM, **changes)], file="dev.ini"))
    assert all(each.severity is Severity.WARNING for each in found)
    assert all(each.section == "ALARM_CONFIG_Slow" for each in found)
    return [each.message for each in found]


def test_a_topic_that_does_not_exist(clients, unique):
    topic = f"arn:aws:sns:us-east-1:123456789012:none-{unique}"

    (message,) = warnings(clients, sns_topics=(topic,))

    assert message == f"SNS topic {topic} does not exist: the alarm will notify nobody"


def test_a_topic_nobody_confirmed_and_one_somebody_did(clients, unique):
    silent = clients.sns.create_topic(Name=f"silent-{unique}")["TopicArn"]
    heard = clients.sns.create_topic(Name=f"heard-{unique}")["TopicArn"]
    queue = f"arn:aws:sqs:us-east-1:123456789012:heard-{unique}"
    clients.sns.subscribe(TopicArn=heard, Protocol="sqs", Endpoint=queue)

    (message,) = warnings(clients, sns_topics=(heard, silent))

    assert message.startswith(f"SNS topic {silent} has no confirmed subscriber")


def test_what_may_not_be_asked_is_said_and_stops_nothing(clients, unique):
    topic = clients.sns.create_topic(Name=f"hidden-{unique}")["TopicArn"]
    nobody = AwsClients(
        replace(clients.settings, endpoint_url="http://127.0.0.1:9", max_attempts=1)
    )

    messages = warnings(nobody, sns_topics=(topic,), namespace=OWN_NAMESPACE)

    assert len(messages) == 3
    assert all("could not be checked" in message for message in messages)


def test_events_that_are_off_and_a_metric_without_a_rule(start_cloud):
    clients = AwsClients(AwsSettings.for_local_cloud(start_cloud().address))

    off = warnings(clients, namespace=OWN_NAMESPACE)
    clients.iot.update_event_configurations(
        eventConfigurations={"JOB_EXECUTION": {"Enabled": True}}
    )
    on = warnings(clients, namespace=OWN_NAMESPACE)

    assert len(off) == 2
    assert off[0].startswith("AWS IoT publishes no JOB_EXECUTION events here")
    assert on == off[1:]
    assert on[0].startswith("no topic rule receives")

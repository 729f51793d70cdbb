"""Sends one synthetic event through a monitoring stack and polls for it hop by hop.

Only AWS IoT may publish on ``$aws/events/…``. Basic Ingest (``$aws/rules/<rule>/…``, Developer
Guide, iot-basic-ingest) passes a message directly to the rule: only the rule's topic filter is not
tested. The event is about a job that does not exist; an alarm made for the test watches that job,
and the force-stopper finds nothing to stop. The alarm is deleted afterwards.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from otactl.aws.clients import AwsClients
from otactl.aws.event_configuration import NEEDED_EVENTS, enabled_events
from otactl.aws.stack_health import UNCONFIRMED, subscribers_of
from otactl.aws.translate import translated
from otactl.errors import UserMistake
from otactl.errors.first_failure import after_failure
from otactl.model.alarm import OWN_NAMESPACE

_METRIC = "succeeded"
_PERIOD_SECONDS = 60
_LOG_SLACK_SECONDS = 300
#: The outputs of the template that a test needs.
_OUTPUTS = (
    *("RuleName", "RuleArn", "FailureQueueUrl", "MetricsGeneratorLogGroup"),
    *("ForceStopperLogGroup", "EmailTopicArn", "SmsTopicArn", "ForceStopperTopicArn"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One part of the path.

    Attributes:
        name: Its source and destination.
        arrived: Whether the event, or its effect, was seen at the destination.
        detail: What was seen; what to check if nothing was seen.
        seconds: The time waited.
        is_empty: Whether there is no subscriber, so that nothing can be seen.
    """

    name: str
    arrived: bool
    detail: str
    seconds: float = 0.0
    is_empty: bool = False


class StackProbe:
    """One test of a monitoring stack.

    Args:
        outputs: Of the stack, all of ``_OUTPUTS`` among them.
        sleep: Waits N seconds; may raise to stop.
        max_wait_seconds: For each hop.
        poll_seconds: Between two polls.
        people: Whether the test's alarm notifies the e-mail and SMS topics too.

    Raises:
        UserMistake: The stack lacks an output: another template made it, or it is incomplete.
    """

    def __init__(
        self,
        clients: AwsClients,
        outputs: Mapping[str, str],
        *,
        sleep: Callable[[float], None],
        max_wait_seconds: float,
        poll_seconds: float,
        people: bool = False,
    ) -> None:
        if missing := [name for name in _OUTPUTS if name not in outputs]:
            raise UserMistake(
                f"the stack has no output {', '.join(missing)}: it is not a complete monitoring"
                " stack of this version",
                hint="choose another --name, or complete it with `otactl stack deploy`",
            )
        self._clients = clients
        self._outputs = outputs
        self._sleep = sleep
        self._max_wait_seconds = max_wait_seconds
        self._poll_seconds = poll_seconds
        self._people = people
        self._name = f"otactl-stack-test-{uuid.uuid4().hex[:8]}"
        self._event_id = str(uuid.uuid4())
        self._began = 0.0

    def run(self) -> Iterator[Hop]:
        """Run the test; yields each hop when it is done, until one fails."""
        yield self._events()
        with after_failure(self._delete_alarm):
            yield from self._chain()
        self._delete_alarm()

    def _chain(self) -> Iterator[Hop]:
        self._began = self._service_time()
        self._put_alarm()
        self._publish()
        in_metrics_log = partial(self._logged, "MetricsGeneratorLogGroup", self._event_id)
        in_stopper_log = partial(self._logged, "ForceStopperLogGroup", self._name)
        no_metrics = (
            "the rule did not call the function, or the function cannot log:"
            f" check {self._outputs['FailureQueueUrl']} and the function's policy"
        )
        not_stopped = (
            "the alarm did not reach the function, or the function cannot log:"
            " check the policies of the topic and the function"
        )
        hops: tuple[tuple[str, Callable[[], str | None], str], ...] = (
            ("topic rule -> metrics generator", in_metrics_log, no_metrics),
            ("metrics generator -> metric", self._metric, "read the function's log"),
            ("metric -> alarm", self._alarm, "a new metric can take up to 15 minutes"),
            ("alarm -> SNS -> force-stopper", in_stopper_log, not_stopped),
        )
        for name, poll, hint in hops:
            hop = self._wait(name, poll, hint)
            yield hop
            if not hop.arrived:
                return
        yield self._subscribers()

    def _wait(self, name: str, poll: Callable[[], str | None], hint: str) -> Hop:
        started = time.monotonic()
        while True:
            seen = poll()
            seconds = time.monotonic() - started
            if seen is not None:
                return Hop(name=name, arrived=True, detail=seen, seconds=seconds)
            if seconds > self._max_wait_seconds:
                return Hop(name=name, arrived=False, detail=hint, seconds=seconds)
            self._sleep(self._poll_seconds)

    def _events(self) -> Hop:
        enabled = enabled_events(self._clients)
        missing = [kind for kind in NEEDED_EVENTS if kind not in enabled]
        return Hop(
            name="AWS IoT publishes events",
            arrived=not missing,
            detail=f"{', '.join(missing)} switched off: `otactl stack deploy --events`"
            if missing
            else f"{', '.join(NEEDED_EVENTS)} switched on",
        )

    @translated("sts")
    def _service_time(self) -> float:
        """AWS's time, epoch seconds: alarms use it, not this machine's."""
        answer: Any = self._clients.sts.get_caller_identity()
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return parsedate_to_datetime(date).timestamp() if date else time.time()

    @translated("cloudwatch")
    def _put_alarm(self) -> None:
        topics = ["ForceStopperTopicArn"]
        if self._people:
            topics += ["EmailTopicArn", "SmsTopicArn"]
        self._clients.cloudwatch.put_metric_alarm(
            AlarmName=self._name,
            AlarmDescription="A test of the monitoring stack; no job is in trouble.",
            Namespace=OWN_NAMESPACE,
            MetricName=_METRIC,
            Dimensions=[{"Name": "jobId", "Value": self._name}],
            Statistic="Sum",
            Period=_PERIOD_SECONDS,
            # A new metric appears late, so evaluate 15 periods.
            EvaluationPeriods=15,
            DatapointsToAlarm=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=[self._outputs[name] for name in topics],
        )

    @translated("iotdata")
    def _publish(self) -> None:
        region, account_id = self._outputs["RuleArn"].split(":")[3:5]
        event = {
            "eventType": "JOB_EXECUTION",
            "eventId": self._event_id,
            "timestamp": int(self._service_time()),
            "operation": "succeeded",
            "jobId": self._name,
            "thingArn": f"arn:aws:iot:{region}:{account_id}:thing/{self._name}",
            "status": "SUCCEEDED",
        }
        self._clients.iot_data.publish(
            topic=f"$aws/rules/{self._outputs['RuleName']}/otactl/stack-test",
            qos=1,
            payload=json.dumps(event).encode(),
        )

    def _logged(self, group: str, words: str) -> str | None:
        # A page may be empty and not the last: CloudWatch Logs searches one part at a time.
        events = self._clients.listed(
            *("logs", "filter_log_events", "events"),
            logGroupName=self._outputs[group],
            filterPattern=f'"{words}"',
            startTime=int((self._began - _LOG_SLACK_SECONDS) * 1000),
        )
        return next((event["message"].strip() for event in events), None)

    @translated("cloudwatch")
    def _metric(self) -> str | None:
        answer = self._clients.cloudwatch.get_metric_statistics(
            Namespace=OWN_NAMESPACE,
            MetricName=_METRIC,
            Dimensions=[{"Name": "jobId", "Value": self._name}],
            StartTime=_moment(self._began - _LOG_SLACK_SECONDS),
            EndTime=_moment(self._service_time() + _LOG_SLACK_SECONDS),
            Period=_PERIOD_SECONDS,
            Statistics=["Sum"],
        )
        for point in answer["Datapoints"]:
            return f"{OWN_NAMESPACE} {_METRIC} of {self._name}: {point['Sum']:g}"
        return None

    @translated("cloudwatch")
    def _alarm(self) -> str | None:
        answer = self._clients.cloudwatch.describe_alarms(AlarmNames=[self._name])
        for alarm in answer["MetricAlarms"]:
            if alarm["StateValue"] == "ALARM":
                return alarm.get("StateReason", "ALARM")
        return None

    def _subscribers(self) -> Hop:
        """The other subscribers; AWS does not report whether a message reached a person."""
        reported = [
            subscriber
            for output in ("EmailTopicArn", "SmsTopicArn")
            for subscriber in subscribers_of(self._clients, self._outputs[output])
        ]
        return Hop(
            name="alarm -> SNS -> people",
            arrived=not any(subscriber.endswith(UNCONFIRMED) for subscriber in reported),
            detail="; ".join(reported) or "nobody is subscribed: `otactl stack deploy --email`",
            is_empty=not reported,
        )

    @translated("cloudwatch")
    def _delete_alarm(self) -> None:
        self._clients.cloudwatch.delete_alarms(AlarmNames=[self._name])


def _moment(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)

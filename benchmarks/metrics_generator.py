"""What an event costs in the metrics generator: calls and time.

    python benchmarks/metrics_generator.py

1. The handler's own work: reading 10,000 events and putting their metrics together.
2. 10,000 events as one list, against the local cloud's CloudWatch and DynamoDB.
3. Events one by one, as the topic rule brings them.
4. Events through the rule of a deployed stack, until CloudWatch has them all.

The stack of the last part is made with `otactl stack deploy`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.lambdas.metrics_generator import (
    BATCH_EVENTS,
    NAMESPACE,
    Claims,
    MetricsGenerator,
    metric_data,
    read_event,
)

EVENTS, SINGLE, THROUGH_RULE = 10_000, 200, 200
TABLE = "benchmark-claims"
MAX_UNREACHABLE_SECONDS = 120


def event(run: str, number: int) -> dict[str, Any]:
    """An event as AWS IoT publishes it, no two download times alike."""
    return {
        "eventType": "JOB_EXECUTION",
        "eventId": f"{run}-{number}",
        "timestamp": int(time.time()),
        "operation": "succeeded",
        "jobId": f"benchmark-{run}",
        "thingArn": f"arn:aws:iot:us-east-1:000000000000:thing/thing-{number}",
        "status": "SUCCEEDED" if number % 50 else "FAILED",
        "statusDetails": {"downloadTime": f"{10 + number / 100:.2f}", "retryCount": "0"},
    }


def report(title: str, events: int, seconds: float, calls: dict[str, int]) -> None:
    """Print one line: time and calls for each event."""
    counted = ", ".join(f"{count / events:.4g} {name}" for name, count in calls.items())
    print(f"{title:<34} {seconds / events * 1e6:10,.1f} us/event   {counted}")


def own_work() -> None:
    """Without any AWS."""
    events = [event("pure", number) for number in range(EVENTS)]
    started = time.perf_counter()
    for start in range(0, EVENTS, BATCH_EVENTS):
        metric_data([read_event(each) for each in events[start : start + BATCH_EVENTS]], 0)
    report("reading and putting together", EVENTS, time.perf_counter() - started, {})


def against_local_cloud(clients: AwsClients) -> None:
    """The handler as it is, in batches and one by one."""
    clients.dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "eventId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "eventId", "KeyType": "HASH"}],
    )

    def log(_outcome: str, **_fields: Any) -> None:
        """Nobody reads it."""

    claims = Claims(clients.dynamodb, TABLE, now_seconds=time.time, log=log)
    generator = MetricsGenerator(clients.cloudwatch, claims, log=log)
    batch = [event("batch", number) for number in range(EVENTS)]
    singles = [event("single", number) for number in range(SINGLE)]

    before, started = clients.calls.snapshot(), time.perf_counter()
    tally = generator.handle(batch, "call")
    if tally["published"] != EVENTS:
        sys.exit(f"not all were published: {tally}")
    seconds = time.perf_counter() - started
    report(f"{EVENTS:,} as one list", EVENTS, seconds, since(clients, before))

    before, started = clients.calls.snapshot(), time.perf_counter()
    for number, each in enumerate(singles):
        generator.handle(each, f"call-{number}")
    report(f"{SINGLE} one by one", SINGLE, time.perf_counter() - started, since(clients, before))


def since(clients: AwsClients, before: dict[str, int]) -> dict[str, int]:
    """The calls that were made since a snapshot."""
    now = clients.calls.snapshot()
    return {
        name: count - before.get(name, 0)
        for name, count in now.items()
        if count != before.get(name, 0)
    }


def through_the_rule(clients: AwsClients, environment: dict[str, str]) -> None:
    """From the rule to CloudWatch, with the function in a process of its own."""
    made = subprocess.run(
        [sys.executable, "-m", "otactl", "stack", "deploy", "--yes", "--poll", "0.1", "-o", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    rule = json.loads(made.stdout)["outputs"]["RuleName"]
    started = time.perf_counter()
    for number in range(THROUGH_RULE):
        clients.iot_data.publish(
            topic=f"$aws/rules/{rule}/benchmark", payload=json.dumps(event("rule", number))
        )
    published = time.perf_counter() - started
    while counted(clients) < THROUGH_RULE:
        if time.perf_counter() - started > MAX_UNREACHABLE_SECONDS:
            sys.exit(f"only {counted(clients):g} of {THROUGH_RULE} events arrived")
        time.sleep(0.1)
    report(f"{THROUGH_RULE} through the rule", THROUGH_RULE, time.perf_counter() - started, {})
    print(f"  publishing took {published:.1f} s of it; each was counted once")


def counted(clients: AwsClients) -> float:
    """How many events CloudWatch has of the job."""
    now = datetime.now(UTC)
    total = 0.0
    for metric in ("succeeded", "failed"):
        points = clients.cloudwatch.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": "jobId", "Value": "benchmark-rule"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        total += sum(point["Sum"] for point in points)
    return total


def main() -> None:
    """Run all parts."""
    own_work()
    with start_local_cloud(CloudSettings()) as cloud:
        clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
        against_local_cloud(clients)
        environment = {"PATH": "", "HOME": cloud.address.state_dir} | cloud.address.environment()
        through_the_rule(clients, environment)


if __name__ == "__main__":
    main()

"""What a message through the local cloud's broker costs: the figures behind two decisions.

    python benchmarks/broker.py

1. Three ways to publish an answer from inside the server process (docs/adr/0002).
2. The broker with many subscriptions, with and without our index (docs/adr/0006).

The parts run in processes of their own, because MiniStack keeps its state in its modules.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

import boto3

from otactl.cloud import CloudSettings, start_local_cloud

ACCOUNT, REGION = "000000000000", "us-east-1"
TOPIC = "$aws/things/thing-7/streams/s/data/cbor"
SECONDS = 2.0
DEVICES, FILTERS_EACH = 1000, 8


def rate(count: int, started: float) -> str:
    """How many a second since a moment of ``perf_counter``."""
    return f"{count / (time.perf_counter() - started):9,.0f} messages/s"


async def hear(_topic: str, _payload: bytes, _qos: int) -> None:
    """Receive a message and do nothing with it."""


async def publish_for_a_while(publish: Any) -> str:
    """Call it one time after another and say how often a second."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        await publish()
        count += 1
    return rate(count, started)


async def in_process(iot: Any, application: Any) -> None:
    """Publish by function and by ASGI, to one subscriber."""
    payload = bytes(4096)
    await iot.broker_subscribe(ACCOUNT, REGION, "$aws/things/thing-7/streams/+/data/+", hear)

    async def by_function() -> None:
        await iot.broker_publish(ACCOUNT, REGION, TOPIC, payload)

    async def by_asgi() -> None:
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        credential = f"{ACCOUNT}/{now[:8]}/{REGION}/iotdata/aws4_request"
        authorization = (
            f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={'0' * 64}"
        )
        headers = {"host": "localhost", "x-amz-date": now, "authorization": authorization}
        path = f"/topics/{TOPIC}"
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.replace("$", "%24").encode(),
            "query_string": b"qos=0",
            "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
            "client": ("127.0.0.1", 1),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": payload, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] == 200, message  # noqa: S101

        await application(scope, receive, send)

    print("function call      ", await publish_for_a_while(by_function))
    print("ASGI call          ", await publish_for_a_while(by_asgi))


async def with_a_fleet(iot: Any) -> str:
    """Publish to one of many devices, then let some go."""
    subscriptions = []
    for device in range(DEVICES):
        for number in range(FILTERS_EACH):
            topic_filter = f"$aws/things/thing-{device}/streams/s{number}/+/+"
            subscriptions.append(await iot.broker_subscribe(ACCOUNT, REGION, topic_filter, hear))

    async def publish() -> None:
        await iot.broker_publish(ACCOUNT, REGION, "$aws/things/thing-7/streams/s3/data/cbor", b"x")

    published = await publish_for_a_while(publish)
    started = time.perf_counter()
    for subscription in subscriptions[:500]:
        await iot.broker_unsubscribe(subscription)
    return f"{published}, unsubscribe {rate(500, started).replace('messages', 'filters')}"


def child(part: str) -> None:
    """Measure one part in this process."""
    from ministack import app  # noqa: PLC0415  # after the environment is set
    from ministack.services import iot  # noqa: PLC0415

    if part == "ways":
        asyncio.run(in_process(iot, app.app))
        return
    if part == "indexed":
        from otactl.cloud.ministack import subscription_index  # noqa: PLC0415
        from otactl.cloud.ministack.shape import adapt  # noqa: PLC0415

        adapt(subscription_index.install)
    print(f"{part:19}", asyncio.run(with_a_fleet(iot)))


def over_http() -> None:
    """Publish as a client outside has to."""
    with start_local_cloud(CloudSettings(log_level="WARNING", connection_rates=False)) as cloud:
        client = boto3.client(
            "iot-data",
            endpoint_url=cloud.address.endpoint_url,
            region_name=REGION,
            aws_access_key_id=cloud.address.access_key_id,
            aws_secret_access_key=cloud.address.secret_access_key,
        )
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < SECONDS:
            client.publish(topic=TOPIC, payload=bytes(4096), qos=0)
            count += 1
        print("HTTPS Publish      ", rate(count, started))


def main() -> None:
    """Run all parts."""
    if len(sys.argv) > 1:
        child(sys.argv[1])
        return
    with tempfile.TemporaryDirectory() as directory:
        environment = os.environ | {
            "AUTH": "true",
            "LOG_LEVEL": "WARNING",
            "STATE_DIR": directory,
            "TMPDIR": directory,
            "S3_DATA_DIR": directory,
        }

        def run(part: str) -> None:
            sys.stdout.flush()
            subprocess.run([sys.executable, __file__, part], env=environment, check=True)

        print("one subscriber, 4 KiB, QoS 0:")
        run("ways")
        over_http()
        print(f"{DEVICES} devices with {FILTERS_EACH} filters each:")
        run("unindexed")
        run("indexed")


if __name__ == "__main__":
    main()

"""Stream throughput beside what the same broker passes as bare publish-subscribe.

    python benchmarks/streams.py [--seconds 5]

One device over mutual TLS, one broker. For each block size, in turn and in the same run:

- bare: another client publishes messages of the size of a stream's data message, QoS 0;
- stream: the device asks for blocks of a file of 24 MiB in CBOR, four requests in flight, each
  for as much as one request may ask for (128 KiB).

The goal is a ratio of 0.5 or more at both sizes. Before it measures, it fetches the whole file
once and compares it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import cbor2

from otactl.cloud import CloudSettings, RunningCloud, start_local_cloud
from raw_mqtt import RawClient, publish_packet

BLOCK_SIZES = (4096, 65536)
FILE_BYTES = 24 * 1024 * 1024
REQUEST_BYTES = 131072
IN_FLIGHT = 4
ROUNDS = 3
GOAL = 0.5
MIB = 1024 * 1024


@dataclass
class Bench:
    """A local cloud with a bucket, a stream and two devices."""

    cloud: RunningCloud
    image: bytes
    tls: dict[str, ssl.SSLContext]

    async def connect(self, name: str, on_message: Any = None) -> RawClient:
        """One of the two devices."""
        address = self.cloud.address
        return await RawClient.connect(
            address.mqtt_host, address.mqtt_port, self.tls[name], name, on_message
        )


def prepare(cloud: RunningCloud, directory: Path) -> Bench:
    """Make the bucket, the stream and the devices."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=cloud.address.endpoint_url,
            region_name=cloud.address.region,
            aws_access_key_id=cloud.address.access_key_id,
            aws_secret_access_key=cloud.address.secret_access_key,
        )

    image = os.urandom(FILE_BYTES)
    client("s3").create_bucket(Bucket="bench")
    client("s3").put_object(Bucket="bench", Key="image", Body=image)
    trust = [
        {
            "Effect": "Allow",
            "Principal": {"Service": "iot.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    role = client("iam").create_role(RoleName="bench", AssumeRolePolicyDocument=policy(trust))
    access = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bench/*"}]
    client("iam").put_role_policy(
        RoleName="bench", PolicyName="read", PolicyDocument=policy(access)
    )
    iot = client("iot")
    iot.create_stream(
        streamId="bench",
        files=[{"fileId": 0, "s3Location": {"bucket": "bench", "key": "image"}}],
        roleArn=role["Role"]["Arn"],
    )
    everything = [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]
    iot.create_policy(policyName="bench", policyDocument=policy(everything))
    return Bench(
        cloud, image, {name: identity(iot, cloud, directory, name) for name in ("one", "two")}
    )


def policy(statements: list[dict[str, Any]]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def identity(iot: Any, cloud: RunningCloud, directory: Path, name: str) -> ssl.SSLContext:
    """A registered device's side of mutual TLS."""
    certificate = iot.create_keys_and_certificate(setAsActive=True)
    iot.attach_policy(policyName="bench", target=certificate["certificateArn"])
    files = directory / f"{name}.pem", directory / f"{name}.key"
    files[0].write_text(certificate["certificatePem"])
    files[1].write_text(certificate["keyPair"]["PrivateKey"])
    tls = ssl.create_default_context(cafile=cloud.address.ca_file)
    tls.load_cert_chain(*files)
    return tls


def request(topic: str, block_size: int, offset: int, blocks: int) -> bytes:
    """A GetStream request as a PUBLISH packet."""
    body = cbor2.dumps({"f": 0, "l": block_size, "o": offset, "n": blocks})
    return publish_packet(f"{topic}/get/cbor", body)


async def check_file(bench: Bench) -> None:
    """Fetch the whole file once and compare it."""
    blocks: dict[int, bytes] = {}
    count = FILE_BYTES // 65536
    complete = asyncio.Event()

    def keep(payload: bytes) -> None:
        block = cbor2.loads(payload)
        blocks[block["i"]] = block["p"]
        if len(blocks) == count:
            complete.set()

    device = await bench.connect("one", keep)
    topic = "$aws/things/one/streams/bench"
    await device.subscribe(f"{topic}/data/cbor")
    for offset in range(0, count, 2):
        await device.send(request(topic, 65536, offset, 2))
    async with asyncio.timeout(60):
        await complete.wait()
    device.close()
    if b"".join(blocks[index] for index in sorted(blocks)) != bench.image:
        raise SystemExit("the stream delivered other bytes than the file's")


async def measure(device: RawClient, seconds: float) -> tuple[float, float]:
    """Messages and MiB of payload a second, after a moment to get going."""
    await asyncio.sleep(0.5)
    messages, payload, started = device.messages, device.payload_bytes, time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed = time.perf_counter() - started
    return (device.messages - messages) / elapsed, (device.payload_bytes - payload) / elapsed / MIB


async def bare(bench: Bench, block_size: int, seconds: float) -> tuple[float, float]:
    """Publish and subscribe, messages of a data message's size."""
    device, publisher = await bench.connect("one"), await bench.connect("two")
    await device.subscribe("bench/data")
    payload = cbor2.dumps({"f": 0, "l": block_size, "i": 1, "p": bench.image[:block_size]})
    packet = publish_packet("bench/data", payload)

    async def publish() -> None:
        while True:
            await publisher.send(packet)
            await asyncio.sleep(0)

    task = asyncio.create_task(publish())
    rates = await measure(device, seconds)
    task.cancel()
    publisher.close()
    device.close()
    return rates


async def stream(bench: Bench, block_size: int, seconds: float) -> tuple[float, float]:
    """Ask for blocks, some requests ahead."""
    device = await bench.connect("one")
    topic = "$aws/things/one/streams/bench"
    await device.subscribe(f"{topic}/data/cbor")
    blocks, in_file = REQUEST_BYTES // block_size, FILE_BYTES // block_size

    async def ask() -> None:
        asked = 0
        while True:
            if asked - device.messages < IN_FLIGHT * blocks:
                await device.send(request(topic, block_size, asked % in_file, blocks))
                asked += blocks
            else:
                await asyncio.sleep(0.0005)

    task = asyncio.create_task(ask())
    rates = await measure(device, seconds)
    task.cancel()
    device.close()
    return rates


def median(rates: list[tuple[float, float]]) -> tuple[float, float]:
    """The middle one by MiB."""
    return sorted(rates, key=lambda rate: rate[1])[len(rates) // 2]


async def run(bench: Bench, seconds: float) -> bool:
    """Measure both sizes; says whether the goal is met."""
    await check_file(bench)
    met = True
    for block_size in BLOCK_SIZES:
        rounds: dict[str, list[tuple[float, float]]] = {"bare": [], "stream": []}
        for _ in range(ROUNDS):
            rounds["bare"].append(await bare(bench, block_size, seconds))
            rounds["stream"].append(await stream(bench, block_size, seconds))
        results = {name: median(rates) for name, rates in rounds.items()}
        ratio = results["stream"][1] / results["bare"][1]
        met = met and ratio >= GOAL
        print(f"blocks of {block_size} bytes (median of {ROUNDS} rounds of {seconds:g} s):")
        for name, (messages, mib) in results.items():
            print(f"  {name:7} {mib:8.1f} MiB/s {messages:9,.0f} messages/s")
        print(f"  ratio   {ratio:8.2f} (goal: {GOAL} or more)")
    return met


def main() -> None:
    """Run it all against a local cloud of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        start_local_cloud(CloudSettings(log_level="WARNING", connection_rates=False)) as cloud,
    ):
        met = asyncio.run(run(prepare(cloud, Path(directory)), arguments.seconds))
    print("command: python benchmarks/streams.py")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()

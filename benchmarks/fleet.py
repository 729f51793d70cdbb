"""A thousand devices at once, each through a 64 KiB image, in one process on this machine.

    python benchmarks/fleet.py [--things 1000] [--kib 64] [--speed 1] [--json]

A local cloud, a fleet created in it, all devices connected over mutual TLS, then one job for all
of them by stream. The time runs from CreateJob until the last device has rebooted into the new
image, connected again and had its report accepted. Every device must end SUCCEEDED with the
SHA-256 of the very file, or this exits with 1.

Memory per device is what the resident memory of this process grew by between before and after
the devices connected, and again at its highest during the job, divided by the devices; for the
cloud's process it is the growth since before the fleet was made. The cloud notes in its log when
its event loop stalls for more than half a second; the longest time is told, and how
much of such a time was work: the rest is another program's. A rollout notifies
1,000 things a minute at most, of the cloud's minutes: ten thousand need ``--speed 10``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.fleet import DevicePlan, FleetClock, FleetDirectory, FleetEndpoint, FleetRun
from otactl.model.status import ExecutionStatus
from otactl.operations.fleet_provisioning import create_fleet, plan_fleet

BUCKET = "benchmark-firmware"
KIB = 1024
MAX_SECONDS = 600


def resident_kib(pid: int | str = "self") -> int:
    """The resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS")


def cpu_seconds(pid: int | str = "self") -> float:
    """The processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Highest(threading.Thread):
    """Watches the resident memory of this process and keeps its highest value."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.kib = resident_kib()
        self._over = threading.Event()

    def run(self) -> None:
        """Look every tenth of a second."""
        while not self._over.wait(0.1):
            self.kib = max(self.kib, resident_kib())

    def end(self) -> int:
        """The highest so far."""
        self._over.set()
        return self.kib


def put_image(clients: AwsClients, image: bytes) -> None:
    """A bucket, a role that may read it, and a stream."""
    clients.s3.create_bucket(Bucket=BUCKET)
    clients.s3.put_object(Bucket=BUCKET, Key="image", Body=image)
    trust = {"Principal": {"Service": "iot.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = clients.iam.create_role(RoleName="reader", AssumeRolePolicyDocument=_policy(trust))
    access = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    clients.iam.put_role_policy(
        RoleName="reader", PolicyName="read", PolicyDocument=_policy(access)
    )
    clients.iot.create_stream(
        streamId="image",
        files=[{"fileId": 1, "s3Location": {"bucket": BUCKET, "key": "image"}}],
        roleArn=role["Role"]["Arn"],
    )


def _policy(statement: dict[str, Any]) -> str:
    statements = [{"Effect": "Allow", **statement}]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def create_job(clients: AwsClients, image: bytes) -> None:
    """One job for the whole group, at the highest rate a rollout may have."""
    document = {
        "command": "fota",
        "streamId": "image",
        "fileId": 1,
        "fileSize": len(image),
        "md5sum": hashlib.md5(image, usedforsecurity=False).hexdigest(),
    }
    group = clients.iot.describe_thing_group(thingGroupName="benchmark")["thingGroupArn"]
    clients.iot.create_job(
        jobId="benchmark",
        targets=[group],
        document=json.dumps(document),
        jobExecutionsRolloutConfig={"maximumPerMinute": 1000},
    )


def wait_connected(fleet: FleetRun, things: int) -> None:
    """Until every device is connected and has asked for work."""
    until = time.monotonic() + MAX_SECONDS
    while not fleet.progress().is_settled:
        if time.monotonic() > until:
            raise TimeoutError(f"only {fleet.progress().connected} of {things} connected")
        time.sleep(0.05)


def stall_seconds(log: Path) -> tuple[float, float]:
    """The longest stall of the cloud's event loop, and the longest work in one.

    0 if it was under half a second.
    """
    found = re.findall(r"stalled for ([\d.]+) s \(([\d.]+) s of work", log.read_text())
    return max((float(late) for late, _ in found), default=0.0), max(
        (float(work) for _, work in found), default=0.0
    )


def measure(things: int, image: bytes, speed: float, directory: Path) -> dict[str, float]:
    """Run it once."""
    figures: dict[str, float] = {"things": things, "imageKiB": len(image) / KIB}
    settings = CloudSettings(
        state_dir=directory / "cloud", connection_rates=False, speed=speed, log_level="WARNING"
    )
    with start_local_cloud(settings) as cloud:
        cloud_kib = resident_kib(cloud.address.pid)
        clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
        names = [f"device-{number:05}" for number in range(things)]
        manifest = plan_fleet(clients, things=names, groups={"benchmark": names})
        fleet_directory = FleetDirectory(directory / "fleet")
        begun = time.monotonic()
        for _ in create_fleet(clients, fleet_directory, manifest):
            pass
        figures["createSeconds"] = time.monotonic() - begun
        put_image(clients, image)

        empty_kib = resident_kib()
        fleet = FleetRun(
            fleet_directory,
            [DevicePlan(thing_name=name) for name in names],
            endpoint=FleetEndpoint.of_local_cloud(cloud.address),
            clock=FleetClock.of_local_cloud(cloud.address),
        )
        begun = time.monotonic()
        with fleet:
            wait_connected(fleet, things)
            figures["connectSeconds"] = time.monotonic() - begun
            figures["connectedKiBPerDevice"] = (resident_kib() - empty_kib) / things
            highest = Highest()
            highest.start()
            spent = {pid: cpu_seconds(pid) for pid in ("self", cloud.address.pid)}
            begun = time.monotonic()
            create_job(clients, image)
            while len(fleet.results()) < things and time.monotonic() - begun < MAX_SECONDS:
                time.sleep(0.02)
            figures["jobSeconds"] = time.monotonic() - begun
            figures["fleetCpuSeconds"] = cpu_seconds() - spent["self"]
            figures["cloudCpuSeconds"] = cpu_seconds(cloud.address.pid) - spent[cloud.address.pid]
            figures["cloudCpuMsPerDevice"] = 1000 * figures["cloudCpuSeconds"] / things
            figures["cloudKiBPerDevice"] = (resident_kib(cloud.address.pid) - cloud_kib) / things
            figures["stallSeconds"], figures["stallWorkSeconds"] = stall_seconds(cloud.log_file)
            figures["highestKiBPerDevice"] = (highest.end() - empty_kib) / things
            results = fleet.results()
    figures["devicesPerSecond"] = len(results) / figures["jobSeconds"]
    figures["retries"] = sum(result.retries for result in results)
    sha256 = hashlib.sha256(image).hexdigest()
    figures["succeeded"] = sum(
        result.status is ExecutionStatus.SUCCEEDED and result.sha256 == sha256 for result in results
    )
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--things", type=int, default=1000)
    parser.add_argument("--kib", type=int, default=64, help="size of the image")
    parser.add_argument("--speed", type=float, default=1, help="of the cloud's clock")
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otactl-fleet-") as directory:
        image = os.urandom(options.kib * KIB)
        figures = measure(options.things, image, options.speed, Path(directory))
    if options.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:<22} {figure:>10,.1f}")
    if figures["succeeded"] != options.things:
        sys.exit(f"only {figures['succeeded']:.0f} of {options.things} devices succeeded")


if __name__ == "__main__":
    main()

"""What a fleet test needs in the local cloud: things, an image in a stream, a job."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.waiting import wait_until

from otactl.device.profile import DeviceProfile
from otactl.fleet import DevicePlan, FleetClock, FleetDirectory, FleetEndpoint, FleetRun
from otactl.operations.fleet_provisioning import create_fleet, delete_fleet, plan_fleet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud
    from otactl.device.behaviour import Behaviour
    from otactl.fleet import FactoryImage, FleetManifest

#: Quick devices: a test waits for them.
QUICK = DeviceProfile(install_ms=50, reboot_ms=50, drop_ms=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Things in a cloud, with an image to give them."""

    cloud: RunningCloud
    clients: AwsClients
    directory: FleetDirectory
    manifest: FleetManifest
    bucket: str
    role_arn: str

    @property
    def group_arn(self) -> str:
        (group,) = self.manifest.groups
        return self.clients.iot.describe_thing_group(thingGroupName=group)["thingGroupArn"]

    def fleet(
        self,
        *,
        behaviours: dict[str, Behaviour] | None = None,
        profile: DeviceProfile = QUICK,
        factory: FactoryImage | None = None,
        **settings: Any,
    ) -> FleetRun:
        """The devices of all things; not started."""
        plans = [
            DevicePlan(
                thing_name=name,
                profile=profile,
                factory=factory,
                **({"behaviour": behaviours[name]} if behaviours and name in behaviours else {}),
            )
            for name in self.manifest.things
        ]
        return FleetRun(
            self.directory,
            plans,
            endpoint=FleetEndpoint.of_local_cloud(self.cloud.address),
            clock=FleetClock.of_local_cloud(self.cloud.address),
            **settings,
        )

    def put_image(self, content: bytes, name: str) -> None:
        """Put an image into the bucket, and a stream of that name before it."""
        key = f"fleet/{name}"
        self.clients.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        self.clients.iot.create_stream(
            streamId=name,
            files=[{"fileId": 1, "s3Location": {"bucket": self.bucket, "key": key}}],
            roleArn=self.role_arn,
        )

    def create_job(self, job_id: str, content: bytes, *, stream: str, **settings: Any) -> None:
        """A job for all things; ``document`` in the settings changes the manual's document."""
        changes = settings.pop("document", {})
        document = {
            "command": "fota",
            "streamId": stream,
            "fileId": 1,
            "fileSize": len(content),
            "imageVer": "2",
            "md5sum": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        } | changes
        present = {key: member for key, member in document.items() if member is not None}
        self.clients.iot.create_job(
            jobId=job_id, targets=[self.group_arn], document=json.dumps(present), **settings
        )

    def presigned(self, name: str, region: str = "us-east-1") -> str:
        """The placeholder for an image's presigned URL."""
        address = f"https://s3.{region}.amazonaws.com/{self.bucket}/fleet/{name}"
        return f"${{aws:iot:s3-presigned-url:{address}}}"

    def execution(self, job_id: str, thing_name: str) -> dict[str, Any]:
        """What the service has on record."""
        answer = self.clients.iot.describe_job_execution(jobId=job_id, thingName=thing_name)
        return dict(answer["execution"])


@contextlib.contextmanager
def stage(
    cloud: RunningCloud,
    clients: AwsClients,
    root: Path,
    *,
    things: Sequence[str],
    group: str,
    bucket: str,
    role_arn: str,
    shadows: Sequence[str] = (),
) -> Iterator[Stage]:
    """Make things in a cloud, for a while."""
    directory = FleetDirectory(root)
    manifest = plan_fleet(clients, things=things, groups={group: things})
    made = Stage(
        cloud=cloud,
        clients=clients,
        directory=directory,
        manifest=manifest,
        bucket=bucket,
        role_arn=role_arn,
    )
    try:
        for _ in create_fleet(clients, directory, manifest, shadows=shadows):
            pass
        yield made
    finally:
        for _ in delete_fleet(clients, directory, manifest):
            pass


def wait_for_results(fleet: FleetRun, count: int) -> None:
    """Wait until a fleet has this many results.

    A number, not a quiet while: on a busy machine the next job takes longer to reach a device than
    any while that a test can afford.
    """
    wait_until(lambda: len(fleet.results()) >= count, f"{count} results", seconds=120)

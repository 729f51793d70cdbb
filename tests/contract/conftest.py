"""What several contracts with the local cloud need."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.support.fleet_stage import Stage, stage
from tests.support.sdk_connection import sdk_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from awscrt import mqtt
    from tests.conftest import DeviceIdentity, MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud


@pytest.fixture
def staged(
    cloud: RunningCloud,
    clients: AwsClients,
    firmware_bucket: str,
    stream_role_arn: str,
    unique: str,
    tmp_path: Path,
) -> Iterator[Callable[..., Stage]]:
    """Makes things in the shared cloud, and an image in a stream that bears their group's name."""
    with ExitStack() as stack:

        def build(things: Sequence[str], image: bytes, *, shadows: Sequence[str] = ()) -> Stage:
            made = stack.enter_context(
                stage(
                    cloud,
                    clients,
                    tmp_path / "fleet",
                    things=[f"{name}-{unique}" for name in things],
                    group=unique,
                    bucket=firmware_bucket,
                    role_arn=stream_role_arn,
                    shadows=shadows,
                )
            )
            made.put_image(image, unique)
            return made

        yield build


@pytest.fixture
def thing(make_device: MakeDevice, unique: str) -> DeviceIdentity:
    """A device of its own."""
    return make_device(f"sdk-{unique}")


@pytest.fixture
def connection(cloud: RunningCloud, thing: DeviceIdentity) -> Iterator[mqtt.Connection]:
    """The device, connected by the AWS IoT Device SDK."""
    with sdk_connection(cloud, thing) as connection:
        yield connection

"""The fixtures, a pytest plugin; they need the ``local`` extra.

- ``local_cloud``: a cloud of the test run's own on loopback, gone with it, even by ``kill -9``.
- ``local_cloud_environment``: the variables that point a program at it, for ``subprocess``.
- ``local_device``: registers a thing that connects over mutual TLS, for as long as the test lasts.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, RunningCloud, start_local_cloud
from otactl.testing.device import DeviceIdentity, registered_device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class RegisterDevice(Protocol):
    """Registers a thing with a certificate of its own."""

    def __call__(self, thing_name: str) -> DeviceIdentity:
        """Register it; the test's end removes it."""
        ...


@pytest.fixture(scope="session")
def local_cloud() -> Iterator[RunningCloud]:
    """A local cloud at real speed, on ports of its own."""
    with start_local_cloud(CloudSettings()) as cloud:
        yield cloud


@pytest.fixture
def local_cloud_environment(local_cloud: RunningCloud) -> dict[str, str]:
    """AWS_ENDPOINT_URL and the rest; merge them into the environment of what is started."""
    return local_cloud.address.environment()


@pytest.fixture
def local_device(local_cloud: RunningCloud, tmp_path: Path) -> Iterator[RegisterDevice]:
    """Register things whose certificates reach their own topics only; gone with the test."""
    clients = AwsClients(AwsSettings.for_local_cloud(local_cloud.address))
    with ExitStack() as stack:

        def register(thing_name: str) -> DeviceIdentity:
            return stack.enter_context(
                registered_device(
                    clients,
                    account_id=local_cloud.address.account_id,
                    thing_name=thing_name,
                    directory=tmp_path,
                )
            )

        yield register

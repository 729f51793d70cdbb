"""A pytest plugin with these fixtures; they need the ``local`` extra.

- ``local_cloud``: a cloud on loopback for this test run; it stops with it, even by ``kill -9``.
- ``local_cloud_environment``: the variables that point a program at it, for ``subprocess``.
- ``local_device``: registers a thing that connects over mutual TLS, until the test ends.
- ``rehearse``: ``otactl.api.rehearse`` with the journal in the test's own folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from otactl import api
from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, RunningCloud, start_local_cloud
from otactl.deploy.observer import Observer
from otactl.testing.device import DeviceIdentity, registered_device


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
    """AWS_ENDPOINT_URL and the rest; merge them into the environment of a started program."""
    return local_cloud.address.environment()


@pytest.fixture
def local_device(local_cloud: RunningCloud, tmp_path: Path) -> Iterator[RegisterDevice]:
    """Register things whose certificates allow their own topics only; removed with the test."""
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


class Rehearse(Protocol):
    """Rehearses a deployment; takes what ``otactl.api.rehearse`` takes."""

    def __call__(
        self,
        path: str | Path,
        *,
        things: int | None = None,
        behave: Mapping[str, float] | None = None,
        speed: float = 1.0,
        rounds: int | None = None,
        seed: int = 0,
        max_wait_seconds: float = 3600.0,
        observer: Observer | None = None,
    ) -> api.DeploymentResult:
        """Rehearse it; everything it created is removed when it returns."""
        ...


@pytest.fixture
def rehearse(tmp_path: Path) -> Rehearse:
    """Rehearse deployments: ``rehearse("dev.ini", things=20, behave={"fail": 10}).succeeded``."""
    return partial(api.rehearse, state_dir=tmp_path / "otactl")

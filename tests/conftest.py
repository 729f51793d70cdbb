"""Fixtures for tests against the local cloud.

``cloud`` is one real local cloud for each worker process of the test run, at real speed, shared
by all tests that do not change what others see; ``unique`` keeps their names apart.
``start_cloud`` starts one of a test's own, for other settings or for destroying it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import ssl
import uuid
from typing import TYPE_CHECKING, Any, Protocol

import aiomqtt
import pytest
from hypothesis import HealthCheck, settings
from tests.support.any_account import AnyAccount, open_real_account
from tests.support.order import spread
from tests.support.output_schema import checked, commands_with_schema

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, RunningCloud, start_local_cloud
from otactl.testing import DeviceIdentity, registered_device

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

# `make test` draws the same examples every time: what fails there fails for everybody. `make
# test-all` draws others each time; what it finds is kept as an `@example` of the test.
# A cold start (no bytecode, two processes) is slow by itself, which says nothing of the test.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "random", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("OTACTL_EXAMPLES", "same"))

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
#: What a run in a real account took.
SPENT = pytest.StashKey[list[str]]()
FIRMWARE_BUCKET = "otactl-test-firmware"
STREAM_ROLE = "otactl-test-stream"
#: Tests need not wait as long as on AWS, nor be slowed down as there.
QUICK: dict[str, Any] = {
    "account_id": ACCOUNT_ID,
    "region": REGION,
    "delete_job_seconds": 0.2,
    "connection_rates": False,
}


@pytest.hookimpl(optionalhook=True)  # of xdist, without which tests run too
def pytest_testnodedown(node: Any) -> None:
    """Take over from a worker of the test run which commands wrote what their schema says."""
    checked.update(getattr(node, "workeroutput", {}).get("schemas", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After all tests: fail if a command's ``--output json`` was never held against its schema."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["schemas"] = sorted(checked)
        return
    is_whole = config.args == config.getini("testpaths") and not config.getoption("keyword")
    missing = commands_with_schema() - checked
    if is_whole and not config.option.collectonly and not session.shouldstop and missing:
        print(f"\nno test ran these with --output json: {', '.join(sorted(missing))}")  # noqa: T201
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)  # after those that deselect
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each process of a parallel run its share of the tests that wait."""
    items[:] = spread(items)


def pytest_collection_finish() -> None:
    """Leave what was collected out of garbage collection: six thousand tests stay to the end."""
    gc.collect()
    gc.freeze()


class StartCloud(Protocol):
    """Starts a local cloud that ends with the test."""

    def __call__(self, **settings: Any) -> RunningCloud: ...


@pytest.fixture(scope="session")
def cloud() -> Iterator[RunningCloud]:
    """The shared local cloud: account 123456789012, us-east-1, real speed, ports of its own."""
    with start_local_cloud(CloudSettings(**QUICK)) as running:
        yield running


@pytest.fixture(scope="session")
def clients(cloud: RunningCloud) -> AwsClients:
    """boto3 clients for the shared cloud, as root of its account."""
    return AwsClients(AwsSettings.for_local_cloud(cloud.address))


@pytest.fixture
def start_cloud() -> Iterator[StartCloud]:
    """Start clouds with settings of the test's own: ``start_cloud(speed=30)``."""
    with contextlib.ExitStack() as stack:

        def start(**settings: Any) -> RunningCloud:
            chosen = QUICK | settings
            return stack.enter_context(start_local_cloud(CloudSettings(**chosen)))

        yield start


@pytest.fixture
def unique() -> str:
    """A suffix no other test has: eight hex digits, good in every AWS name."""
    return uuid.uuid4().hex[:8]


@pytest.fixture(scope="session")
def firmware_bucket(clients: AwsClients) -> str:
    """A versioned bucket in the shared cloud; use keys with ``unique`` in them."""
    clients.s3.create_bucket(Bucket=FIRMWARE_BUCKET)
    clients.s3.put_bucket_versioning(
        Bucket=FIRMWARE_BUCKET, VersioningConfiguration={"Status": "Enabled"}
    )
    return FIRMWARE_BUCKET


@pytest.fixture(scope="session")
def stream_role_arn(clients: AwsClients, firmware_bucket: str) -> str:
    """A role that AWS IoT may assume and that may read ``firmware_bucket``."""
    return make_reader_role(clients, STREAM_ROLE, firmware_bucket)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What uses ``any_account`` runs in the local cloud, and with ``-m aws`` in a real account."""
    if "any_account" in metafunc.fixturenames:
        places = ["local", pytest.param("aws", marks=pytest.mark.aws)]
        metafunc.parametrize("any_account", places, indirect=True)


@pytest.fixture
def any_account(request: pytest.FixtureRequest, unique: str) -> AnyAccount:
    """The shared cloud's account, or a real one: everything in it by the account's prefix."""
    if request.param == "aws":
        return request.getfixturevalue("real_account")
    return AnyAccount(
        clients=request.getfixturevalue("clients"),
        account_id=ACCOUNT_ID,
        region=REGION,
        bucket=request.getfixturevalue("firmware_bucket"),
        role_arn=request.getfixturevalue("stream_role_arn"),
        prefix=f"any-{unique}",
    )


@pytest.fixture(scope="session")
def real_account(request: pytest.FixtureRequest) -> Iterator[AnyAccount]:
    """The account of this shell; what tests leave in it is removed, and looked for again."""
    yield from open_real_account(request.config.stash.setdefault(SPENT, []).append)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what a run in a real account took."""
    for line in config.stash.get(SPENT, []):
        terminalreporter.write_line(line)


class MakeDevice(Protocol):
    """Registers a thing with a certificate of its own."""

    def __call__(self, thing_name: str) -> DeviceIdentity: ...


@pytest.fixture
def make_device(cloud: RunningCloud, clients: AwsClients, tmp_path: Path) -> Iterator[MakeDevice]:
    """Register things in the shared cloud that may reach their own topics only; gone afterwards."""
    with contextlib.ExitStack() as stack:

        def make(thing_name: str) -> DeviceIdentity:
            return stack.enter_context(
                registered_device(
                    clients,
                    account_id=cloud.address.account_id,
                    thing_name=thing_name,
                    directory=tmp_path,
                )
            )

        yield make


@contextlib.asynccontextmanager
async def connected(
    cloud: RunningCloud, device: DeviceIdentity, *, timeout_seconds: float = 10
) -> AsyncIterator[aiomqtt.Client]:
    """A device's MQTT connection over mutual TLS.

    Args:
        cloud: Where to.
        device: As whom.
        timeout_seconds: Seconds to wait for an acknowledgement.
    """
    context = ssl.create_default_context(cafile=cloud.address.ca_file)
    context.load_cert_chain(device.certificate_file, device.private_key_file)
    async with aiomqtt.Client(
        cloud.address.mqtt_host,
        cloud.address.mqtt_port,
        identifier=device.thing_name,
        tls_context=context,
        timeout=timeout_seconds,
    ) as client:
        yield client


def make_reader_role(clients: AwsClients, name: str, bucket: str) -> str:
    """Make a role that AWS IoT may assume and that may read the objects of a bucket.

    Returns:
        Its ARN.
    """
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "iot.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    access = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    role = clients.iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    clients.iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=_policy(access))
    return role["Role"]["Arn"]


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

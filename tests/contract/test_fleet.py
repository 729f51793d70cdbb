"""Virtual devices against the local cloud: real TLS, real jobs, real streams, real URLs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import random
import ssl
import time
from typing import TYPE_CHECKING, Any

import aiomqtt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.fleet_stage import QUICK, Stage, stage, wait_for_results
from tests.support.waiting import wait_until

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.prerequisites import make_bucket, make_role
from otactl.device.behaviour import Behaviour
from otactl.device.profile import DeviceProfile
from otactl.device.state import Phase
from otactl.errors import LocalResourceMissing
from otactl.fleet import DevicePlan, FleetClock, FleetEndpoint, FleetRun
from otactl.fleet.slot import SlotStore
from otactl.model.status import ExecutionStatus
from otactl.wire.stream_topic import PayloadFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import StartCloud


IMAGE = random.Random(7).randbytes(150_001)  # noqa: S311  # any bytes
SHA256 = hashlib.sha256(IMAGE).hexdigest()
SUCCEEDED, FAILED = ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED


@pytest.fixture
def two_things(staged: Callable[..., Stage]) -> Stage:
    """Two things, and the image in a stream that bears their group's name."""
    return staged(["a", "b"], IMAGE)


def _image_of(made: Stage, thing_name: str) -> bytes | None:
    image = SlotStore(made.directory.files_of(thing_name).directory).active_image
    return None if image is None else image.read_bytes()


@pytest.mark.parametrize("payload_format", list(PayloadFormat))
def test_a_job_by_stream(two_things: Stage, unique: str, payload_format: PayloadFormat) -> None:
    with two_things.fleet(payload_format=payload_format) as fleet:
        two_things.create_job(unique, IMAGE, stream=unique)
        wait_for_results(fleet, 2)
        assert fleet.wait_until_idle(grace_seconds=0.2, max_wait_seconds=60)

    results = fleet.results()
    assert {result.thing_name for result in results} == set(two_things.manifest.things)
    assert {(result.status, result.sha256) for result in results} == {(SUCCEEDED, SHA256)}
    for thing_name in two_things.manifest.things:
        assert _image_of(two_things, thing_name) == IMAGE
        record = two_things.execution(unique, thing_name)
        assert record["status"] == "SUCCEEDED"
        details = record["statusDetails"]["detailsMap"]
        assert details["sha256"] == SHA256
        assert details["retryCount"] == "0"
        assert float(details["downloadTime"]) > 0


def test_a_job_by_presigned_url_asks_no_stream(two_things: Stage, unique: str) -> None:
    # The stream it names does not exist: whatever arrives came by the URL.
    with two_things.fleet() as fleet:
        two_things.create_job(
            unique,
            IMAGE,
            stream="no-such-stream",
            document={"presignedUrl": two_things.presigned(unique)},
            presignedUrlConfig={"roleArn": two_things.role_arn, "expiresInSec": 600},
        )
        wait_for_results(fleet, 2)

    assert [(one.status, one.sha256) for one in fleet.results()] == [(SUCCEEDED, SHA256)] * 2


def test_every_behaviour_ends_as_it_is_named(two_things: Stage, unique: str) -> None:
    first, second = two_things.manifest.things
    reasons = {}
    for behaviour, other in (
        (Behaviour.FAIL, Behaviour.REJECT),
        (Behaviour.CORRUPT, Behaviour.DROP),
    ):
        with two_things.fleet(behaviours={first: behaviour, second: other}) as fleet:
            two_things.create_job(f"{unique}-{behaviour}", IMAGE, stream=unique)
            wait_for_results(fleet, 2)
        reasons |= {one.behaviour: (one.status, one.reason) for one in fleet.results()}

    assert reasons == {
        Behaviour.FAIL: (FAILED, "simulated failure while installing"),
        Behaviour.REJECT: (ExecutionStatus.REJECTED, "simulated rejection"),
        Behaviour.CORRUPT: (FAILED, "MD5 mismatch"),
        Behaviour.DROP: (SUCCEEDED, ""),
    }
    assert _image_of(two_things, first) is None
    assert _image_of(two_things, second) == IMAGE


def test_a_slow_link_shows_in_the_download_time(two_things: Stage, unique: str) -> None:
    slow, quick = two_things.manifest.things
    profile = DeviceProfile(link_bytes_per_second=100_000, install_ms=0, reboot_ms=0)

    with two_things.fleet(behaviours={slow: Behaviour.SLOW}, profile=profile) as fleet:
        two_things.create_job(unique, IMAGE, stream=unique)
        wait_for_results(fleet, 2)

    seconds = {one.thing_name: one.download_seconds for one in fleet.results()}
    assert seconds[slow] >= 1.4
    assert seconds[quick] < seconds[slow]
    assert {one.status for one in fleet.results()} == {SUCCEEDED}


def test_a_signature_is_checked(two_things: Stage, unique: str) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ends = []
    for number, signer in enumerate((key, other)):
        signature = signer.sign(IMAGE, ec.ECDSA(hashes.SHA256()))
        with two_things.fleet(public_key=key.public_key()) as fleet:
            two_things.create_job(
                f"{unique}-{number}",
                IMAGE,
                stream=unique,
                document={
                    "md5sum": None,
                    "sigAlgorithm": "SHA256withECDSA",
                    "signature": _base64(signature),
                },
            )
            wait_for_results(fleet, 2)
        ends.append({(one.status, one.reason) for one in fleet.results()})

    assert ends == [{(SUCCEEDED, "")}, {(FAILED, "signature mismatch")}]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def test_a_stream_that_is_not_there_is_a_reason(two_things: Stage, unique: str) -> None:
    with two_things.fleet() as fleet:
        two_things.create_job(unique, IMAGE, stream=f"{unique}-gone")
        wait_for_results(fleet, 2)

    assert {one.reason for one in fleet.results()} == {
        "stream refused the request: ResourceNotFound"
    }


def test_an_object_that_is_gone_is_a_reason(two_things: Stage, unique: str) -> None:
    with two_things.fleet() as fleet:
        two_things.create_job(
            unique,
            IMAGE,
            stream=unique,
            document={"presignedUrl": two_things.presigned(f"{unique}-gone")},
            presignedUrlConfig={"roleArn": two_things.role_arn, "expiresInSec": 600},
        )
        wait_for_results(fleet, 2)

    assert {one.reason for one in fleet.results()} == {"presigned URL answered 404"}


def test_a_slot_that_cannot_be_written_is_a_reason(two_things: Stage, unique: str) -> None:
    broken, whole = two_things.manifest.things
    (two_things.directory.files_of(broken).directory / "slot-a.bin").mkdir()

    with two_things.fleet() as fleet:
        two_things.create_job(unique, IMAGE, stream=unique)
        wait_for_results(fleet, 2)

    ends = {one.thing_name: (one.status, one.reason) for one in fleet.results()}
    assert ends == {broken: (FAILED, "slot: Is a directory"), whole: (SUCCEEDED, "")}


def test_a_thing_without_its_certificate_is_named_before_anything_starts(
    two_things: Stage,
) -> None:
    thing_name = two_things.manifest.things[1]
    two_things.directory.files_of(thing_name).certificate_file.unlink()

    with pytest.raises(LocalResourceMissing, match=rf"{thing_name} has no certificate\.pem"):
        two_things.fleet().start()


def test_a_job_cancelled_midway_is_let_go_and_the_next_one_done(
    two_things: Stage, unique: str
) -> None:
    profile = DeviceProfile(link_bytes_per_second=20_000, install_ms=0, reboot_ms=0)
    slow = dict.fromkeys(two_things.manifest.things, Behaviour.SLOW)
    with two_things.fleet(behaviours=slow, profile=profile) as fleet:
        two_things.create_job(f"{unique}-1", IMAGE, stream=unique)
        wait_until(lambda: fleet.progress().phases[Phase.DOWNLOADING] == 2, "the download")
        two_things.clients.iot.cancel_job(jobId=f"{unique}-1", force=True)
        wait_until(lambda: len(fleet.results()) == 2, "letting go")
        two_things.put_image(IMAGE[:500], f"{unique}-small")
        two_things.create_job(f"{unique}-2", IMAGE[:500], stream=f"{unique}-small")
        wait_for_results(fleet, 4)

    ends = [(one.job_id, one.status) for one in fleet.results()]
    assert ends == [(f"{unique}-1", None)] * 2 + [(f"{unique}-2", SUCCEEDED)] * 2


def test_it_stops_within_seconds_in_the_middle_of_everything(
    two_things: Stage, unique: str
) -> None:
    profile = DeviceProfile(link_bytes_per_second=1000)
    slow = dict.fromkeys(two_things.manifest.things, Behaviour.SLOW)
    fleet = two_things.fleet(behaviours=slow, profile=profile)
    fleet.start()
    two_things.create_job(unique, IMAGE, stream=unique)
    wait_until(lambda: fleet.progress().phases[Phase.DOWNLOADING] == 2, "the download")

    before = time.monotonic()
    fleet.stop()
    fleet.stop()

    assert time.monotonic() - before < 5
    assert fleet.results() == ()


def test_it_stops_although_a_cancellation_gets_lost(
    two_things: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.11's ``asyncio.wait_for`` loses one that comes with what it waited for."""
    publish, held = aiomqtt.Client.publish, set()

    async def publish_and_lose(self: aiomqtt.Client, *message: Any, **settings: Any) -> None:
        await publish(self, *message, **settings)
        if self not in held:
            held.add(self)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    monkeypatch.setattr(aiomqtt.Client, "publish", publish_and_lose)
    fleet = two_things.fleet()
    fleet.start()
    wait_until(lambda: len(held) == 2, "the first messages")

    before = time.monotonic()
    fleet.stop()

    assert time.monotonic() - before < 30  # without care it waits for an hour


def test_progress_reaches_the_service(two_things: Stage, unique: str) -> None:
    profile = DeviceProfile(
        link_bytes_per_second=60_000, progress_blocks=4, progress_shortest_ms=100
    )
    slow = dict.fromkeys(two_things.manifest.things, Behaviour.SLOW)
    thing_name = two_things.manifest.things[0]

    def details() -> dict[str, str]:
        record = two_things.execution(unique, thing_name)
        return dict(record.get("statusDetails", {}).get("detailsMap", {}))

    with two_things.fleet(behaviours=slow, profile=profile) as fleet:
        two_things.create_job(unique, IMAGE, stream=unique)
        wait_until(lambda: fleet.progress().phases[Phase.DOWNLOADING] == 2, "the download")
        wait_until(lambda: int(details().get("receivedBlocks", "0")) >= 4, "progress")
        seen = details()
        wait_for_results(fleet, 2)

    assert seen["step"] == "downloading"
    assert seen["totalBlocks"] == str(-(-len(IMAGE) // 4096))


async def _is_allowed(
    made: Stage, thing_name: str, *, client_id: str, subscribe: str = "", publish: str = ""
) -> bool:
    """Whether a thing's certificate may do this; a broker ends what the policy does not allow."""
    files = made.directory.files_of(thing_name)
    context = ssl.create_default_context(cafile=made.cloud.address.ca_file)
    context.load_cert_chain(files.certificate_file, files.key_file)
    try:
        async with aiomqtt.Client(
            made.cloud.address.mqtt_host,
            made.cloud.address.mqtt_port,
            identifier=client_id,
            tls_context=context,
            timeout=5,
        ) as client:
            if subscribe:
                granted = await client.subscribe(subscribe, qos=1)
                return not any(getattr(code, "is_failure", False) for code in granted)
            await client.publish(publish, json.dumps({}), qos=1)
            # QoS 1 is acknowledged before or instead of the line being cut: ask once more.
            await client.publish(publish, json.dumps({}), qos=1)
            return True
    except aiomqtt.MqttError:
        return False


async def test_the_policy_lets_a_thing_reach_its_own_topics_only(two_things: Stage) -> None:
    mine, other = two_things.manifest.things
    own, foreign = f"$aws/things/{mine}", f"$aws/things/{other}"
    package, other_shadow = "shadow/name/$package", "shadow/name/pump"

    allowed = [
        await _is_allowed(two_things, mine, client_id=mine, subscribe=f"{own}/jobs/notify-next"),
        await _is_allowed(two_things, mine, client_id=mine, subscribe=f"{own}/streams/+/data/cbor"),
        await _is_allowed(two_things, mine, client_id=mine, publish=f"{own}/jobs/start-next"),
        await _is_allowed(two_things, mine, client_id=mine, publish=f"{own}/streams/s/get/cbor"),
        await _is_allowed(two_things, mine, client_id=mine, publish=f"{own}/shadow/update"),
        await _is_allowed(two_things, mine, client_id=mine, publish=f"{own}/{package}/update"),
    ]
    refused = [
        await _is_allowed(two_things, mine, client_id=other, publish=f"{foreign}/jobs/start-next"),
        await _is_allowed(two_things, mine, client_id="any", publish=f"{own}/jobs/start-next"),
        await _is_allowed(two_things, mine, client_id=mine, subscribe=f"{foreign}/jobs/notify"),
        await _is_allowed(two_things, mine, client_id=mine, subscribe="$aws/things/+/jobs/notify"),
        await _is_allowed(two_things, mine, client_id=mine, publish=f"{foreign}/jobs/start-next"),
        await _is_allowed(two_things, mine, client_id=mine, publish=f"{own}/shadow/delete"),
        await _is_allowed(two_things, mine, client_id=mine, publish=f"{own}/{other_shadow}/update"),
        await _is_allowed(two_things, mine, client_id=mine, publish=f"{foreign}/{package}/update"),
        await _is_allowed(two_things, mine, client_id=mine, publish="anything/else"),
    ]

    assert allowed == [True] * 6
    assert refused == [False] * 9


@pytest.mark.slow
def test_at_a_faster_clock_silent_devices_time_out_and_times_are_the_clouds(
    start_cloud: StartCloud, unique: str, tmp_path: Path
) -> None:
    running = start_cloud(speed=60)
    clients = AwsClients(AwsSettings.for_local_cloud(running.address))
    bucket, role_arn = f"fw-{unique}", f"arn:aws:iam::{running.address.account_id}:role/reader"
    make_bucket(clients, bucket, running.address.region)
    make_role(clients, role_arn, bucket=bucket, region=running.address.region)
    clients.iam.put_role_policy(RoleName="reader", PolicyName="all", PolicyDocument=_read(bucket))
    things = [f"a-{unique}", f"b-{unique}"]
    with stage(
        running,
        clients,
        tmp_path / "fleet",
        things=things,
        group=unique,
        bucket=bucket,
        role_arn=role_arn,
    ) as made:
        made.put_image(IMAGE, unique)
        profile = DeviceProfile(install_ms=30_000, reboot_ms=30_000)
        with made.fleet(behaviours={things[0]: Behaviour.SILENT}, profile=profile) as fleet:
            wait_until(lambda: fleet.progress().is_settled, "the connections")
            begun = time.monotonic()
            made.create_job(
                unique, IMAGE, stream=unique, timeoutConfig={"inProgressTimeoutInMinutes": 5}
            )
            wait_for_results(fleet, 2)
            took = time.monotonic() - begun

    assert {one.thing_name: one.status for one in fleet.results()} == {
        things[0]: None,
        things[1]: SUCCEEDED,
    }
    # A minute of work and five of patience, at sixty times the speed.
    assert took < 30


def _read(bucket: str) -> str:
    statement = {
        "Effect": "Allow",
        "Action": "s3:GetObject*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_fleet_without_a_broker_says_so_and_connects_when_there_is_one(
    two_things: Stage, unique: str
) -> None:
    things = two_things.manifest.things
    two_things.clients.iot.update_certificate(
        certificateId=_certificate_id(two_things, things[0]), newStatus="INACTIVE"
    )
    with two_things.fleet() as fleet:
        wait_until(lambda: set(fleet.progress().faults) == {things[0]}, "the fault")
        assert not fleet.progress().is_settled

        two_things.clients.iot.update_certificate(
            certificateId=_certificate_id(two_things, things[0]), newStatus="ACTIVE"
        )
        two_things.create_job(unique, IMAGE, stream=unique)
        wait_for_results(fleet, 2)

    assert len(fleet.results()) == 2
    assert not fleet.progress().faults


def _certificate_id(made: Stage, thing_name: str) -> str:
    arn = made.directory.certificate_arn(thing_name)
    assert arn is not None
    return arn.rpartition("/")[2]


def test_a_server_that_the_ca_did_not_sign_is_not_trusted(
    two_things: Stage, tmp_path: Path
) -> None:
    thing_name = two_things.manifest.things[0]
    address = two_things.cloud.address
    # A certificate of a thing is a certificate, but it signed nobody.
    impostor = two_things.directory.files_of(thing_name).certificate_file
    with FleetRun(
        two_things.directory,
        [DevicePlan(thing_name=thing_name, profile=QUICK)],
        endpoint=FleetEndpoint(address.mqtt_host, address.mqtt_port, str(impostor)),
        clock=FleetClock(),
    ) as fleet:
        wait_until(lambda: bool(fleet.progress().faults), "the fault")
        (fault,) = fleet.progress().faults.values()

    assert "CERTIFICATE_VERIFY_FAILED" in fault.upper().replace(" ", "_")
    assert fleet.progress().connected == 0

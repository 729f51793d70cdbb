"""``otactl fleet`` as its users run it: two terminals, a job, and a look at what is left."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import signal
import ssl
import time
from typing import TYPE_CHECKING

import aiomqtt
import pytest
from tests.e2e.program import environment, otactl
from tests.support.fleet_stage import Stage
from tests.support.output_schema import check_output
from tests.support.waiting import wait_until
from tests.support.warm_program import WarmProgram

from otactl.fleet import FleetDirectory, FleetManifest
from otactl.fleet.slot import SlotStore
from otactl.wire.stream_payload import GetStreamRequest, decode_bitmap, decode_get_request
from otactl.wire.stream_topic import PayloadFormat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

IMAGE = random.Random(11).randbytes(200_000)  # noqa: S311  # any bytes
BLOCKS = -(-len(IMAGE) // 4096)
SECONDS_TO_STOP = 10


@pytest.fixture
def pumps(
    cloud: RunningCloud,
    clients: AwsClients,
    firmware_bucket: str,
    stream_role_arn: str,
    unique: str,
    tmp_path: Path,
) -> Iterator[Stage]:
    """A fleet of two things made by the program, and an image in a stream named as the group."""
    root = tmp_path / "fleet"
    made = otactl(
        *("fleet", "create", "--things", "2", "--group", unique, "--dir", str(root), "-o", "json"),
        cloud=cloud,
    )
    assert made.returncode == 0, made.stderr
    directory = FleetDirectory(root)
    stage = Stage(
        cloud=cloud,
        clients=clients,
        directory=directory,
        manifest=directory.read(),
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
    )
    stage.put_image(IMAGE, unique)
    yield stage
    if directory.exists:
        gone = otactl("fleet", "delete", "--dir", str(root), cloud=cloud)
        assert gone.returncode == 0, gone.stderr


@contextlib.contextmanager
def running(pumps: Stage, *arguments: str) -> Iterator[WarmProgram]:
    """``otactl fleet run`` beside the test; killed if it is still there in the end."""
    program = WarmProgram(
        [
            *("fleet", "run", "--dir", str(pumps.directory.root)),
            *("--grace", "0.5", "--output", "json", *arguments),
        ],
        env=environment(pumps.cloud),
    )
    try:
        yield program
    finally:
        if program.poll() is None:
            program.kill()
        program.communicate()


def _finish(program: WarmProgram) -> dict[str, object]:
    output, errors = program.communicate(timeout=120)
    assert "Traceback" not in errors
    check_output(program.args[1:], output)
    fields = json.loads(output)
    assert isinstance(fields, dict)
    return fields


def test_a_fleet_is_made_runs_a_job_and_is_deleted(pumps: Stage, unique: str) -> None:
    things = pumps.manifest.things
    assert things == [f"{unique}-001", f"{unique}-002"]
    pumps.create_job(unique, IMAGE, stream=unique)

    with running(pumps) as program:
        result = _finish(program)

    assert program.returncode == 0
    sha256 = hashlib.sha256(IMAGE).hexdigest()
    assert result["counts"] == {"SUCCEEDED": 2}
    results = result["results"]
    assert isinstance(results, list)
    assert {(one["thing"], one["sha256"]) for one in results} == {(name, sha256) for name in things}
    listed = otactl("fleet", "list", "--dir", str(pumps.directory.root), "--output", "json")
    assert [row["runs"] for row in json.loads(listed.stdout)["things"]] == [sha256] * 2

    gone = otactl("fleet", "delete", "--dir", str(pumps.directory.root), cloud=pumps.cloud)

    assert gone.returncode == 0, gone.stderr
    assert not pumps.directory.root.exists()
    iot = pumps.clients.iot
    assert not [one for one in iot.list_things()["things"] if one["thingName"] in things]
    assert unique not in [one["groupName"] for one in iot.list_thing_groups()["thingGroups"]]
    assert pumps.manifest.policy_name not in [
        one["policyName"] for one in iot.list_policies()["policies"]
    ]


def test_a_fleet_that_fails_exits_with_1_and_says_why(pumps: Stage, unique: str) -> None:
    pumps.create_job(unique, IMAGE, stream=unique)

    run = otactl(
        *("fleet", "run", "--dir", str(pumps.directory.root), "--grace", "0.5"),
        *("--behave", "fail=50,reject=50"),
        cloud=pumps.cloud,
    )

    assert run.returncode == 1
    assert "simulated failure while installing" in run.stdout
    assert "simulated rejection" in run.stdout
    for thing_name in pumps.manifest.things:
        assert thing_name in run.stdout


@contextlib.asynccontextmanager
async def _observer(pumps: Stage, unique: str) -> AsyncIterator[list[int]]:
    """The blocks that one thing asks for, as somebody else on the local broker sees them.

    On AWS nobody could (aws-facts F1); the local cloud's broker shows requests to whoever may
    subscribe.
    """
    iot = pumps.clients.iot
    name = f"observer-{unique}"
    arn = f"arn:aws:iot:{pumps.cloud.address.region}:{pumps.cloud.address.account_id}:*"
    policy = {"Effect": "Allow", "Action": "iot:*", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    iot.create_policy(policyName=name, policyDocument=document)
    certificate = iot.create_keys_and_certificate(setAsActive=True)
    iot.attach_policy(policyName=name, target=certificate["certificateArn"])
    pem = pumps.directory.root.parent / "observer.pem"
    pem.write_text(certificate["certificatePem"] + certificate["keyPair"]["PrivateKey"])
    context = ssl.create_default_context(cafile=pumps.cloud.address.ca_file)
    context.load_cert_chain(pem)
    asked: list[int] = []
    host, port = pumps.cloud.address.mqtt_host, pumps.cloud.address.mqtt_port
    try:
        async with aiomqtt.Client(host, port, identifier=name, tls_context=context) as client:
            await client.subscribe(f"$aws/things/{pumps.manifest.things[0]}/streams/+/get/cbor")

            async def note() -> None:
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    request = decode_get_request(message.payload, PayloadFormat.CBOR)
                    asked.extend(_blocks_of(request))

            noting = asyncio.create_task(note())
            yield asked
            noting.cancel()
    finally:
        iot.detach_policy(policyName=name, target=certificate["certificateArn"])
        iot.delete_policy(policyName=name)
        identifier = certificate["certificateId"]
        iot.update_certificate(certificateId=identifier, newStatus="INACTIVE")
        iot.delete_certificate(certificateId=identifier)


def _blocks_of(request: GetStreamRequest) -> list[int]:
    first, count = request.block_offset, request.block_count
    if request.bitmap is None:
        assert count is not None
        return list(range(first, first + count))
    return list(decode_bitmap(request.bitmap, first))


def _saved_blocks(pumps: Stage, thing_name: str) -> set[int]:
    saved = SlotStore(pumps.directory.files_of(thing_name).directory).saved_work()
    return set() if saved is None else set(decode_bitmap(saved.received, 0))


async def test_a_killed_process_is_followed_by_one_that_goes_on(pumps: Stage, unique: str) -> None:
    thing_name = pumps.manifest.things[0]
    slowly = ("--behave", "slow=100", "--link-speed", "40000")
    pumps.create_job(unique, IMAGE, stream=unique)
    async with _observer(pumps, unique) as asked:
        with running(pumps, *slowly, "--save-blocks", "4") as program:
            # A fifth of it on disk, and more to come.
            await asyncio.to_thread(
                wait_until, lambda: len(_saved_blocks(pumps, thing_name)) >= BLOCKS // 5, "blocks"
            )
            program.kill()
            program.wait()
        saved = _saved_blocks(pumps, thing_name)
        assert 0 < len(saved) < BLOCKS
        asked.clear()

        with running(pumps) as program:
            result = await asyncio.to_thread(_finish, program)

        assert result["counts"] == {"SUCCEEDED": 2}
        assert set(asked) == set(range(BLOCKS)) - saved


@pytest.mark.parametrize(
    ("arguments", "number", "code"),
    [
        ((), signal.SIGINT, 130),
        ((), signal.SIGTERM, 143),
        (("--forever",), signal.SIGINT, 0),
        (("--forever",), signal.SIGTERM, 0),
    ],
)
def test_it_stops_when_it_is_asked_to(
    pumps: Stage, arguments: tuple[str, ...], number: int, code: int
) -> None:
    with running(pumps, *arguments) as program:
        # Not a terminal: the first line is written when the fleet first says how it stands.
        assert "devices connected" in program.stderr.readline()
        before = time.monotonic()
        program.send_signal(number)
        _, errors = program.communicate(timeout=30)

    assert time.monotonic() - before < SECONDS_TO_STOP
    assert program.returncode == code, errors
    assert "Traceback" not in errors


def test_a_fleet_that_runs_is_neither_run_again_nor_deleted(
    pumps: Stage, cloud: RunningCloud
) -> None:
    """Two processes with the same certificates take each other's connections for ever."""
    where = ("--dir", str(pumps.directory.root))
    with running(pumps, "--forever") as program:
        assert "devices connected" in program.stderr.readline()

        refused = [otactl("fleet", verb, *where, cloud=cloud) for verb in ("run", "delete")]

        assert program.poll() is None
    for run in refused:
        assert run.returncode == 2, run.stderr
        assert f"another process is at work on the fleet in {pumps.directory.root}" in run.stderr
    assert pumps.directory.exists


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--behave", "fial=10"), "'fial' is no behaviour; did you mean fail?"),
        (("--behave", "fail=70,drop=40"), "add up to 110 percent"),
        (("--block-size", "17"), "block_size is 17; a stream allows 256 to 131072 bytes"),
        (("--public-key", "nowhere.pem"), "cannot read the public key nowhere.pem"),
        (("--mqtt-ca-file", "nowhere.pem"), "nowhere.pem cannot be read"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    # Found before anything is connected: a fleet on paper will do.
    FleetDirectory(tmp_path).write(
        FleetManifest(
            fleet_id="f",
            policy_name="p",
            groups={},
            things=["a"],
            created_at_ms=0,
            region="us-east-1",
        )
    )

    run = otactl("fleet", "run", "--dir", str(tmp_path), "--mqtt-host", "127.0.0.1", *arguments)

    assert run.returncode == 2
    assert sentence in run.stderr
    assert "Traceback" not in run.stderr


def test_no_fleet_no_group_and_another_fleet_are_told(
    cloud: RunningCloud, pumps: Stage, tmp_path: Path, unique: str
) -> None:
    empty = str(tmp_path / "empty")
    runs = {
        "there is no fleet in": otactl("fleet", "run", "--dir", empty, cloud=cloud),
        "is no thing group name": otactl(
            "fleet", "create", "-n", "1", "-g", "a/b", "--dir", empty, cloud=cloud
        ),
        "there is another fleet in": otactl(
            *("fleet", "create", "-n", "3", "-g", unique),
            *("--dir", str(pumps.directory.root)),
            cloud=cloud,
        ),
        "this fleet was made at": otactl(
            *("fleet", "delete", "--dir", str(pumps.directory.root)),
            *("--endpoint-url", "http://127.0.0.1:1"),
            cloud=cloud,
        ),
    }

    for sentence, run in runs.items():
        assert run.returncode == 2, run.stderr
        assert sentence in run.stderr
    assert pumps.directory.exists

"""Whoever can write to the table or the bucket is a stranger: what they leave there is refused.

Each case is made as a stranger would make it: the item and the object are changed behind otactl's
back, digests included where the stranger could change them too.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import ACCOUNT, REGION, QueueSite

from otactl.jobqueue.target_set import TargetSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud


@pytest.fixture
def site(cloud: RunningCloud, clients: AwsClients, unique: str, tmp_path: Path) -> QueueSite:
    return QueueSite(cloud, clients, unique, tmp_path, things=1)


def change_item(site: QueueSite, job_id: str, **attributes: Any) -> None:
    """Overwrite attributes of a pending request; None takes one away."""
    request = site.request(job_id)
    key = {"jobStatus": {"S": request.state.value}, "timestamp": {"S": request.order_key}}
    item = site.clients.dynamodb.get_item(TableName=site.table_name, Key=key)["Item"]
    for name, value in attributes.items():
        item.pop(name, None)
        if value is not None:
            item[name] = value
    site.clients.dynamodb.put_item(TableName=site.table_name, Item=item)


def replace_file(site: QueueSite, job_id: str, role: str, content: bytes) -> None:
    """Replace a file of a request, and its digest in the item."""
    request = site.request(job_id)
    files = {"binFile": request.image, "devFile": request.configuration}
    site.clients.s3.put_object(Bucket=site.bucket, Key=files[role].key, Body=content)
    digest = hashlib.sha256(content).hexdigest()
    change_item(site, job_id, **{f"{role}Sha256": {"S": digest}})


def change_ini(old: str, new: str) -> Callable[[QueueSite, str], None]:
    """Change a line of the queued configuration."""

    def change(site: QueueSite, job_id: str) -> None:
        key = site.request(job_id).configuration.key
        text = site.clients.s3.get_object(Bucket=site.bucket, Key=key)["Body"].read().decode()
        lines = [
            new.format(bucket=site.bucket) if line.startswith(old) else line
            for line in text.splitlines()
        ]
        replace_file(site, job_id, "devFile", "\n".join(lines).encode())

    return change


def key_attribute(role: str, key: str) -> Callable[[QueueSite, str], None]:
    return lambda site, job_id: change_item(site, job_id, **{f"{role}Key": {"S": key}})


def other_image(site: QueueSite, job_id: str) -> None:
    key = site.request(job_id).image.key
    site.clients.s3.put_object(Bucket=site.bucket, Key=key, Body=b"evil")


def huge_image(site: QueueSite, job_id: str) -> None:
    replace_file(site, job_id, "binFile", bytes(2 * 1024 * 1024))


def huge_configuration(site: QueueSite, job_id: str) -> None:
    replace_file(site, job_id, "devFile", b"#" * (5 * 1024 * 1024))


def gone_image(site: QueueSite, job_id: str) -> None:
    site.clients.s3.delete_object(Bucket=site.bucket, Key=site.request(job_id).image.key)


def foreign_bucket(site: QueueSite, job_id: str) -> None:
    change_item(site, job_id, bucketId={"S": "bucket-of-a-stranger"})


def other_targets(site: QueueSite, job_id: str) -> None:
    """Digests of things the request is not for, so that nothing would be kept apart from it."""
    packed = TargetSet.of([site.arn("somebody-else")]).packed
    change_item(site, job_id, targetDigests={"B": packed})


def hidden_group(site: QueueSite, job_id: str) -> None:
    """A thing list with a group, whose things the queue is not told of."""
    group = f"arn:aws:iot:{REGION}:{ACCOUNT}:thinggroup/everybody"
    request = site.request(job_id)
    content = f"{group}\n".encode()
    site.clients.s3.put_object(Bucket=site.bucket, Key=request.thing_list.key, Body=content)
    change_item(
        site,
        job_id,
        thingListFileSha256={"S": hashlib.sha256(content).hexdigest()},
        targetDigests={"B": TargetSet.of([group]).packed},
    )


def left_with(content: bytes, name: str = "1-1") -> Callable[[QueueSite, str], None]:
    """A request that a worker is said to have left, with a checkpoint."""

    def leave(site: QueueSite, job_id: str) -> None:
        key = f"release/checkpointFile_{job_id}_{name}.json"
        site.clients.s3.put_object(Bucket=site.bucket, Key=key, Body=content)
        request = site.request(job_id)
        item_key = {"jobStatus": {"S": request.state.value}, "timestamp": {"S": request.order_key}}
        table = {"TableName": site.table_name}
        item = site.clients.dynamodb.get_item(**table, Key=item_key)["Item"]
        site.clients.dynamodb.delete_item(**table, Key=item_key)
        item |= {
            "jobStatus": {"S": "Deploying"},
            "fence": {"N": "1"},
            "attempt": {"N": "1"},
            "owner": {"S": "gone"},
            "leaseUntil": {"N": "1"},
            "checkpointFileKey": {"S": key},
            "checkpointFileSha256": {"S": hashlib.sha256(content).hexdigest()},
        }
        site.clients.dynamodb.put_item(**table, Item=item)

    return leave


JUNK = b'{"planned_ms": 1, "document": "{}", "things": 1, "rounds": [{"ending": "?"}]}'
FORGED = b'{"planned_ms": 1, "document": "{\\"command\\":\\"fota\\",\\"fileId\\":1}", "things": 1}'


def foreign_placeholder(site: QueueSite, job_id: str) -> None:
    """A custom document that has AWS sign an object of another bucket for every device."""
    url = "https://s3.us-east-1.amazonaws.com/bucket-of-a-stranger/keys"
    content = json.dumps({"more": {"deep": ["${aws:iot:s3-presigned-url:" + url + "}"]}}).encode()
    key = f"release/docFile_{job_id}_job.json"
    site.clients.s3.put_object(Bucket=site.bucket, Key=key, Body=content)
    change_ini(
        "cleanUpCfg",
        "useCustomJobDocument = True\nusePresignedUrlConfig = True\n"
        f"[PRESIGNED_URL_CONFIG]\nroleArn = {site.role_arn}\n"
        f"[CUSTOM_JOB_DOCUMENT]\njobDocSrcCfg = local_file\njobDocPath = docFile_{job_id}_job.json",
    )(site, job_id)
    digest = hashlib.sha256(content).hexdigest()
    change_item(site, job_id, docFileKey={"S": key}, docFileSha256={"S": digest})


def no_digest(site: QueueSite, job_id: str) -> None:
    change_item(site, job_id, binFileSha256=None)


CASES: dict[str, tuple[Callable[[QueueSite, str], None], str]] = {
    "traversal": (key_attribute("binFile", "release/../../escaped.bin"), "another folder"),
    "absolute": (key_attribute("thingListFile", "/etc/passwd"), "not under release/"),
    "hidden": (key_attribute("binFile", "release/.bashrc"), "no safe file name"),
    "dev.ini twice": (key_attribute("binFile", "release/dev.ini"), "dev.ini"),
    "huge image": (huge_image, "1,048,576 are allowed"),
    "huge configuration": (huge_configuration, "are allowed"),
    "image replaced": (other_image, "is not what was put into the queue"),
    "image gone": (gone_image, "does not exist"),
    "files in a stranger's bucket": (foreign_bucket, "does not exist"),
    "no digest": (no_digest, "no digest"),
    "targets that are not its own": (other_targets, "lists other targets"),
    "a group that is not told": (hidden_group, "lists other targets"),
    "checkpoint is none": (left_with(JUNK), "is no checkpoint"),
    "checkpoint with another document": (left_with(FORGED), "job document is not the one"),
    "checkpoint no worker wrote": (left_with(FORGED, "2-0"), "is no checkpoint of"),
    "document with a stranger's object": (foreign_placeholder, "of another bucket"),
    "a time beyond all times": (
        lambda site, job_id: change_item(site, job_id, notBefore={"N": "9" * 30}),
        "too large",
    ),
    "ini names another bucket": (
        change_ini("bucket", "bucket = bucket-of-a-stranger"),
        "is not the request's own",
    ),
    "ini names a file of the worker": (change_ini("binName", "binName = /etc/passwd"), "binName"),
    "ini climbs out": (change_ini("thingList", "thingList = ../../../etc/passwd"), "thingList"),
    "ini names another region": (change_ini("region", "region = eu-west-1"), "eu-west-1"),
    "ini names another role": (
        change_ini("roleArn", "roleArn = arn:aws:iam::123456789012:role/admin"),
        "role/admin",
    ),
    "ini names a document of the worker": (
        change_ini(
            "cleanUpCfg",
            "useCustomJobDocument = True\n[CUSTOM_JOB_DOCUMENT]\njobDocSrcCfg = local_file\n"
            "jobDocPath = /etc/passwd",
        ),
        "jobDocPath",
    ),
    "ini signs with a key of the worker": (
        change_ini(
            "cleanUpCfg",
            "useSigningConfig = True\n[SIGNING_CONFIG]\nprivateKeyPath = /root/.ssh/id_rsa",
        ),
        "--signing-key",
    ),
    "ini excepts a list of the worker": (
        change_ini(
            "cleanUpCfg",
            "useWaveConfig = True\nuseTimeoutConfig = True\n"
            "[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 9\n"
            "[WAVE_CONFIG]\nwaveList = canary:1\nexceptThings = /etc/passwd",
        ),
        "exceptThings",
    ),
    "ini is none": (change_ini("[DEFAULT]", "no section"), "before any section"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_stranger_left_is_refused_with_the_reason_and_nothing_is_created(
    site: QueueSite, case: str, clients: AwsClients
) -> None:
    tamper, reason = CASES[case]
    (job_id,) = site.add(site.things)
    tamper(site, job_id)
    (behind,) = site.add(site.things)

    with AnsweringDevices(clients, things=site.things):
        ended = site.queue(
            "run", "--once", "--max-image-mib", "1", "--need-digests",
            "--allow-region", REGION, "--allow-role", site.role_arn,
            "--state-dir", "state", "--poll", "0.2",
        )  # fmt: skip

        key = {"jobStatus": {"S": "Failed"}, "timestamp": {"S": _stamp(job_id)}}
        item = clients.dynamodb.get_item(TableName=site.table_name, Key=key)["Item"]
        assert reason in item["failureReason"]["S"]
        assert item["failureKind"]["S"] == "refused"
        if ended.returncode == 0:
            # An item that is no request is put away on the way to the next one.
            assert site.request(behind).state == "Deployed"
        else:
            assert ended.returncode == 2
            assert reason in ended.stderr
            assert site.request(behind).state == "PendingDeployment"
    assert job_id not in [job["jobId"] for job in clients.iot.list_jobs()["jobs"]]
    assert not list(site.folder.rglob("escaped*"))
    assert not list((site.folder / "state").rglob("binFile*"))


def test_what_is_refused_is_shown_in_the_list_and_no_terminal_obeys_it(site: QueueSite) -> None:
    (job_id,) = site.add(site.things)
    change_item(
        site,
        job_id,
        jobStatus={"S": "Failed"},
        failureKind={"S": "refused"},
        failureReason={"S": "[/] [DEFAULT] \x1b[31mred"},
    )
    key = {"jobStatus": {"S": "Deploying"}, "timestamp": {"S": "\x1b]0;title\x07"}}
    site.clients.dynamodb.put_item(TableName=site.table_name, Item=key)

    listed = site.queue("list", "--all")

    assert listed.returncode == 0, listed.stderr
    assert "[DEFAULT]" in listed.stdout
    assert "invalid request" in listed.stdout.replace("\n", " ")
    assert "\x1b" not in listed.stdout
    assert site.queue("list", "--all", "-o", "json").returncode == 0
    assert site.queue("show", job_id).returncode == 0


@pytest.mark.parametrize("tamper", [other_image, gone_image], ids=["image replaced", "image gone"])
def test_what_the_manual_s_way_of_fetching_refuses_is_put_away_too(
    site: QueueSite, tamper: Callable[[QueueSite, str], None]
) -> None:
    (job_id,) = site.add(site.things)
    tamper(site, job_id)
    (behind,) = site.add(site.things)

    refused = site.queue("fetch", "--claim", "--into", "here")

    assert refused.returncode == 2
    request = site.request(job_id)
    assert request.state == "Failed"
    assert request.failure is not None
    assert request.failure.kind == "refused"
    assert not list((site.folder / "here").rglob("*File_*"))
    assert site.queue("fetch", "--claim", "--into", "here").returncode == 0
    assert site.request(behind).state == "Deploying"


def _stamp(job_id: str) -> str:
    return job_id.removeprefix("jobId_")

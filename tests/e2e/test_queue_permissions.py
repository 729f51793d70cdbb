"""The policies of ``deployment/`` are enough for who adds requests, who decides, and the workers.

The local cloud asks the policies of its users, as AWS does, but for one difference: it knows
transactions as actions of their own. AWS asks for what a transaction consists of (DynamoDB
Developer Guide, transaction-apis-iam).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import ACCOUNT, REGION, QueueSite, Told
from tests.support.waiting import wait_until
from tests.support.watched_worker import free

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

DEPLOYMENT = Path(__file__).parents[2] / "deployment"
#: Statements without which a plain request is deployed all the same.
_FOR_OTHERS = {"GatherManyThings", "TellMissingFromForbidden"}


@pytest.fixture
def site(cloud: RunningCloud, clients: AwsClients, unique: str, tmp_path: Path) -> QueueSite:
    return QueueSite(cloud, clients, unique, tmp_path, things=2)


def policy_of(site: QueueSite, name: str) -> dict[str, Any]:
    """A policy as a user fills it in."""
    text = (DEPLOYMENT / f"queue-{name}-policy.json").read_text()
    names = {
        "QUEUE_REGION": REGION,
        "REGION": REGION,
        "ACCOUNT": ACCOUNT,
        "TABLE": site.table_name,
        "BUCKET": site.bucket,
        "ROLE": site.role_arn.rpartition("/")[2],
    }
    for word, value in names.items():
        text = text.replace(word, value)
    return dict(json.loads(text))


def user_with(site: QueueSite, name: str, policy: dict[str, Any]) -> dict[str, str]:
    """The environment of a user who may do exactly this."""
    text = json.dumps(policy).replace(
        '"dynamodb:DeleteItem"', '"dynamodb:DeleteItem", "dynamodb:TransactWriteItems"'
    )
    iam = site.clients.iam
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="queue", PolicyDocument=text)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


def without(policy: dict[str, Any], sid: str) -> dict[str, Any]:
    rest = [each for each in policy["Statement"] if each["Sid"] != sid]
    return policy | {"Statement": rest}


def add_as(site: QueueSite, user: dict[str, str], *arguments: str) -> list[str]:
    path = site.write_deployment(site.things)
    added = site.queue("add", str(path), *arguments, "-o", "json", **user)
    assert added.returncode == 0, added.stderr
    return [each["jobId"] for each in json.loads(added.stdout)["requests"]]


def test_who_adds_and_who_works_need_no_more_than_their_policies(
    site: QueueSite, clients: AwsClients, unique: str
) -> None:
    adder = user_with(site, f"adder-{unique}", policy_of(site, "adder"))
    worker = user_with(site, f"worker-{unique}", policy_of(site, "worker"))
    first, second = add_as(site, adder, "--split", "1")
    (third,) = add_as(site, adder, "--after", second)
    assert site.queue("list", **adder).returncode == 0
    assert site.queue("cancel", third, **adder).returncode == 0
    assert site.queue("retry", third, **adder).returncode == 0

    with AnsweringDevices(clients, things=site.things) as devices:
        ended = site.run(*site.worker_command("--drain"), **worker)

    assert ended.returncode == 0, ended.stderr
    assert site.states() == dict.fromkeys((first, second, third), "Deployed")
    assert sum(devices.carried_out.values()) == 4
    assert site.jobs() == []


def test_who_adds_cannot_deploy_and_a_worker_cannot_replace_an_image(
    site: QueueSite, unique: str
) -> None:
    adder = user_with(site, f"adder-{unique}", policy_of(site, "adder"))
    worker = user_with(site, f"worker-{unique}", policy_of(site, "worker"))
    add_as(site, adder)

    refused = site.run(*site.worker_command("--once"), **adder)
    assert refused.returncode == 3
    assert "lack this permission" in refused.stderr
    assert site.jobs() == []

    path = site.write_deployment(site.things[:1])
    refused_add = site.queue("add", str(path), **worker)
    assert refused_add.returncode == 3
    assert "s3:PutObject" in refused_add.stderr


def test_only_who_approves_can_decide_and_can_do_nothing_else(
    site: QueueSite, clients: AwsClients, unique: str
) -> None:
    users = {
        name: user_with(site, f"{name}-{unique}", policy_of(site, name))
        for name in ("adder", "worker", "approver")
    }
    # Also one who adds and may read what gates ask cannot answer.
    reads = next(
        e for e in policy_of(site, "approver")["Statement"] if e["Action"] == "s3:GetObject"
    )
    adds = policy_of(site, "adder")
    adds["Statement"].append(reads)
    users["adder"] = user_with(site, f"reading-adder-{unique}", adds)
    path = site.write_waves("waveList = canary:1")
    path.write_text(path.read_text() + "[WAVE_CONFIG_canary]\napproval = True\n")
    added = site.queue("add", str(path), "-o", "json", **users["adder"])
    assert added.returncode == 0, added.stderr
    (request,) = json.loads(added.stdout)["requests"]
    job_id = request["jobId"]

    def visit() -> Told:
        free(site)
        arguments = ("--once", "--poll", "0.1", "--state-dir", "state")
        return site.queue("run", *arguments, **users["worker"])

    def asks() -> bool:
        assert visit().returncode == 0
        return "waits for an approval" in site.request(job_id).gate

    with AnsweringDevices(clients, things=site.things) as devices:
        wait_until(asks)
        for name in ("adder", "worker"):
            refused = site.queue("reject", job_id, **users[name])
            assert refused.returncode == 3, name
            assert "dynamodb:PutItem" in refused.stderr
        for command in (("cancel", job_id), ("add", str(path)), ("run", "--once")):
            free(site)
            assert site.queue(*command, **users["approver"]).returncode in (2, 3), command
        assert site.queue("approve", job_id, **users["approver"]).returncode == 0
        wait_until(lambda: (visit(), site.request(job_id).state.is_over)[1])

    assert site.request(job_id).state == "Deployed"
    assert sorted(devices.carried_out.values()) == [1, 1]


@pytest.mark.slow
def test_no_statement_of_a_worker_is_there_for_nothing(
    site: QueueSite, clients: AwsClients, unique: str, subtests: Any
) -> None:
    policy = policy_of(site, "worker")
    group = f"group-{unique}"
    arn = clients.iot.create_thing_group(thingGroupName=group)["thingGroupArn"]
    clients.iot.add_thing_to_thing_group(thingGroupName=group, thingName=site.things[0])
    path = site.write_deployment(site.things[1:])
    with (site.folder / f"{path.name}-things.txt").open("a") as listed:
        listed.write(f"{arn}\n")

    with AnsweringDevices(clients, things=site.things):
        for number, statement in enumerate(policy["Statement"]):
            if statement["Sid"] in _FOR_OTHERS:
                continue
            with subtests.test(statement["Sid"]):
                user = user_with(site, f"w{number}-{unique}", without(policy, statement["Sid"]))
                added = site.queue("add", str(path), "-o", "json")
                (request,) = json.loads(added.stdout)["requests"]
                ended = site.queue(
                    "run", "--once", "--poll", "0.2", "--max-attempts", "1",
                    "--state-dir", f"state-{number}", **user,
                )  # fmt: skip
                assert ended.returncode in (2, 3), ended.stderr
                assert site.request(request["jobId"]).state != "Deployed"
                _take_back(site, request["jobId"])


def _take_back(site: QueueSite, job_id: str) -> None:
    """Delete what a crippled worker left of a request, so that the next one is first."""
    for each in (*site.table.active().requests, site.request(job_id)):
        key = {"jobStatus": {"S": each.state.value}, "timestamp": {"S": each.order_key}}
        site.clients.dynamodb.delete_item(TableName=site.table_name, Key=key)
        for job in site.clients.iot.list_jobs()["jobs"]:
            is_there = job["status"] != "DELETION_IN_PROGRESS"
            if job["jobId"] == each.aws_job_id and is_there:
                site.clients.iot.delete_job(jobId=each.aws_job_id, force=True)


def test_only_a_worker_closes_what_finished_requests_left_open(
    site: QueueSite, unique: str
) -> None:
    adder = user_with(site, f"adder-{unique}", policy_of(site, "adder"))
    worker = user_with(site, f"worker-{unique}", policy_of(site, "worker"))
    crippled = user_with(
        site, f"crippled-{unique}", without(policy_of(site, "worker"), "ClaimAndRecord")
    )
    key = {"jobStatus": {"S": "otactl-open"}, "timestamp": {"S": f"{1:015d}/20261101-120000"}}
    content = {
        "deployment_id": "20261101T120000Z-abcdef",
        "region": REGION,
        "waves": [{"job_id": "jobId_20261101-120000-rest"}],
    }
    dynamodb = site.clients.dynamodb
    dynamodb.put_item(TableName=site.table_name, Item=key | {"open": {"S": json.dumps(content)}})

    for user in (adder, crippled):
        refused = site.queue("run", "--once", "--state-dir", "state", **user)
        assert "left open could not be closed" in refused.stderr
        assert dynamodb.get_item(TableName=site.table_name, Key=key).get("Item")
    closed = site.queue("run", "--once", "--state-dir", "state", **worker)

    assert "openDays are over; its jobs are closed" in closed.stderr
    assert "Item" not in dynamodb.get_item(TableName=site.table_name, Key=key)

"""``otactl doctor`` on the local cloud: each finding, brought about."""

from __future__ import annotations

import json
import os
import time

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.program import environment, otactl, run_program
from tests.e2e.test_least_privilege import ALARM, make_user

from otactl.aws.account_check import check_account, is_iot_service, is_rollout_quota
from otactl.aws.clients import identity_of

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "iot.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ],
}
ROLE = "roleArn in [DEFAULT]"


def role(clients, name, *, trust=TRUST, actions=("s3:GetObject", "s3:GetObjectVersion")):
    """The ARN of a new role."""
    arn = clients.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    if actions:
        clients.iam.put_role_policy(
            RoleName=name,
            PolicyName="read",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
    return arn["Role"]["Arn"]


@pytest.fixture
def deployable(clients, firmware_bucket, tmp_path, unique):
    clients.iot.create_thing(thingName=f"doctor-{unique}")
    return Deployable(
        folder=tmp_path,
        thing_names=[f"doctor-{unique}"],
        bucket=firmware_bucket,
        role_arn=role(clients, f"doctor-{unique}"),
        job_id=f"doctor-{unique}",
    )


def looked(cloud, *arguments, env=None):
    """The exit code, and the findings by what was looked at."""
    where = environment(cloud) | (env or {})
    run = run_program("doctor", *map(str, arguments), "--output", "json", env=where)
    fields = json.loads(run.stdout)
    found: dict[str, list[dict]] = {}
    for each in fields["findings"]:
        found.setdefault(each["area"], []).append(each)
    assert fields["ready"] is (run.returncode == 0)
    return run.returncode, found


def the(found, area):
    (one,) = found[area]
    return one["health"], one["found"], one["advice"]


def test_a_ready_account_is_ready_and_what_is_not_there_is_unknown(cloud, deployable):
    code, found = looked(cloud, deployable.write())

    assert code == 0
    for area in ("identity", "clock", "endpoint", "account", "bucket", "permissions", ROLE):
        assert the(found, area)[0] == "good", found[area]
    assert the(found, "quotas")[:2] == ("unknown", "not available here")  # no Service Quotas
    assert the(found, "packages")[0] == "good"
    assert the(found, "versioning")[0] in ("good", "note")


def test_people_read_lines_and_what_to_do(cloud, deployable):
    deployable.bucket = "there-is-no-such-bucket"
    run = otactl("doctor", str(deployable.write()), cloud=cloud)

    assert run.returncode == 1
    assert "\u2717 bucket: " in run.stdout
    assert run.stdout.splitlines()[-1] == "not ready to deploy"


def test_the_account_alone_can_be_looked_at(cloud):
    code, found = looked(cloud)
    assert code == 0
    assert "bucket" not in found


def test_whoever_is_not_signed_in_can_ask_nothing(tmp_path):
    env = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    env |= {"AWS_REGION": "us-east-1", "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    run = run_program("doctor", "-o", "json", env=env)
    assert run.returncode == 2
    assert "credentials" in json.loads(run.stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("apart_ms", "health"), [(0, "good"), (60_000, "warning"), (-400_000, "bad")]
)
def test_a_clock_that_is_off_is_told(clients, apart_ms, health):
    now_ms = time.time_ns() // 1_000_000 + apart_ms
    identity = identity_of(clients)
    found = {each.area: each for each in check_account(clients, identity, now_ms, None)}
    assert found["clock"].health == health


@pytest.mark.parametrize(("enabled", "health"), [(True, "good"), (False, "warning")])
def test_job_events_that_are_off_are_told(cloud, clients, enabled, health):
    before = clients.iot.describe_event_configurations()["eventConfigurations"]
    switches = {kind: {"Enabled": enabled} for kind in ("JOB", "JOB_EXECUTION")}
    clients.iot.update_event_configurations(eventConfigurations=switches)
    _, found = looked(cloud)
    kept = {kind: before.get(kind, {"Enabled": False}) for kind in switches}
    clients.iot.update_event_configurations(eventConfigurations=kept)

    assert the(found, "job events")[0] == health


def test_a_fleet_index_that_is_off_is_told(cloud, clients):
    for mode, health in (("REGISTRY", "good"), ("OFF", "note")):
        clients.iot.update_indexing_configuration(
            thingIndexingConfiguration={"thingIndexingMode": mode}
        )
        assert the(looked(cloud)[1], "fleet index")[0] == health


def test_roles_that_iot_cannot_use_are_told(cloud, clients, deployable, unique):
    other = json.loads(json.dumps(TRUST).replace("iot.amazonaws.com", "ec2.amazonaws.com"))
    open_trust = json.loads(json.dumps(TRUST))
    del open_trust["Statement"][0]["Condition"]
    cases = {
        "arn:aws:iam::123456789012:role/nobody-made-it": ("bad", "NoSuchEntity"),
        role(clients, f"ec2-{unique}", trust=other): ("bad", "does not trust iot.amazonaws.com"),
        role(clients, f"blind-{unique}", actions=()): ("bad", "may not s3:GetObject on "),
    }
    for arn, (health, words) in cases.items():
        deployable.role_arn = arn
        code, found = looked(cloud, deployable.write())
        assert (code, the(found, ROLE)[0]) == (1, health)
        assert words in the(found, ROLE)[1]

    deployable.role_arn = role(clients, f"open-{unique}", trust=open_trust)
    code, found = looked(cloud, deployable.write())
    assert (code, [each["health"] for each in found[ROLE]]) == (0, ["good", "warning"])


def test_permissions_that_lack_are_named_and_questions_that_are_denied_are_unknown(
    cloud, clients, deployable, unique
):
    path = str(deployable.write())
    full = json.loads(otactl("iam", path, "--only", "user").stdout)
    ask = {"Effect": "Allow", "Action": ["iam:SimulatePrincipalPolicy"], "Resource": "*"}
    partly = [each for each in full["Statement"] if each["Sid"] != "CreateTheJob"]
    policy = {"Version": "2012-10-17", "Statement": [*partly, ask]}
    key = make_user(clients, f"doctor-{unique}", policy)

    code, found = looked(cloud, path, env=key)

    assert code == 1
    health, words, advice = the(found, "permissions")
    assert health == "bad"
    assert "iot:CreateJob on " in words
    # Every other action is allowed by what `otactl iam` printed, PassRole on its condition.
    named = words.removeprefix("not allowed: ").split(", ")
    assert [each.split()[0] for each in named] == ["iot:CreateJob"]
    assert "otactl iam FILE" in advice
    assert the(found, "fleet index")[0] == "unknown"
    assert "not allowed" in the(found, "fleet index")[1]


def test_a_file_of_another_account_is_told(cloud, deployable):
    text = deployable.write().read_text().replace("123456789012", "210987654321")
    (deployable.folder / "other.ini").write_text(text)
    things = deployable.folder / "things.txt"
    things = things if things.exists() else next(deployable.folder.glob("*hings*"))
    things.write_text(things.read_text().replace("123456789012", "210987654321"))

    code, found = looked(cloud, deployable.folder / "other.ini")

    assert code == 1
    assert the(found, "account")[0] == "bad"


def test_alarms_that_nobody_hears_are_told(cloud, deployable):
    topic = "snsTopics = arn:aws:sns:us-east-1:123456789012:there-is-none\n"
    deployable.sections = ALARM + topic
    _, found = looked(cloud, deployable.write())
    assert any("does not exist" in each["found"] for each in found["alarms"])


def test_quotas_of_rollouts_are_told_from_others() -> None:
    services = ["AWS IoT Core", "AWS IoT Device Management", "AWS IoT Events", "Amazon S3"]
    assert [is_iot_service(name) for name in services] == [True, True, False, False]
    names = ["Job executions rollout rate", "Concurrent jobs", "Streams rollout"]
    assert [is_rollout_quota(name) for name in names] == [True, False, False]

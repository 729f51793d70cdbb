"""The policies that ``otactl iam`` prints are enough to deploy, and no more than needed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.program import environment, otactl, run_program

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.prerequisites import make_alarms
from otactl.model.wave import MAX_NAMED_THINGS

ALARM = """
[ALARM_CONFIG]
alarmList = slow

[ALARM_CONFIG_slow]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p99
period = 60
threshold = 3600
alarmType = upper
evaluationPeriods = 5
datapointsToAlarm = 3
"""


@pytest.fixture
def deployable(clients, firmware_bucket, stream_role_arn, tmp_path, unique):
    names = [f"least-{unique}-{number}" for number in range(2)]
    for name in names:
        clients.iot.create_thing(thingName=name)
    return Deployable(
        folder=tmp_path,
        thing_names=names,
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"least-{unique}",
        sections=ALARM,
    )


def make_user(clients, name, policy):
    clients.iam.create_user(UserName=name)
    clients.iam.put_user_policy(
        UserName=name, PolicyName="otactl", PolicyDocument=json.dumps(policy)
    )
    key = clients.iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


def for_ministack(policy):
    """AWS knows alarms as resources of DeleteAlarms; MiniStack asks for it on everything."""
    return json.loads(
        json.dumps(policy).replace(
            '"cloudwatch:DescribeAlarms"', '"cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"'
        )
    )


def deploy(deployable, cloud, credentials):
    return run_program(
        "deploy",
        str(deployable.path),
        "--poll",
        "0.3",
        "--state-dir",
        str(deployable.folder / "state"),
        env=environment(cloud) | credentials,
    )


def test_a_user_with_exactly_the_printed_policy_deploys_and_cleans_up(
    cloud, clients, deployable, unique
):
    deployable.write()
    policies = json.loads(otactl("iam", str(deployable.path)).stdout)
    credentials = make_user(clients, f"operator-{unique}", for_ministack(policies["user"]))

    with DeviceLoop(clients, deployable.thing_names):
        run = deploy(deployable, cloud, credentials)

    assert run.returncode == 0, run.stderr


def test_the_printed_policy_is_enough_for_waves_their_groups_and_their_alarms(
    cloud, clients, deployable, unique
):
    more = [f"{deployable.thing_names[0]}-{number}" for number in range(MAX_NAMED_THINGS + 1)]
    for name in more:
        clients.iot.create_thing(thingName=name)
    deployable.thing_names += more
    make_alarms(clients, [f"crashes-{unique}"])
    deployable.sections += (
        "[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 60\n"
        f"[WAVE_CONFIG]\nwaveList = canary:2\nsoakMinutes = 0\nalarmList = crashes-{unique}\n"
    )
    deployable.write(useWaveConfig=True, useTimeoutConfig=True, cleanUpCfg=True)
    policies = json.loads(otactl("iam", str(deployable.path)).stdout)
    credentials = make_user(clients, f"waves-{unique}", for_ministack(policies["user"]))

    with DeviceLoop(clients, deployable.thing_names):
        run = deploy(deployable, cloud, credentials)

    assert run.returncode == 0, run.stderr


def test_without_any_one_statement_the_deployment_is_refused(
    cloud, clients, deployable, unique, subtests
):
    deployable.write()
    policy = for_ministack(json.loads(otactl("iam", str(deployable.path)).stdout)["user"])
    for number, statement in enumerate(policy["Statement"]):
        if statement["Sid"] in ("SeeAlarmTopics", "SeeWhatFeedsAlarms"):
            # Without these a warning is all that is missing: tests/contract/test_alarm_reach.py.
            continue
        with subtests.test(statement["Sid"]), DeviceLoop(clients, deployable.thing_names):
            rest = [other for other in policy["Statement"] if other != statement]
            credentials = make_user(clients, f"op{number}-{unique}", {**policy, "Statement": rest})
            run = deploy(deployable, cloud, credentials)
            assert run.returncode in {2, 3}, run.stderr
            assert "may not see it" in run.stderr or "otactl iam" in run.stderr
            # What the crippled user could not take back, root does.
            otactl("clean", "--yes", "--state-dir", str(deployable.folder / "state"), cloud=cloud)


def test_the_policy_reaches_no_other_job_stream_or_object(cloud, clients, deployable, unique):
    deployable.write()
    policy = json.loads(otactl("iam", str(deployable.path)).stdout)["user"]
    credentials = make_user(clients, f"nosy-{unique}", policy)
    nosy = AwsClients(
        replace(
            AwsSettings.for_local_cloud(cloud.address),
            access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        )
    )
    clients.s3.put_object(Bucket=deployable.bucket, Key=f"secret-{unique}", Body=b"x")

    refusals = [
        lambda: nosy.iot.describe_job(jobId="another"),
        lambda: nosy.iot.delete_stream(streamId="another"),
        lambda: nosy.s3.get_object(Bucket=deployable.bucket, Key=f"secret-{unique}"),
        lambda: nosy.iot.create_thing(thingName=f"new-{unique}"),
    ]
    for attempt in refusals:
        with pytest.raises(nosy.iot.exceptions.ClientError) as caught:
            attempt()
        assert caught.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}


def test_a_role_that_the_file_does_not_need_is_not_printed(deployable):
    deployable.write()

    run = otactl("iam", str(deployable.path), "--only", "presign-role")

    assert run.returncode == 2
    assert run.stdout == ""
    assert "needs no presign-role: usePresignedUrlConfig" in run.stderr

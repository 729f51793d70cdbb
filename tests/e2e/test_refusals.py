"""A wrong image cannot be deployed by accident: what does not fit together is refused."""

from __future__ import annotations

import json

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.program import environment, otactl, run_program
from tests.support.root_client import root_client

from otactl.aws.inventory import take_inventory


@pytest.fixture
def deployable(clients, firmware_bucket, stream_role_arn, tmp_path, unique):
    name = f"refuse-{unique}"
    clients.iot.create_thing(thingName=name)
    return Deployable(
        folder=tmp_path,
        thing_names=[name],
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"refuse-{unique}",
    )


@pytest.fixture
def untouched(clients, firmware_bucket):
    """At the end of the test the cloud holds what it held when the test called it."""
    before = []

    def poll():
        before.append(take_inventory(clients, (firmware_bucket,)))

    yield poll
    assert take_inventory(clients, (firmware_bucket,)) <= before[-1]


def deploy(deployable, cloud, *arguments):
    return otactl(
        "deploy",
        str(deployable.path),
        "--poll",
        "0.3",
        "--state-dir",
        str(deployable.folder / "state"),
        *arguments,
        cloud=cloud,
    )


def test_an_image_that_changed_between_plan_and_deploy(cloud, deployable, untouched):
    deployable.write()
    untouched()
    kept = deployable.folder / "plan.json"
    planned = otactl("plan", str(deployable.path), "--out", str(kept), cloud=cloud)
    assert planned.returncode == 0, planned.stderr
    (deployable.folder / "image.bin").write_bytes(b"another image")

    run = deploy(deployable, cloud, "--plan", str(kept))

    assert run.returncode == 2
    assert "changed: imageSha256" in run.stderr


def test_the_plan_that_was_looked_at_deploys(cloud, clients, deployable, untouched):
    deployable.write()
    untouched()
    kept = deployable.folder / "plan.json"
    otactl("plan", str(deployable.path), "--out", str(kept), cloud=cloud)

    with DeviceLoop(clients, deployable.thing_names):
        run = deploy(deployable, cloud, "--plan", str(kept))

    assert run.returncode == 0, run.stderr


def test_a_dry_run_changes_nothing(cloud, deployable, untouched):
    deployable.write()
    untouched()

    run = deploy(deployable, cloud, "--dry-run", "--output", "json")

    assert run.returncode == 0
    assert json.loads(run.stdout)["apiCalls"]["iot:CreateJob"] == 1
    assert not (deployable.folder / "state").exists()


def test_a_job_id_in_use_by_somebody_else(cloud, clients, deployable, untouched):
    deployable.write()
    clients.iot.create_job(
        jobId=deployable.job_id,
        targets=[f"arn:aws:iot:us-east-1:123456789012:thing/{deployable.thing_names[0]}"],
        document="{}",
    )
    untouched()

    run = deploy(deployable, cloud)

    assert run.returncode == 2
    assert f"job {deployable.job_id} exists and was not created by otactl" in run.stderr


def test_force_deletes_the_job_that_is_in_the_way(cloud, clients, deployable):
    deployable.write()
    thing_arn = f"arn:aws:iot:us-east-1:123456789012:thing/{deployable.thing_names[0]}"
    clients.iot.create_job(jobId=deployable.job_id, targets=[thing_arn], document="{}")

    with DeviceLoop(clients, deployable.thing_names):
        run = deploy(deployable, cloud, "--force")

    assert run.returncode == 0, run.stderr
    assert "delete the existing job" in run.stderr


def test_a_group_that_is_empty(cloud, clients, deployable, untouched, unique):
    clients.iot.create_thing_group(thingGroupName=f"empty-{unique}")
    deployable.write()
    (deployable.folder / "things.txt").write_text(
        f"arn:aws:iot:us-east-1:123456789012:thinggroup/empty-{unique}\n"
    )
    untouched()

    run = deploy(deployable, cloud)

    assert run.returncode == 2
    assert f"thinggroup/empty-{unique}" in run.stderr
    assert "is empty" in run.stderr


def test_a_group_that_does_not_exist(cloud, deployable, untouched, unique):
    deployable.write()
    (deployable.folder / "things.txt").write_text(
        f"arn:aws:iot:us-east-1:123456789012:thinggroup/none-{unique}\n"
    )
    untouched()

    run = deploy(deployable, cloud)

    assert run.returncode == 2
    assert "does not exist" in run.stderr


def test_a_thing_that_does_not_exist_leaves_nothing_behind(cloud, deployable, untouched, unique):
    deployable.thing_names = [*deployable.thing_names, f"nobody-{unique}"]
    deployable.write()
    untouched()

    run = deploy(deployable, cloud)

    assert run.returncode == 3
    assert f"nobody-{unique}" in run.stderr


def test_a_bucket_in_another_region(cloud, clients, deployable, untouched, unique):
    clients.s3.create_bucket(
        Bucket=f"far-{unique}",
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    deployable.bucket = f"far-{unique}"
    deployable.write()
    untouched()

    run = deploy(deployable, cloud)

    assert run.returncode == 2
    assert "is in eu-central-1, the deployment in us-east-1" in run.stderr


def test_a_bucket_of_another_account(cloud, clients, deployable, untouched, unique):
    root_client(cloud, "s3", "999999999999").create_bucket(Bucket=f"theirs-{unique}")
    deployable.bucket = f"theirs-{unique}"
    user = f"user-{unique}"
    clients.iam.create_user(UserName=user)
    clients.iam.put_user_policy(
        UserName=user,
        PolicyName="everything",
        PolicyDocument='{"Version":"2012-10-17","Statement":'
        '[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    )
    key = clients.iam.create_access_key(UserName=user)["AccessKey"]
    deployable.write()
    untouched()

    run = run_program(
        "deploy",
        str(deployable.path),
        "--state-dir",
        str(deployable.folder),
        env=environment(cloud)
        | {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        },
    )

    assert run.returncode == 2
    assert "is not account 123456789012's" in run.stderr


def test_credentials_of_another_account(cloud, deployable, untouched, unique):
    iam = root_client(cloud, "iam", "999999999999")
    iam.create_user(UserName=unique)
    key = iam.create_access_key(UserName=unique)["AccessKey"]
    deployable.write()
    untouched()

    run = run_program(
        "deploy",
        str(deployable.path),
        "--state-dir",
        str(deployable.folder),
        env=environment(cloud)
        | {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        },
    )

    assert run.returncode == 2
    assert "the credentials are account 999999999999's" in run.stderr


def test_a_running_deployment_is_not_started_twice_and_says_how_to_go_on(
    cloud, clients, deployable
):
    deployable.write(cleanUpCfg=False)
    deploy(deployable, cloud, "--max-wait", "1")

    second = deploy(deployable, cloud)

    assert second.returncode == 2
    assert "created it" in second.stderr
    assert "otactl clean" in second.stderr
    where = ("--state-dir", str(deployable.folder / "state"), "-o", "json")
    # It has finished, by --max-wait, and its job has not: neither is deleted unasked.
    unnamed = otactl("clean", *where, cloud=cloud)
    assert unnamed.returncode == 2
    assert "there is no unfinished deployment" in unnamed.stderr
    unasked = otactl("clean", deployable.job_id, *where, cloud=cloud)
    assert unasked.returncode == 2
    assert f"job {deployable.job_id} has not ended (IN_PROGRESS" in unasked.stderr
    assert "pass --yes to delete it" in unasked.stderr
    assert clients.iot.describe_job(jobId=deployable.job_id)["job"]["status"] == "IN_PROGRESS"
    cleaned = otactl("clean", deployable.job_id, "--yes", "-o", "json", *where, cloud=cloud)
    assert json.loads(cleaned.stdout)["leftovers"] == []
    assert clients.iot.list_jobs()["jobs"] == [] or deployable.job_id not in {
        job["jobId"] for job in clients.iot.list_jobs()["jobs"]
    }


def test_an_error_of_the_linter_stops_a_deployment_that_nobody_can_be_asked_about(
    cloud, deployable, untouched
):
    deployable.sections = (
        "[ABORT_CONFIG]\nuseTimedOutSubsection = True\n"
        "[ABORT_CONFIG_TYPE_TIMED_OUT]\nfailureType = TIMED_OUT\n"
        "thresholdPercentage = 10\nminNumberOfExecutedThings = 1\n"
    )
    deployable.write(useAbortConfig=True)
    untouched()

    run = deploy(deployable, cloud)

    assert run.returncode == 2
    assert "OTA106" in run.stderr
    assert "nothing was created" in run.stderr


def test_yes_and_a_waiver_let_it_pass(cloud, clients, deployable):
    deployable.sections = (
        "[ABORT_CONFIG]\nuseTimedOutSubsection = True\n"
        "[ABORT_CONFIG_TYPE_TIMED_OUT]\nfailureType = TIMED_OUT\n"
        "thresholdPercentage = 10\nminNumberOfExecutedThings = 1\n"
    )
    deployable.write(useAbortConfig=True)
    with DeviceLoop(clients, deployable.thing_names):
        assert deploy(deployable, cloud, "--yes").returncode == 0
    deployable.sections += "[LINT_CONFIG]\nwaive_OTA106 = the fleet has its own watchdog\n"
    deployable.write(useAbortConfig=True)

    with DeviceLoop(clients, deployable.thing_names):
        run = deploy(deployable, cloud)

    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "there is no custom job document s3://"),
        (b"[" * 30_000, "is nested too deeply"),
        (b'{"Info1": 1e999}', "holds 1e999"),
        (b'{"Info1": "\\ud800"}', "holds \\ud800, half of a character"),
    ],
)
def test_a_custom_document_in_s3_that_is_none(
    cloud, clients, deployable, untouched, firmware_bucket, document, words
):
    if document is not None:
        clients.s3.put_object(Bucket=firmware_bucket, Key="doc.json", Body=document)
    deployable.sections = (
        "[CUSTOM_JOB_DOCUMENT]\njobDocSrcCfg = url\n"
        f"jobDocSrcUrl = s3://{firmware_bucket}/doc.json\n"
    )
    deployable.write(useCustomJobDocument=True)
    untouched()

    run = deploy(deployable, cloud)

    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (("deploy", "nothing.ini"), "LocalResourceMissing", 2),
        (("lint", "nothing.ini"), "LocalResourceMissing", 2),
        (("report", "job/7"), "UserMistake", 2),
    ],
)
def test_an_error_is_an_object_too_where_an_object_is_asked_for(cloud, arguments, kind, code):
    run = otactl(*arguments, "--output", "json", cloud=cloud)

    fields = json.loads(run.stdout)
    assert run.returncode == code
    assert fields["schemaVersion"] == 1
    assert fields["error"]["kind"] == kind
    assert fields["error"]["exitCode"] == code
    assert fields["error"]["message"] in run.stderr


def test_every_problem_of_a_file_is_in_the_object(tmp_path):
    (tmp_path / "dev.ini").write_text("[DEFAULT]\nrounds = many\n")
    run = otactl("deploy", "dev.ini", "-o", "json", cwd=tmp_path)

    error = json.loads(run.stdout)["error"]
    assert error["kind"] == "ConfigurationInvalid"
    assert ("rounds", 2) in [(each["key"], each["line"]) for each in error["problems"]]


@pytest.mark.parametrize("command", [("report", "job"), ("validate", "dev.ini")])
def test_a_file_given_as_a_format_is_told_where_files_go(command):
    run = otactl(*command, "-o", "out/report.html")

    assert run.returncode == 2
    assert "a file is named by --out" in " ".join(run.stderr.replace("│", " ").split())

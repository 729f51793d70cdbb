"""``otactl queue`` as a user and as a CI job run it, and the manual's three scripts."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import REGION, QueueSite
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def site(cloud: RunningCloud, clients: AwsClients, unique: str, tmp_path: Path) -> QueueSite:
    return QueueSite(cloud, clients, unique, tmp_path)


def test_three_requests_are_deployed_by_three_runs_as_ci_makes_them(
    site: QueueSite, clients: AwsClients
) -> None:
    things = site.things
    ids = [*site.add(things[:2]), *site.add(things[2:3]), *site.add(things[:1])]
    assert set(site.states().values()) == {"PendingDeployment"}

    with AnsweringDevices(clients, things=site.things) as devices:
        for number, job_id in enumerate(ids, start=1):
            ended = site.work("--once", "--report-dir", "reports")
            assert ended.returncode == 0, ended.stderr
            assert list(site.states().values()).count("Deployed") == number
            assert site.request(job_id).state == "Deployed"
        idle = site.work("--once", "--report-dir", "reports")

    assert idle.returncode == 0
    assert "nothing to deploy" in idle.stderr
    assert sorted(devices.carried_out.values()) == [1, 1, 1, 1]
    reports = {path.name: json.loads(path.read_text()) for path in site.folder.glob("reports/*")}
    assert sorted(reports) == [f"{job_id}-1.json" for job_id in ids]
    first = reports[f"{ids[0]}-1.json"]
    assert first["recorded"]
    assert first["request"]["state"] == "Deployed"
    assert first["result"]["succeeded"] == 2
    assert first["result"]["leftovers"] == []
    assert site.jobs() == []


def test_json_is_one_object_and_nothing_else(site: QueueSite, clients: AwsClients) -> None:
    (job_id,) = site.add(site.things[:1])
    with AnsweringDevices(clients, things=site.things):
        ended = site.work("--once", "--output", "json")

    (reported,) = json.loads(ended.stdout)["requests"]
    assert reported["request"]["jobId"] == job_id
    assert reported["result"]["jobId"] == job_id
    assert json.loads(site.work("--once", "--output", "json").stdout) == {
        "schemaVersion": 1,
        "requests": [],
        "waiting": [],
    }


@pytest.mark.slow
def test_the_manuals_scripts_leave_and_take_the_files_they_are_documented_with(
    site: QueueSite, clients: AwsClients
) -> None:
    ini = site.write_deployment(site.things[:2])
    common = ["-tb", site.table_name, "-b", site.bucket, "-r", REGION]
    add = [sys.executable, str(SCRIPTS / "add_job_schedule.py"), "-m", "submit"]
    files = ["-f", "test.bin", "-d", ini.name, "-l", f"{ini.name}-things.txt"]
    for _ in range(2):
        assert site.run(*add, *files, *common).returncode == 0
    long = ["--method", "submit", "--binFile", "test.bin", "--tableName", site.table_name]
    long += ["--bucket", site.bucket, "--region", REGION, "--devIni", ini.name]
    long += ["--thingList", f"{ini.name}-things.txt"]
    assert site.run(sys.executable, str(SCRIPTS / "add_job_schedule.py"), *long).returncode == 0

    keys = [
        each["Key"]
        for each in clients.s3.list_objects_v2(Bucket=site.bucket)["Contents"]
        if "/claims/" not in each["Key"]
    ]
    ids = list(site.states())
    assert sorted(keys) == sorted(
        f"release/{role}_{job_id}_{name}"
        for job_id in ids
        for role, name in (
            ("binFile", "test.bin"),
            ("devFile", "dev.ini"),
            ("thingListFile", "dev.ini-things.txt"),
        )
    )

    workspace = site.folder / "workspace"
    workspace.mkdir()
    fetch = [sys.executable, str(SCRIPTS / "fetch_job_schedule.py")]
    regions = (["-r", REGION], ["--Region", REGION], ["--region", REGION])
    with AnsweringDevices(clients, things=site.things) as devices:
        for job_id, region in zip(ids, regions, strict=True):
            fetched = site.run(*fetch, *region, "-tb", site.table_name, cwd=workspace)
            assert fetched.returncode == 0, fetched.stderr
            assert site.request(job_id).state == "Deploying"
            assert (workspace / "dev.ini").is_file()
            image = workspace / f"binFile_{job_id}_test.bin"
            assert image.read_bytes() == site.image.read_bytes()
            assert (workspace / f"thingListFile_{job_id}_dev.ini-things.txt").is_file()
            scheduled = site.run(
                sys.executable, str(SCRIPTS / "jobs_scheduler.py"), cwd=workspace,
                OTACTL_STATE_DIR=str(site.folder / "state"),
            )  # fmt: skip
            assert scheduled.returncode == 0, scheduled.stderr
            assert site.request(job_id).state == "Deployed"

        # With nothing to fetch, the dev.ini of the last time must not be deployed again.
        again = site.run(*fetch, "-r", REGION, "-tb", site.table_name, cwd=workspace)
        scheduled = site.run(sys.executable, str(SCRIPTS / "jobs_scheduler.py"), cwd=workspace)

    assert again.returncode == scheduled.returncode == 0
    assert "nothing" in scheduled.stderr
    assert sum(devices.carried_out.values()) == 6


def test_a_user_s_own_dev_ini_is_deployed_by_the_script_as_it_always_was(
    site: QueueSite, clients: AwsClients
) -> None:
    site.write_deployment(site.things[:1], jobId="own-" + site.table_name)
    with AnsweringDevices(clients, things=site.things):
        ended = site.run(
            sys.executable, str(SCRIPTS / "jobs_scheduler.py"),
            OTACTL_STATE_DIR=str(site.folder / "state"),
        )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert site.run(sys.executable, str(SCRIPTS / "jobs_scheduler.py"), "x").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "delete"], "invalid choice"),
        (["-m", "submit"], "submit needs"),
        (["-m", "submit", "-d", "dev.ini"], "submit needs"),
        ([], "required"),
    ],
)
def test_the_script_refuses_what_the_manual_does_not_have(
    site: QueueSite, arguments: list[str], message: str
) -> None:
    common = ["-f", "x", "-tb", site.table_name, "-b", site.bucket, "-r", REGION]
    ended = site.run(sys.executable, str(SCRIPTS / "add_job_schedule.py"), *arguments, *common)

    assert ended.returncode == 2
    assert message in ended.stderr
    assert site.states() == {}


def test_a_fetched_request_that_was_changed_or_lost_is_not_deployed(site: QueueSite) -> None:
    (job_id,) = site.add(site.things[:1])
    fetch = ("fetch", "--claim", "--into", "here", "--lease", "2")
    assert site.queue(*fetch).returncode == 0
    path = site.folder / "here" / "dev.ini"
    original = path.read_text()
    path.write_text(original.replace("rounds", "# rounds") + "debug = True\n")

    changed = site.work("--fetched", "here")
    assert changed.returncode == 2
    assert "was changed" in changed.stderr
    assert site.request(job_id).state == "Failed"

    (job_id,) = site.add(site.things[:1])
    assert site.queue("fetch", "--claim", "--into", "there", "--lease", "2").returncode == 0
    wait_until(lambda: site.queue("fetch", "--claim", "--into", "other").stdout)
    late = site.work("--fetched", "there")
    assert late.returncode == 2
    assert "no longer yours" in late.stderr
    assert site.jobs() == []


def test_fetching_without_claiming_only_looks(site: QueueSite) -> None:
    (job_id,) = site.add(site.things[:1])

    fetched = site.queue("fetch")

    assert fetched.returncode == 0, fetched.stderr
    assert (site.folder / job_id / "dev.ini").is_file()
    assert site.states() == {job_id: "PendingDeployment"}
    assert site.queue("fetch", job_id, "--into", "again", "-o", "json").returncode == 0
    assert site.queue("fetch", "jobId_20200101-000000").returncode == 2


def test_a_series_stops_at_the_first_failure_and_goes_on_after_a_retry(
    site: QueueSite, clients: AwsClients
) -> None:
    ids = site.add(site.things, "--split", "2")
    assert len(ids) == 3
    broken = {site.things[2]}

    def answer(_job: str, thing: str) -> str:
        return "FAILED" if thing in broken else "SUCCEEDED"

    with AnsweringDevices(clients, things=site.things, answer=answer) as devices:
        drained = site.work("--drain")
        assert drained.returncode == 1
        assert list(site.states().values()) == ["PendingDeployment", "Deployed", "Failed"]
        failed = site.request(ids[1])
        assert failed.failure is not None
        assert failed.failure.kind == "deployment"
        assert site.things[2] in failed.failure.reason
        listed = json.loads(site.queue("list", "--output", "json").stdout)["requests"]
        assert listed[0]["waitsFor"] == {"reason": "held", "request": ids[1]}

        broken.clear()
        assert site.queue("retry", ids[1], "-o", "json").returncode == 0
        assert site.work("--drain").returncode == 0

    assert set(site.states().values()) == {"Deployed"}
    assert devices.carried_out[f"{ids[1]}-r2", site.things[2]] == 1
    assert devices.carried_out[ids[2], site.things[4]] == 1
    assert site.queue("retry", ids[0]).returncode == 2


@pytest.mark.parametrize(
    ("failures", "states"), [(1, ["Deployed"] * 4), (2, ["PendingDeployment"] * 3 + ["Failed"])]
)
def test_a_series_goes_on_while_enough_of_each_batch_succeed(
    site: QueueSite, clients: AwsClients, failures: int, states: list[str]
) -> None:
    names = [f"{site.things[0]}-{number:02}" for number in range(20)]
    for name in names:
        clients.iot.create_thing(thingName=name)
    ids = site.add(names, "--split", "5", "--required-succeeded", "80")
    bad = {name for start in range(0, 20, 5) for name in names[start : start + failures]}

    def answer(_job: str, thing: str) -> str:
        return "FAILED" if thing in bad else "SUCCEEDED"

    with AnsweringDevices(clients, things=names, answer=answer):
        drained = site.work("--drain")

    assert (drained.returncode == 0) == (failures == 1)
    assert sorted(site.states().values()) == sorted(states)
    first = site.request(ids[0])
    assert first.outcome is not None
    assert (first.outcome.things, first.outcome.succeeded) == (5, 5 - failures)


@pytest.mark.slow
def test_a_batch_is_judged_after_its_minutes_though_a_thing_is_silent(
    site: QueueSite, clients: AwsClients
) -> None:
    names = [f"{site.things[0]}-{number}" for number in range(6)]
    for name in names:
        clients.iot.create_thing(thingName=name)
    series = ("--split", "5", "--required-succeeded", "80", "--max-minutes", "1")
    first, last = site.add(names, *series)

    def answer(_job: str, thing: str) -> str | None:
        return None if thing == names[0] else "SUCCEEDED"

    with AnsweringDevices(clients, things=names, answer=answer):
        drained = site.work("--drain")

    assert drained.returncode == 0, drained.stderr
    assert site.states() == {first: "Deployed", last: "Deployed"}
    outcome = site.request(first).outcome
    assert outcome is not None
    assert (outcome.things, outcome.succeeded) == (5, 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--required-succeeded", "80"), "is about the requests of --split"),
        (("--split", "2", "--max-minutes", "5"), "is about --required-succeeded"),
    ],
)
def test_what_is_about_a_series_is_refused_without_one(
    site: QueueSite, arguments: tuple[str, ...], words: str
) -> None:
    refused = site.queue("add", str(site.write_deployment(site.things)), *arguments)

    assert refused.returncode == 2
    assert words in refused.stderr
    assert site.states() == {}


def test_a_failed_deployment_ends_a_ci_run_with_its_own_code(
    site: QueueSite, clients: AwsClients
) -> None:
    (job_id,) = site.add(site.things[:1], debug="True")

    with AnsweringDevices(clients, things=site.things, answer=lambda *_: "REJECTED"):
        ended = site.work("--once", "--report-dir", "reports")

    assert ended.returncode == 1
    (log,) = (site.folder / "state").rglob("logs/*.log")
    assert "CreateJob" in log.read_text()
    report = json.loads((site.folder / "reports" / f"{job_id}-1.json").read_text())
    assert report["request"]["failure"]["kind"] == "deployment"
    assert report["error"]["exitCode"] == 1


def test_priorities_times_and_dependencies_decide_who_goes(
    site: QueueSite, clients: AwsClients
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    (normal,) = site.add(site.things[:1])
    (later,) = site.add(site.things[1:2], "--not-before", tomorrow)
    (behind,) = site.add(site.things[2:3], "--after", later, "--priority", "high")
    (urgent,) = site.add(site.things[3:4], "--priority", "high")

    with AnsweringDevices(clients, things=site.things):
        assert site.work("--once").returncode == 0
        assert site.request(urgent).state == "Deployed"
        assert site.work("--drain").returncode == 0

    assert site.states() == {
        normal: "Deployed",
        urgent: "Deployed",
        later: "PendingDeployment",
        behind: "PendingDeployment",
    }
    waits = {
        request["jobId"]: request["waitsFor"]["reason"]
        for request in json.loads(site.queue("list", "-o", "json").stdout)["requests"]
    }
    assert waits == {later: "time", behind: "dependency"}
    text = site.queue("list").stdout
    assert "its start time is later" in text

    assert site.queue("cancel", later).returncode == 0
    assert site.request(later).state == "Canceled"
    assert site.queue("cancel", later).returncode == 2
    held = json.loads(site.queue("list", "-o", "json").stdout)["requests"][0]["waitsFor"]
    assert held == {"reason": "held", "request": later}


def test_a_whole_series_is_cancelled_at_once(site: QueueSite) -> None:
    ids = site.add(site.things, "--split", "1")

    assert site.queue("cancel", ids[3], "--series", "-o", "json").returncode == 0

    assert set(site.states().values()) == {"Canceled"}


def test_a_thing_group_is_split_and_overlaps_what_has_its_things(
    site: QueueSite, clients: AwsClients
) -> None:
    group = f"group-{site.table_name}"
    arn = clients.iot.create_thing_group(thingGroupName=group)["thingGroupArn"]
    for thing in site.things[:4]:
        clients.iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)
    path = site.write_deployment([])
    (site.folder / "dev.ini-things.txt").write_text(f"{arn}\n")
    added = site.queue("add", str(path), "--split", "3", "-o", "json")
    assert added.returncode == 0, added.stderr
    assert [each["targets"] for each in json.loads(added.stdout)["requests"]] == [3, 1]

    whole = site.queue("add", str(path), "-o", "json")
    assert whole.returncode == 0, whole.stderr
    waits = [
        request["waitsFor"]
        for request in json.loads(site.queue("list", "-o", "json").stdout)["requests"]
    ]
    assert [wait["reason"] if wait else None for wait in waits] == [None, "dependency", "overlap"]

    with AnsweringDevices(clients, things=site.things) as devices:
        assert site.work("--drain").returncode == 0
    assert sum(devices.carried_out.values()) == 8
    assert devices.collisions == []


def test_the_queue_s_region_and_the_deployment_s_may_differ(
    site: QueueSite, clients: AwsClients
) -> None:
    other = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}
    flags = ("--region", "eu-central-1")
    assert site.queue("init", *flags, **other).returncode == 0
    path = site.write_deployment(site.things[:1])
    added = site.queue("add", str(path), *flags, "-o", "json", **other)
    assert added.returncode == 0, added.stderr
    assert "queued in eu-central-1" in added.stderr
    assert site.states() == {}

    with AnsweringDevices(clients, things=site.things):
        ended = site.work("--once", *flags)

    assert ended.returncode == 0, ended.stderr
    (request,) = json.loads(site.queue("list", "--all", "-o", "json", *flags).stdout)["requests"]
    assert request["state"] == "Deployed"


@pytest.mark.slow
def test_the_manuals_scripts_deploy_into_another_region_from_a_bucket_of_the_queue_s(
    site: QueueSite, clients: AwsClients
) -> None:
    """The manual: table and bucket are in --region, dev.ini may name another one.

    So the dev.ini names another bucket than the one its files lie in, which a worker refuses unless
    whoever runs it says otherwise; a script has no flag for that, but an environment.
    """
    queue_region, queue_bucket = "eu-central-1", f"{site.bucket}-queue"
    assert site.queue("init", "--region", queue_region).returncode == 0
    clients.s3.create_bucket(
        Bucket=queue_bucket, CreateBucketConfiguration={"LocationConstraint": queue_region}
    )
    location = ["-r", queue_region, "-tb", site.table_name]
    workspace = site.folder / "workspace"
    workspace.mkdir()

    def deploy_one(**environment: str) -> tuple[int, str]:
        ini = site.write_deployment(site.things[:1])
        added = site.run(
            *(sys.executable, str(SCRIPTS / "add_job_schedule.py"), "-m", "submit"),
            *("-f", "test.bin", "-d", ini.name, "-l", f"{ini.name}-things.txt"),
            *("-b", queue_bucket, *location),
        )
        assert added.returncode == 0, added.stderr
        assert f"--allow-bucket {site.bucket}" in added.stderr.replace("\n", " ")
        fetch = [sys.executable, str(SCRIPTS / "fetch_job_schedule.py"), *location]
        assert site.run(*fetch, cwd=workspace).returncode == 0
        state = {"OTACTL_STATE_DIR": str(site.folder / "state")}
        ended = site.run(
            sys.executable,
            str(SCRIPTS / "jobs_scheduler.py"),
            cwd=workspace,
            **state,
            **environment,
        )
        return ended.returncode, ended.stderr

    with AnsweringDevices(clients, things=site.things) as devices:
        code, said = deploy_one()
        assert code == 2
        assert "is not the request's own" in said.replace("\n", " ")
        code, said = deploy_one(OTACTL_QUEUE_ALLOW_BUCKET=site.bucket)
        assert code == 0, said

    assert sum(devices.carried_out.values()) == 1


def test_init_makes_the_table_once_and_switches_on_what_it_is_asked_for(
    site: QueueSite, clients: AwsClients
) -> None:
    name = f"{site.table_name}-new"
    command = ("queue", "init", "--table", name, "-o", "json")
    made = site.run(sys.executable, "-m", "otactl", *command)
    assert json.loads(made.stdout) == {
        "schemaVersion": 1,
        "table": name,
        "region": REGION,
        "created": True,
    }
    ttl = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "DISABLED"

    again = site.run(sys.executable, "-m", "otactl", *command, "--ttl", "--recovery")

    assert not json.loads(again.stdout)["created"]
    ttl = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}
    backups = clients.dynamodb.describe_continuous_backups(TableName=name)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"

    clients.dynamodb.create_table(
        TableName=f"{name}-other",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    other = site.run(*(sys.executable, "-m", "otactl", "queue", "init", "--table", f"{name}-other"))
    assert other.returncode == 2
    assert "exists with the keys id (HASH)" in other.stderr.replace("\n", " ")


def test_what_is_over_says_when_the_table_may_forget_it(
    site: QueueSite, clients: AwsClients
) -> None:
    (kept,) = site.add(site.things[:1])
    (job_id,) = site.add(site.things[1:2], "--keep-days", "7")
    with AnsweringDevices(clients, things=site.things):
        assert site.work("--drain").returncode == 0

    items = clients.dynamodb.query(
        TableName=site.table_name,
        KeyConditionExpression="jobStatus = :s",
        ExpressionAttributeValues={":s": {"S": "Deployed"}},
    )["Items"]
    expires = {item["jobId"]["S"]: item.get("expiresAt") for item in items}
    ended_ms = site.request(job_id).ended_ms
    assert ended_ms is not None
    assert expires == {kept: None, job_id: {"N": str(ended_ms // 1000 + 7 * 86_400)}}


def test_without_a_table_nothing_is_stored_and_it_is_said_how_to_make_one(
    site: QueueSite, clients: AwsClients
) -> None:
    path = site.write_deployment(site.things[:1])
    site.table_name = f"{site.table_name}-of-nobody"

    for arguments in (("add", str(path)), ("list",), ("run", "--once")):
        ended = site.queue(*arguments)
        assert ended.returncode == 2, ended.stderr
        assert "or create it with `otactl queue init`" in ended.stderr
    assert "Contents" not in clients.s3.list_objects_v2(Bucket=site.bucket)


def test_show_tells_everything_about_a_request(site: QueueSite) -> None:
    path = site.write_deployment(site.things[:2], useImageConfig="True")
    path.write_text(f"{path.read_text()}\n[IMAGE_CONFIG]\nimageVer = 2.7.1\n")
    added = site.queue("add", str(path), "--priority", "low", "--keep-days", "7", "-o", "json")
    (job_id,) = (request["jobId"] for request in json.loads(added.stdout)["requests"])

    reported = json.loads(site.queue("show", job_id, "-o", "json").stdout)

    assert reported["jobId"] == reported["awsJobId"] == job_id
    assert reported["priority"] == "low"
    assert reported["targets"] == 2
    assert reported["imageVersion"] == "2.7.1"
    assert "2.7.1" in site.queue("list").stdout
    assert job_id in site.queue("show", job_id).stdout
    missing = site.queue("show", "jobId_20200101-000000")
    assert missing.returncode == 2
    assert "there is no request" in missing.stderr


def test_add_refuses_what_is_wrong_before_anything_is_stored(
    site: QueueSite, clients: AwsClients
) -> None:
    path = site.write_deployment(site.things[:1], rounds="many")
    (site.folder / "other.bin").write_bytes(b"x")
    assert site.queue("add", str(path)).returncode == 2

    path = site.write_deployment(site.things[:1])
    other = site.queue("add", str(path), "--image", "other.bin")
    assert other.returncode == 2
    assert "binName" in other.stderr
    assert site.queue("add", str(path), "--not-before", "soon").returncode == 2
    assert site.queue("add", str(path), "--after", "jobId_20200101-000000").returncode == 2
    assert site.states() == {}
    assert clients.s3.list_objects_v2(Bucket=site.bucket).get("KeyCount") == 0

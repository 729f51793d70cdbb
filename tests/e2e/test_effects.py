"""What a configuration asks for is what happens, seen from outside: not the request, the effect."""

from __future__ import annotations

import base64
import json
from collections import Counter

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.program import otactl

from otactl.deploy.journal import Journal
from otactl.deploy.store import DeploymentStore

MINUTE_MS = 60_000


@pytest.fixture
def deployable(tmp_path, unique):
    return Deployable(
        folder=tmp_path,
        thing_names=[f"t{number}" for number in range(3)],
        bucket=f"effects-{unique}",
        role_arn="arn:aws:iam::123456789012:role/ota-stream",
        job_id=f"job-{unique}",
        image_bytes=20_000,
    )


def rehearse(deployable, *arguments):
    """Run a rehearsal; returns the run, its result, and its first round from the journal."""
    state_dir = deployable.folder / "state"
    run = otactl(
        "rehearse",
        str(deployable.path),
        *arguments,
        "--state-dir",
        str(state_dir),
        "--output",
        "json",
    )
    assert run.stdout, run.stderr
    result = json.loads(run.stdout)
    journal = Journal.read(DeploymentStore(state_dir).path(result["deploymentId"]))
    (first, *_) = journal.rounds
    journal.close()
    return run, result, first


def notified_per_minute(round_result):
    """How many things were notified in each minute since the first."""
    times = sorted(outcome.queued_at_ms for outcome in round_result.outcomes)
    minutes = Counter((time - times[0]) // MINUTE_MS for time in times)
    return [minutes[minute] for minute in range(max(minutes) + 1)]


def test_a_constant_rollout_keeps_its_rate(deployable):
    deployable.sections = "[JOB_EXECUTE_ROLLOUT_CONFIG]\nmaximumPerMinute = 4\n"
    deployable.write(useJobExecutionsRolloutConfig=True)

    run, _, first = rehearse(deployable, "--things", "10", "--speed", "30")

    assert run.returncode == 0, run.stderr
    assert notified_per_minute(first) == [4, 4, 2]


def test_an_exponential_rollout_grows_with_the_notified_things(deployable):
    deployable.sections = """
[JOB_EXECUTE_ROLLOUT_CONFIG]
maximumPerMinute = 6
useExponentialRateCfg = True

[EXP_RATE_CONFIG]
baseRatePerMinute = 2
incrementFactor = 2.0
useRateIncreaseCriteria = True

[INCREASE_CRITERIA]
numberOfNotifiedThings = 4
"""
    deployable.write(useJobExecutionsRolloutConfig=True)

    run, _, first = rehearse(deployable, "--things", "14", "--speed", "30")

    assert run.returncode == 0, run.stderr
    # 2 a minute until 4 are notified, then 4 a minute; 8 notified raise it again, to the maximum.
    assert notified_per_minute(first) == [2, 2, 4, 6]


def test_the_abort_criterion_cancels_at_the_very_count(deployable):
    deployable.sections = """
[JOB_EXECUTE_ROLLOUT_CONFIG]
maximumPerMinute = 1

[ABORT_CONFIG]
useFailedSubsection = True

[ABORT_CONFIG_TYPE_FAILED]
failureType = FAILED
thresholdPercentage = 60.0
minNumberOfExecutedThings = 3
"""
    deployable.write(useJobExecutionsRolloutConfig=True, useAbortConfig=True)

    run, result, _ = rehearse(deployable, "--things", "8", "--behave", "fail=100", "--speed", "60")

    # One thing a minute: the third failure is the first at which the rule is looked at.
    assert run.returncode == 4, run.stderr
    (only,) = result["rounds"]
    assert only["status"] == "CANCELED"
    assert only["failed"] == 3
    assert only["succeeded"] == 0
    assert "aborted by its own criteria" in run.stderr
    assert result["leftovers"] == []


def test_a_failed_thing_is_tried_again_as_often_as_configured(deployable):
    deployable.sections = "[RETRY_CONFIG]\nnumberOfRetriesFailed = 2\n"
    deployable.write(useRetryConfig=True)

    run, result, first = rehearse(deployable, "--things", "4", "--behave", "fail=25")

    assert run.returncode == 1
    assert (result["rounds"][0]["succeeded"], result["rounds"][0]["failed"]) == (3, 1)
    (failed,) = first.unsuccessful
    assert failed.execution_number == 3


def test_an_image_too_large_for_a_stream_travels_by_presigned_url(deployable):
    deployable.image_bytes = 25 * 1024 * 1024
    deployable.sections = (
        "[PRESIGNED_URL_CONFIG]\n"
        "roleArn = arn:aws:iam::123456789012:role/presign\n"
        "expiresInSec = 600\n"
    )
    deployable.write(usePresignedUrlConfig=True)

    run, result, _ = rehearse(deployable, "--things", "2")

    assert run.returncode == 0, run.stderr
    assert result["verifiedSha256"] == 2
    # No stream was ever made: there was no other way to the image.
    assert "iot:CreateStream" not in result["apiCalls"]


def test_without_presigned_urls_such_an_image_is_refused(deployable):
    deployable.image_bytes = 25 * 1024 * 1024
    deployable.write()

    run = otactl("rehearse", str(deployable.path), "--state-dir", str(deployable.folder))

    assert run.returncode == 2
    assert "25165824" in run.stderr
    assert "usePresignedUrlConfig" in run.stderr


@pytest.mark.parametrize("form", ["pkcs8", "sec1", "base64"])
def test_a_signed_image_is_verified_by_the_devices(deployable, form):
    key = ec.generate_private_key(ec.SECP256R1())
    (deployable.folder / "key").write_bytes(written_key(key, form))
    deployable.sections = "[SIGNING_CONFIG]\nprivateKeyPath = key\n"
    deployable.write(useSigningConfig=True)

    run, result, _ = rehearse(deployable, "--things", "2")

    assert run.returncode == 0, run.stderr
    assert result["verifiedSha256"] == 2


def written_key(key, form):
    if form == "base64":
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return base64.b64encode(der)
    layout = (
        serialization.PrivateFormat.PKCS8
        if form == "pkcs8"
        else serialization.PrivateFormat.TraditionalOpenSSL
    )
    return key.private_bytes(serialization.Encoding.PEM, layout, serialization.NoEncryption())


def test_what_the_device_receives_is_the_merged_document(
    cloud, clients, firmware_bucket, stream_role_arn, tmp_path, unique
):
    thing = f"receiver-{unique}"
    clients.iot.create_thing(thingName=thing)
    custom = {"Info1": "123", "Info2": {"nested": ["ü"]}, "command": "another", "fileSize": 1}
    (tmp_path / "mine.json").write_text(json.dumps(custom))
    deployable = Deployable(
        folder=tmp_path,
        thing_names=[thing],
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"custom-{unique}",
        image_bytes=3000,
        sections=(
            "[CUSTOM_JOB_DOCUMENT]\njobDocSrcCfg = local_file\njobDocPath = mine.json\n"
            "[IMAGE_CONFIG]\nimageVer = 7.1\n"
        ),
    )
    deployable.write(useCustomJobDocument=True)

    with DeviceLoop(clients, [thing]) as devices:
        run = otactl(
            "deploy",
            str(deployable.path),
            "--poll",
            "0.3",
            "--state-dir",
            str(tmp_path / "state"),
            cloud=cloud,
        )

    assert run.returncode == 0, run.stderr
    (received,) = devices.documents
    assert received["Info1"] == "123"
    assert received["Info2"] == {"nested": ["ü"]}
    assert received["command"] == "fota"
    assert received["fileSize"] == 3000
    assert received["imageVer"] == "7.1"
    assert received["streamId"] == f"stream-custom-{unique}_{received['fileId']}"
    assert len(received["md5sum"]) == 32
    # The user's own file is as it was.
    assert json.loads((tmp_path / "mine.json").read_text()) == custom


def alarm_sections(alarm_type, threshold):
    topics = ",".join(
        f"arn:aws:sns:us-east-1:123456789012:{name}"
        for name in ("email-notification", "ota-force-stopper")
    )
    return f"""
[JOB_EXECUTE_ROLLOUT_CONFIG]
maximumPerMinute = 2

[ALARM_CONFIG]
alarmList = downloads

[ALARM_CONFIG_downloads]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p99
period = 60
threshold = {threshold}
alarmType = {alarm_type}
evaluationPeriods = 1
datapointsToAlarm = 1
snsTopics = {topics}
"""


@pytest.mark.parametrize(
    ("alarm_type", "threshold", "behave"), [("upper", 30, "slow=100"), ("lower", 3600, "")]
)
def test_a_rehearsed_alarm_stops_the_rollout_in_time(deployable, alarm_type, threshold, behave):
    deployable.image_bytes = 60_000
    deployable.sections = alarm_sections(alarm_type, threshold)
    deployable.write(useJobExecutionsRolloutConfig=True)

    # A slow link takes a minute of the rehearsal's time for this image; the others a blink.
    arguments = ("--things", "60", "--speed", "30", "--link-speed", "1000")
    run, result, first = rehearse(deployable, *arguments, "--behave", behave)

    assert run.returncode == 7, run.stderr
    (only,) = result["rounds"]
    assert only["status"] == "CANCELED"
    assert "was stopped by an alarm" in run.stderr
    # Most things were never notified: the alarm came in time.
    assert sum(first.counts.values()) < 40
    assert result["leftovers"] == []

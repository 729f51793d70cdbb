"""Regions outside of the partition aws: every ARN of ours says so, and a rehearsal says no."""

from __future__ import annotations

import json

import pytest
from tests.e2e.deployable import ACCOUNT, Deployable
from tests.e2e.program import otactl


@pytest.fixture
def file(tmp_path):
    """A deployment in China that uses everything whose policy names an ARN."""
    deployable = Deployable(
        folder=tmp_path,
        thing_names=[],
        bucket="firmware-bucket",
        role_arn=f"arn:aws-cn:iam::{ACCOUNT}:role/stream",
        job_id="job",
        sections="[CUSTOM_JOB_DOCUMENT]\njobDocSrcCfg = url\njobDocSrcUrl = s3://documents/doc.json\n"
        "[ALARM_CONFIG]\nalarmList = A\n"
        "[ALARM_CONFIG_A]\nnamespace = N\nmetricName = m\nstat = p99\nperiod = 60\nthreshold = 1\n"
        "alarmType = upper\nevaluationPeriods = 1\ndatapointsToAlarm = 1\n"
        f"snsTopics = arn:aws-cn:sns:cn-north-1:{ACCOUNT}:stop\n",
    )
    path = deployable.write(region="cn-north-1", useCustomJobDocument=True)
    (tmp_path / "things.txt").write_text(
        "".join(f"arn:aws-cn:iot:cn-north-1:{ACCOUNT}:thing/t{n}\n" for n in range(101))
    )
    return path


def test_the_policies_name_what_is_there(file):
    ended = otactl("iam", str(file))

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)
    assert "arn:aws-cn:iot:cn-north-1" in ended.stdout
    assert "arn:aws-cn:s3:::firmware-bucket" in ended.stdout
    assert "arn:aws:" not in ended.stdout


def test_a_rehearsal_is_refused_before_anything_starts(file):
    ended = otactl("rehearse", str(file), "--state-dir", str(file.parent / "state"))

    assert ended.returncode == 2
    assert "cn-north-1 is of the partition aws-cn" in ended.stderr
    assert not (file.parent / "state").exists()

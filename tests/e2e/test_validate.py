"""``otactl validate`` and ``otactl config`` as a user, an editor or a script runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.dev_ini import REQUIRED, dev_ini
from tests.support.warm_program import run_warm

ROOT = Path(__file__).parents[2]
THING = "arn:aws:iot:us-east-1:123456789012:thing/t\n"


def otactl(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run_warm(
        [str(each) for each in arguments],
        env={**os.environ, "COLUMNS": "80"},
        cwd=cwd,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dev.ini").write_text(dev_ini())
    (tmp_path / "thingsList.txt").write_text(THING)
    (tmp_path / "test.bin").write_bytes(b"firmware")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "things"), [("dev.ini", 5), ("manual.ini", 5), ("waves.ini", 200)]
)
def test_the_examples_are_valid(name: str, things: int):
    done = otactl("validate", f"examples/{name}")

    assert done.returncode == 0
    assert done.stdout == f"examples/{name} is valid, for {things} things\n"
    assert "error" not in done.stderr


def test_problems_are_one_a_line_and_the_exit_code_is_the_users_mistake(folder: Path):
    (folder / "dev.ini").write_text(dev_ini(jobId="a b", rounds="0", unheardOf="1"))

    done = otactl("validate", "dev.ini", cwd=folder)

    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        (
            "dev.ini:5: [DEFAULT] jobId: error: must be 1 to 64 letters, digits, _ or -, found "
            "'a b' (' ' is not allowed in it)"
        ),
        "dev.ini:9: [DEFAULT] rounds: error: must be a whole number from 1 to 10000, found '0'",
        (
            "dev.ini:10: [DEFAULT] unheardOf: warning: this section has no such key; it is ignored "
            "(`otactl config explain` lists every key)"
        ),
        "dev.ini cannot be deployed: 2 errors, 1 warning",
    ]


def test_warnings_do_not_fail(folder: Path):
    (folder / "dev.ini").write_text(dev_ini(unheardOf="1"))

    done = otactl("validate", "dev.ini", cwd=folder)

    assert done.returncode == 0
    assert done.stdout.endswith("dev.ini is valid, for 1 thing (1 warning)\n")


def test_json_is_one_object_and_nothing_else(folder: Path):
    (folder / "dev.ini").write_text(dev_ini(jobId="a b"))

    done = otactl("validate", "dev.ini", "--output", "json", cwd=folder)

    assert (done.returncode, done.stderr) == (2, "")
    assert json.loads(done.stdout) == {
        "schemaVersion": 1,
        "valid": False,
        "findings": [],
        "problems": [
            {
                "file": "dev.ini",
                "line": 5,
                "section": "DEFAULT",
                "key": "jobId",
                "severity": "error",
                "code": "form",
                "message": "must be 1 to 64 letters, digits, _ or -, found 'a b'",
                "hint": "' ' is not allowed in it",
            }
        ],
    }


def test_json_of_a_file_that_is_not_there_says_so_too(tmp_path: Path):
    done = otactl("validate", "lost.ini", "-o", "json", cwd=tmp_path)

    assert done.returncode == 2
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["code"] == "missing-file"


# Issue 2, Done-when 8: each of the user's mistakes is one clear sentence with its place, exit 2.
@pytest.mark.parametrize(
    ("changes", "things", "sentence"),
    [
        (
            {"binName": "lost.bin"},
            THING,
            (
                "dev.ini:3: [DEFAULT] binName: error: cannot read the image lost.bin: "
                "there is no such file"
            ),
        ),
        (
            {},
            "arn:aws:s3:::bucket\n",
            (
                "thingsList.txt:1: error: 'arn:aws:s3:::bucket' is not the ARN of a thing or a "
                "thing group (arn:aws:iot:REGION:ACCOUNT:thing/NAME, or …:thinggroup/NAME)"
            ),
        ),
        (
            {},
            "# nobody\n",
            (
                "thingsList.txt: error: lists no thing and no thing group (write one ARN on each "
                "line; `otactl things` makes such a list)"
            ),
        ),
        (
            {"roleArn": "my-role"},
            THING,
            (
                "dev.ini:4: [DEFAULT] roleArn: error: must be the ARN of a role, "
                "arn:aws:iam::ACCOUNT:role/NAME, found 'my-role'"
            ),
        ),
    ],
)
def test_a_mistake_is_one_sentence(
    folder: Path, changes: dict[str, str], things: str, sentence: str
):
    (folder / "dev.ini").write_text(dev_ini(**changes))
    (folder / "thingsList.txt").write_text(things)

    done = otactl("validate", "dev.ini", cwd=folder)

    assert done.returncode == 2
    assert done.stdout == f"{sentence}\ndev.ini cannot be deployed: 1 error\n"


@pytest.mark.parametrize(
    ("switch", "reasons"),
    [
        ("useCustomJobDocument", []),
        ("usePresignedUrlConfig", []),
        ("useJobExecutionsRolloutConfig", ["M2", "M1"]),
        ("useAbortConfig", []),
        ("useTimeoutConfig", []),
    ],
)
def test_the_manuals_sample_with_each_switch_on_is_valid_or_refused_for_its_reason(
    tmp_path: Path, switch: str, reasons: list[str]
):
    """Issue 3, Done-when 1: refused for what section M of the facts says, and nothing else."""
    for source in filter(Path.is_file, (ROOT / "examples").iterdir()):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    sample = tmp_path / "manual.ini"
    text = sample.read_text()
    assert f"{switch} = False" in text
    sample.write_text(text.replace(f"{switch} = False", f"{switch} = True"))

    done = otactl("validate", sample, "-o", "json")

    problems = json.loads(done.stdout)["problems"]
    assert [problem["severity"] for problem in problems] == ["error"] * len(reasons)
    for problem, reason in zip(problems, reasons, strict=True):
        assert f"see {reason} in docs/reference/dev-ini.md" in problem["hint"]
    assert done.returncode == (2 if reasons else 0)


def test_hostile_text_reaches_the_terminal_harmless(folder: Path):
    (folder / "dev.ini").write_text(dev_ini(jobId="\x1b[2J\x1b]0;owned\x07", **{"\x1b[31m": "x"}))

    done = otactl("validate", "dev.ini", cwd=folder)

    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


def test_a_reader_that_goes_away_is_no_traceback():
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m otactl config template | head -1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "Traceback" not in done.stderr


class TestExplain:
    def test_a_key_is_explained(self):
        done = otactl("config", "explain", "incrementFactor")

        assert done.returncode == 0
        for words in ("[EXP_RATE_CONFIG] incrementFactor", "1.1 to 5", "exponentialRate", "2.0"):
            assert words in done.stdout

    def test_a_key_of_several_sections_is_explained_for_each_or_for_one(self):
        both = otactl("config", "explain", "roleArn").stdout
        assert json.loads(otactl("config", "explain", "-o", "json").stdout)["keys"]
        one = otactl("config", "explain", "PRESIGNED_URL_CONFIG.roleArn").stdout

        assert both.count("example") == 2
        assert one.count("example") == 1

    def test_the_misspelt_key_of_the_manual_is_found(self):
        assert "fileChunkSize" in otactl("config", "explain", "fileChunckSize").stdout

    def test_a_section_lists_its_keys(self):
        done = otactl("config", "explain", "ALARM_CONFIG_Mine")

        assert "datapointsToAlarm" in done.stdout
        assert "It counts when alarmList in [ALARM_CONFIG] lists it." in done.stdout

    def test_everything_is_listed(self):
        done = otactl("config", "explain")

        assert all(key in done.stdout for key in REQUIRED)

    def test_json_has_every_key(self):
        keys = json.loads(otactl("config", "explain", "-o", "json").stdout)["keys"]

        assert len(keys) > 60
        assert {"section", "key", "type", "allowed", "default", "becomes"} < set(keys[0])

    def test_an_unknown_key_comes_with_the_nearest_names(self):
        done = otactl("config", "explain", "maximumPerMin")

        assert done.returncode == 2
        assert done.stdout == ""
        assert "did you mean maximumPerMinute" in done.stderr


def test_the_template_filled_in_is_valid(folder: Path):
    text = otactl("config", "template").stdout
    for placeholder, value in {
        "arn:aws:iam::<your_account>:role/<your_role>": REQUIRED["roleArn"],
        "<yourJobId>": "job",
        "<your-bucket>": "bucket",
        "<yourStreamId>": "stream",
    }.items():
        assert placeholder in text
        text = text.replace(placeholder, value)
    (folder / "dev.ini").write_text(text)
    (folder / "images").mkdir()
    for version in ("1.0.0", "1.1.0"):
        (folder / "images" / f"app-{version}.bin").write_bytes(version.encode())

    done = otactl("validate", "dev.ini", cwd=folder)

    assert done.stdout == "dev.ini is valid, for 1 thing\n"


def test_what_alarms_need_beside_the_file_is_said_to_be_looked_up_later(folder: Path):
    alarm = (
        "[ALARM_CONFIG]\nalarmList = Slow\n[ALARM_CONFIG_Slow]\nnamespace = IoT:OTA:JobExecution\n"
        "metricName = downloadTime\nstat = p99\nperiod = 60\nthreshold = 3600\nalarmType = upper\n"
        "evaluationPeriods = 5\ndatapointsToAlarm = 3\n"
        "snsTopics = arn:aws:sns:us-east-1:123456789012:nobody\n"
    )
    (folder / "dev.ini").write_text(dev_ini() + "\n" + alarm)

    done = otactl("validate", folder / "dev.ini")

    assert done.returncode == 0, done.stdout
    assert "is checked by `otactl plan`" in " ".join(done.stderr.split())

"""``otactl rehearse`` as its users run it: the program, its output, its exit code."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests.e2e.deployable import Deployable
from tests.e2e.program import environment, otactl
from tests.processes import (
    all_listening_sockets,
    listening_sockets,
    process_tree,
    processes_mentioning,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXAMPLE = Path(__file__).parents[2] / "examples" / "dev.ini"
SECONDS_TO_STOP = 10


@pytest.fixture
def deployable(tmp_path, unique):
    """A deployment of three things; nothing of it exists yet."""
    return Deployable(
        folder=tmp_path,
        thing_names=[f"t{number}" for number in range(3)],
        bucket=f"rehearsed-{unique}",
        role_arn="arn:aws:iam::123456789012:role/service/ota-stream",
        job_id=f"job-{unique}",
        image_bytes=100_000,
    )


def rehearse(path, *arguments, state_dir):
    run = otactl(
        "rehearse", str(path), *arguments, "--state-dir", str(state_dir), "--output", "json"
    )
    result = json.loads(run.stdout) if run.stdout else {}
    return run, result


def test_the_example_rehearses_two_rounds_on_five_things(tmp_path):
    run, result = rehearse(EXAMPLE, state_dir=tmp_path)

    assert run.returncode == 0, run.stderr
    assert set(result) >= {
        "jobId",
        "things",
        "rounds",
        "succeeded",
        "failed",
        "imageSha256",
        "apiCalls",
        "leftovers",
    }
    assert result["things"] == 5
    assert [r["succeeded"] for r in result["rounds"]] == [5, 5]
    assert result["succeeded"] == 10
    assert result["verifiedSha256"] == 10
    assert result["leftovers"] == []
    assert 0 <= result["lateSeconds"] < 30
    assert result["apiCalls"]["iot:CreateJob"] == 2
    assert result["rounds"][0]["downloadSeconds"]["p50"] > 0


@pytest.mark.parametrize(
    ("things", "image_bytes"),
    [(20, 300_000), pytest.param(200, 1024 * 1024, marks=pytest.mark.slow)],
)
def test_every_device_computes_the_digest_of_the_very_file(deployable, things, image_bytes):
    deployable.image_bytes = image_bytes
    path = deployable.write()

    run, result = rehearse(
        path, "--things", str(things), "--rounds", "1", state_dir=deployable.folder
    )

    assert run.returncode == 0, run.stderr
    assert result["rounds"][0]["succeeded"] == things
    assert result["verifiedSha256"] == things
    assert result["leftovers"] == []


def test_behaviours_are_dealt_exactly_and_failures_named(deployable):
    path = deployable.write()

    files = ("--report", str(path.parent / "r.csv"), "--junit", str(path.parent / "r.xml"))
    behave = ("--things", "40", "--behave", "fail=10,reject=5")
    run, result = rehearse(path, *behave, *files, state_dir=deployable.folder)

    assert run.returncode == 1
    (only,) = result["rounds"]
    assert (only["succeeded"], only["failed"], only["rejected"]) == (34, 4, 2)
    assert len(only["failures"]) == 6
    assert all(failure["reason"] for failure in only["failures"])
    assert "6 of 40 things did not succeed" in run.stderr
    assert run.stderr.splitlines()[-1] == f"report: {files[1]}"
    with Path(files[1]).open() as file:
        assert len(list(csv.DictReader(file))) == 40
    suites = ET.parse(files[3]).getroot()  # noqa: S314  # our own file
    failed = [case.get("name") for case in suites.iter("testcase") if len(case)]
    assert sorted(failed[1:]) == sorted(failure["thing"] for failure in only["failures"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--report", "r.pdf"), "the file name must end with one of .html, .json, .csv"),
        (("--report", "report"), "the file name must end with"),
    ],
)
def test_a_report_of_another_kind_is_refused_before_anything_is_done(deployable, arguments, words):
    run, _ = rehearse(deployable.write(), *arguments, state_dir=deployable.folder)

    assert run.returncode == 2
    assert words in run.stderr


def test_corrupt_downloads_and_lost_connections(deployable):
    path = deployable.write()

    run, result = rehearse(
        path, "--things", "10", "--behave", "corrupt=20,drop=30", state_dir=deployable.folder
    )

    assert run.returncode == 1
    assert result["rounds"][0]["succeeded"] == 8
    assert result["rounds"][0]["failed"] == 2
    assert result["verifiedSha256"] == 8


def test_silent_things_time_out(deployable):
    deployable.sections = "[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 1\n"
    path = deployable.write(useTimeoutConfig=True)

    run, result = rehearse(
        path,
        "--things",
        "20",
        "--behave",
        "silent=5",
        "--speed",
        "10",
        state_dir=deployable.folder,
    )

    assert run.returncode == 1
    assert result["rounds"][0]["succeeded"] == 19
    assert result["rounds"][0]["timedOut"] == 1
    assert "never end" not in run.stderr


def test_silent_things_without_a_timeout_are_announced_and_end_at_max_wait(deployable):
    path = deployable.write()

    run, result = rehearse(
        path,
        "--things",
        "10",
        "--behave",
        "silent=10",
        "--max-wait",
        "20",
        "--speed",
        "4",
        state_dir=deployable.folder,
    )

    assert run.returncode == 1
    warning, first_step = run.stderr.index("could never end"), run.stderr.index("local cloud")
    assert warning < first_step
    assert result["rounds"][0]["inProgress"] == 1
    assert result["leftovers"] == []
    assert "--max-wait" in run.stderr


def until(lines: Iterable[str], words: str) -> Iterator[str]:
    """The lines up to the one that has the words."""
    for line in lines:
        yield line
        if words in line:
            return


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", ["registering", "in progress"])
def test_a_stop_in_the_middle_leaves_nothing_and_says_what_was_undone(
    deployable, signal_number, after
):
    path = deployable.write()
    command = [sys.executable, "-m", "otactl", "rehearse", str(path), "--behave", "silent=100"]
    with subprocess.Popen(
        [*command, "--state-dir", str(deployable.folder)],
        env=environment(None) | {"TMPDIR": str(deployable.folder)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as child:
        try:
            said = list(until(child.stderr, after))
            sockets = listening_sockets(process_tree(child.pid))
            child.send_signal(signal_number)
            asked_at = time.monotonic()
            said += child.stderr.readlines()
            code = child.wait(timeout=60)
            took = time.monotonic() - asked_at
        finally:
            child.kill()

    text = "".join(said)
    assert code == 128 + signal_number, text
    assert took < SECONDS_TO_STOP
    assert "Traceback" not in text
    if after == "in progress":
        assert f"deleted job/{deployable.job_id}" in text
        assert "deleted stream/" in text
    assert not processes_mentioning(str(deployable.folder))
    assert sockets, "the local cloud listened on nothing"
    assert not sockets & all_listening_sockets()
    assert not list(deployable.folder.glob("otactl-*"))


def test_a_machine_that_is_too_slow_for_the_speed_is_named(deployable):
    """The local cloud stands still for two seconds, which are two minutes of its clock."""
    path = deployable.write()
    speed = ["--behave", "silent=100", "--speed", "60", "--max-wait", "240"]
    arguments = ["rehearse", str(path), *speed, "--state-dir", str(deployable.folder)]
    with subprocess.Popen(
        [sys.executable, "-m", "otactl", *arguments, "--output", "json"],
        env=environment(None),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        said = list(until(child.stderr, "in progress"))
        cloud = next(
            pid
            for pid in process_tree(child.pid)
            if "otactl.cloud.serve" in Path(f"/proc/{pid}/cmdline").read_text()
        )
        os.kill(cloud, signal.SIGSTOP)
        time.sleep(2)
        os.kill(cloud, signal.SIGCONT)
        result, rest = child.communicate(timeout=60)

    text = "".join(said) + rest
    assert child.returncode == 1, text
    assert json.loads(result)["lateSeconds"] > 100
    assert "seconds of the rehearsal's clock late" in text
    assert "rehearse with --speed 1" in text


@pytest.mark.parametrize(
    ("changes", "things", "words"),
    [
        ({"binName": "missing.bin"}, None, ["missing.bin", "binName"]),
        ({"thingList": "missing.txt"}, None, ["missing.txt", "thingList"]),
        ({"roleArn": "ota-role"}, None, ["roleArn", "dev.ini:"]),
        ({}, "", ["things.txt"]),
        ({}, "not an arn\n", ["things.txt:1"]),
        ({"rounds": "two"}, None, ["rounds", "dev.ini:"]),
        ({"rounds": 2, "cleanUpCfg": False}, None, ["cleanUpCfg"]),
    ],
)
def test_a_mistake_ends_in_a_sentence_with_its_place(deployable, changes, things, words):
    path = deployable.write(**changes)
    if things is not None:
        (deployable.folder / "things.txt").write_text(things)

    run, _ = rehearse(path, state_dir=deployable.folder / "state")

    assert run.returncode == 2
    assert all(word in run.stderr for word in words), run.stderr
    assert "Traceback" not in run.stderr
    assert "local cloud" not in run.stderr
    assert not (deployable.folder / "state").exists()


def test_an_unknown_behaviour_is_a_mistake_with_the_nearest_name(deployable):
    path = deployable.write()

    run, _ = rehearse(path, "--behave", "fial=10", state_dir=deployable.folder)

    assert run.returncode == 2
    assert "did you mean fail?" in run.stderr


def test_a_state_directory_that_cannot_be_written_is_said_and_nothing_is_created(deployable):
    path = deployable.write()
    blocked = deployable.folder / "file"
    blocked.write_text("")

    run, _ = rehearse(path, state_dir=blocked / "state")

    assert run.returncode == 2
    assert str(blocked) in run.stderr
    assert "create" not in run.stderr.replace("nothing is created", "")


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 11))]
)
def test_a_third_of_all_calls_may_fail(deployable, seed):
    path = deployable.write(rounds=2)

    run, result = rehearse(path, "--faults", "30", "--seed", str(seed), state_dir=deployable.folder)

    assert run.returncode == 0, run.stderr
    assert [r["succeeded"] for r in result["rounds"]] == [3, 3]
    assert result["leftovers"] == []


AGENT = "[AFR_OTA_CONFIG]\nfilePath = firmware.bin\ncertificateName = codesign.crt\n"
SIGNED = "[SIGNING_CONFIG]\nprivateKeyPath = key.pem\n"
PRESIGN = "[PRESIGNED_URL_CONFIG]\nroleArn = arn:aws:iam::123456789012:role/presign\n"


def signing_key(folder: Path, name: str = "key") -> None:
    """A key to sign with, and its public half."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.pem").write_bytes(pem)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pub").write_bytes(public)


@pytest.mark.parametrize(
    ("things", "formats", "by_url"),
    [
        (20, "afr_ota", False),
        (20, "afr_ota", True),
        (20, "otactl, afr_ota", False),
        pytest.param(100, "afr_ota", False, marks=pytest.mark.slow),
        pytest.param(100, "afr_ota", True, marks=pytest.mark.slow),
        pytest.param(100, "otactl, afr_ota", True, marks=pytest.mark.slow),
    ],
)
def test_devices_with_a_freertos_agent_take_it_and_check_the_signature(
    deployable, things, formats, by_url
):
    signing_key(deployable.folder)
    deployable.image_bytes = 20_000
    deployable.sections = AGENT + SIGNED + (PRESIGN if by_url else "")
    path = deployable.write(
        documentFormat=formats, useSigningConfig=True, usePresignedUrlConfig=by_url
    )
    report = deployable.folder / "r.json"

    run, result = rehearse(
        path, "--things", str(things), "--report", str(report), state_dir=deployable.folder
    )

    assert run.returncode == 0, run.stderr
    assert result["verifiedSha256"] == things
    assert result["leftovers"] == []
    details = [one["statusDetails"] for one in json.loads(report.read_text())["executions"]]
    agents = [one for one in details if one.get("reason") == "accepted" and "updatedBy" in one]
    assert len(agents) == (things if formats == "afr_ota" else things // 2)
    # The others speak otactl's dialect.
    assert sum("downloadTime" in one for one in details) == things - len(agents)


def test_a_wrong_signature_fails_every_device_with_the_reason(deployable):
    signing_key(deployable.folder)
    signing_key(deployable.folder, "other")
    deployable.sections = AGENT + SIGNED
    path = deployable.write(documentFormat="afr_ota", useSigningConfig=True)

    other = ("--public-key", str(deployable.folder / "other.pub"))
    run, result = rehearse(path, "--things", "20", *other, state_dir=deployable.folder)

    assert run.returncode == 1
    (only,) = result["rounds"]
    assert (only["succeeded"], only["failed"]) == (0, 20)
    assert {failure["reason"] for failure in only["failures"]} == {"signature mismatch"}


CUSTOM = "[CUSTOM_JOB_DOCUMENT]\njobDocSrcCfg = local_file\njobDocPath = doc.json\n"


@pytest.mark.parametrize(
    ("name", "code"), [("nrf-connect", 0), ("vendor", 0), (None, 1)], ids=["url", "stream", "none"]
)
def test_a_document_of_ones_own_is_read_by_devices_or_fails_with_what_it_lacks(
    deployable, name, code
):
    signing_key(deployable.folder)
    document = '{"bytes": "${otactl:fileSize}", "key": "${otactl:objectKey}"}'
    if name is not None:
        document = (EXAMPLE.parent / "documents" / f"{name}.json").read_text()
    (deployable.folder / "doc.json").write_text(document)
    deployable.sections = CUSTOM + SIGNED + PRESIGN
    path = deployable.write(
        useCustomJobDocument=True,
        useSigningConfig="signature" in document,
        usePresignedUrlConfig="otactl:url" in document,
    )

    run, result = rehearse(path, state_dir=deployable.folder)

    assert run.returncode == code, run.stderr
    (only,) = result["rounds"]
    assert (only["succeeded"], only["rejected"]) == ((3, 0) if not code else (0, 3))
    if code:
        lacks = "no device could use the document: it lacks ${otactl:streamId} or ${otactl:url}"
        assert {failure["reason"] for failure in only["failures"]} == {lacks}


@pytest.mark.slow
@pytest.mark.parametrize(("dark", "verdict"), [(40, "worse"), (0, "not shown worse")])
def test_a_wave_that_goes_dark_after_succeeding_is_worse_than_its_control(
    tmp_path, unique, dark, verdict
):
    path = Deployable(
        folder=tmp_path,
        thing_names=["replaced"],
        bucket=f"compared-{unique}",
        role_arn="arn:aws:iam::123456789012:role/service/ota-stream",
        job_id=f"job-{unique}",
        image_bytes=20_000,
        sections="[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 60\n"
        "[WAVE_CONFIG]\nwaveList = canary:20\nsoakMinutes = 6\ncompare = True\n",
    ).write(useWaveConfig=True, useTimeoutConfig=True)

    run, result = rehearse(
        path,
        *("--things", "120", "--speed", "60", "--behave", f"canary:dark={dark}"),
        state_dir=tmp_path / "state",
    )

    assert run.returncode == (8 if dark else 0), run.stderr
    canary, rest = result["waves"]
    assert canary["counts"]["succeeded"] == 20
    assert canary["gate"]["verdict"] == ("fail" if dark else "pass")
    made = canary["gate"]["comparison"]["made"]
    assert made[-1]["verdict"] == verdict
    (outcome,) = made[-1]["outcomes"]
    assert outcome["wave"] == {"things": 20, "readable": 20, "bad": 20 * dark // 100}
    assert outcome["control"] == {"things": 100, "readable": 100, "bad": 0}
    assert rest["counts"]["ended"] == (0 if dark else 100)
    # The index found who was gone of 120 things, and the source was asked about those alone.
    assert result["apiCalls"].get("iot:GetThingConnectivityData", 0) == 20 * dark // 100
    assert result["apiCalls"]["iot:SearchIndex"] == (2 if dark else 3)

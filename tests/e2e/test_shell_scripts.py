"""The manual's shell scripts with the real AWS CLI, on the local cloud, with real devices."""

from __future__ import annotations

import base64
import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.e2e.fleet import running_fleet
from tests.e2e.shell import SCRIPTS, sh, shell_environment

from otactl.aws.inventory import take_inventory
from otactl.device.profile import DeviceProfile


@pytest.fixture
def things(unique):
    return [f"sh-{unique}-{number}" for number in range(2)]


@pytest.fixture
def folder(tmp_path, things):
    """A working directory with blanks in its name, as people have."""
    work = tmp_path / "my firmware"
    work.mkdir()
    (work / "test image.bin").write_bytes(os.urandom(40_000))
    (work / "things List.txt").write_text(
        "# the pilot\n"
        + "".join(f"arn:aws:iot:us-east-1:123456789012:thing/{name}\r\n" for name in things)
        + "\n"
    )
    return work


@pytest.fixture
def shell(cloud, firmware_bucket):
    return shell_environment(cloud, firmware_bucket)


def results(folder):
    with (folder / "results.csv").open() as file:
        return list(csv.DictReader(file))


def main_arguments(stream_role_arn, unique, rounds):
    return (
        "things List.txt",
        "test image.bin",
        stream_role_arn,
        f"TestJob-{unique}",
        str(rounds),
        f"TestStream-{unique}",
    )


@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_rounds_with_real_devices_leave_results_and_nothing_else(
    cloud,
    clients,
    things,
    folder,
    shell,
    stream_role_arn,
    firmware_bucket,
    unique,
    tmp_path,
    rounds,
):
    before = take_inventory(clients, (firmware_bucket,))

    with running_fleet(cloud, clients, things, tmp_path / "fleet") as fleet:
        arguments = main_arguments(stream_role_arn, unique, rounds)
        run = sh("main.sh", *arguments, folder=folder, env=shell)
        verified = [result.sha256 for result in fleet.results()]

    assert run.returncode == 0, run.stdout + run.stderr
    rows = results(folder)
    assert [row["round"] for row in rows] == [str(number + 1) for number in range(rounds)]
    assert {(row["status"], row["succeeded"], row["result"]) for row in rows} == {
        ("COMPLETED", "2", "success")
    }
    assert len(verified) == 2 * rounds
    assert len(set(verified)) == 1
    # What earlier tests left in the shared cloud may go meanwhile.
    assert take_inventory(clients, (firmware_bucket,)) <= before
    # What the AWS CLI answers is not for the user.
    assert "{" not in run.stdout + run.stderr


@pytest.mark.slow
@pytest.mark.parametrize("form", ["file", "base64"])
def test_with_a_private_key_the_devices_verify_the_signature(
    cloud, clients, things, folder, shell, stream_role_arn, unique, tmp_path, form
):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    (folder / "private key.pem").write_bytes(pem)
    private_key = "private key.pem" if form == "file" else base64.b64encode(pem).decode()

    with running_fleet(
        cloud,
        clients,
        things,
        tmp_path / "fleet",
        public_key=key.public_key(),
        profile=DeviceProfile(require_signature=True),
    ):
        arguments = main_arguments(stream_role_arn, unique, 1)
        run = sh("main.sh", *arguments, private_key, folder=folder, env=shell)

    assert run.returncode == 0, run.stdout + run.stderr
    document = (folder / "example-job.json").read_text()
    assert '"signature"' in document
    assert document.count('lgorithm": "SHA256withECDSA"') == 2
    assert "md5sum" not in document
    assert results(folder)[0]["succeeded"] == "2"


def test_devices_that_know_another_key_refuse_and_the_rest_of_the_rounds_is_skipped(
    cloud, clients, things, folder, shell, stream_role_arn, unique, tmp_path
):
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )

    with running_fleet(cloud, clients, things, tmp_path / "fleet", public_key=other.public_key()):
        arguments = main_arguments(stream_role_arn, unique, 3)
        run = sh("main.sh", *arguments, "key.pem", folder=folder, env=shell)

    assert run.returncode == 1
    assert "2 round(s) skipped" in run.stderr
    (row,) = results(folder)
    assert (row["failed"], row["result"]) == ("2", "failure")


@pytest.mark.slow
def test_ones_own_documents_deploy_with_the_stream_that_they_name(
    cloud, clients, things, folder, shell, stream_role_arn, unique, tmp_path
):
    """As the manual calls it: the last argument names another stream than the documents."""
    built = sh(
        "OtaEnvBuild.sh",
        "test image.bin",
        stream_role_arn,
        f"-own-{unique}",
        folder=folder,
        env=shell,
    )
    assert built.returncode == 0, built.stderr
    (folder / "example-job.json").rename(folder / "my job.json")
    (folder / "create-stream.json").rename(folder / "my stream.json")

    with running_fleet(cloud, clients, things, tmp_path / "fleet"):
        run = sh(
            "OtaStressStart.sh",
            "things List.txt",
            # AWS takes an id that begins with a dash.
            f"-own-{unique}",
            "2",
            "file://my job.json",
            "file://my stream.json",
            f"MyStreamID-{unique}",
            folder=folder,
            env=shell,
        )

    assert run.returncode == 0, run.stdout + run.stderr
    assert f"stream -own-{unique}; it is used instead of MyStreamID-{unique}" in run.stderr
    assert [row["succeeded"] for row in results(folder)] == ["2", "2"]


@pytest.mark.parametrize(
    ("whom", "number", "expected"),
    [("the terminal's group", signal.SIGINT, 130), ("main.sh alone", signal.SIGTERM, 143)],
)
def test_a_signal_cleans_up_while_no_device_answers(
    clients, things, folder, shell, stream_role_arn, firmware_bucket, unique, whom, number, expected
):
    for name in things:
        clients.iot.create_thing(thingName=name)
    before = take_inventory(clients, (firmware_bucket,))
    arguments = main_arguments(stream_role_arn, unique, 1)

    with subprocess.Popen(
        ["sh", str(SCRIPTS / "main.sh"), *arguments],
        cwd=folder,
        # Far longer than the test waits: the signal is heard between two looks.
        env=shell | {"OTA_POLL_SECONDS": "3600"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        for line in child.stdout:
            if "queued 2" in line:
                break
        try:
            if whom == "main.sh alone":
                child.send_signal(number)
            else:
                os.killpg(child.pid, number)
            code = child.wait(timeout=90)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)

    assert code == expected
    deadline = time.monotonic() + 30
    while take_inventory(clients, (firmware_bucket,)) != before and time.monotonic() < deadline:
        time.sleep(0.2)
    # What earlier tests left in the shared cloud may go meanwhile.
    assert take_inventory(clients, (firmware_bucket,)) <= before


@pytest.mark.slow
def test_a_job_that_somebody_deletes_is_a_failed_round_with_all_its_columns(
    clients, things, folder, shell, stream_role_arn, firmware_bucket, unique
):
    for name in things:
        clients.iot.create_thing(thingName=name)
    before = take_inventory(clients, (firmware_bucket,))
    arguments = main_arguments(stream_role_arn, unique, 2)

    with subprocess.Popen(
        ["sh", str(SCRIPTS / "main.sh"), *arguments],
        cwd=folder,
        env=shell,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        for line in child.stdout:
            if "queued 2" in line:
                break
        clients.iot.delete_job(jobId=f"TestJob-{unique}", force=True)
        _, said = child.communicate(timeout=60)

    assert child.returncode == 1
    assert "was deleted by somebody else" in said
    assert "1 round(s) skipped" in said
    (row,) = results(folder)
    assert (row["status"], row["succeeded"], row["failed"]) == ("DELETED", "0", "0")
    assert row["result"] == "failure"
    # What earlier tests left in the shared cloud may go meanwhile.
    assert take_inventory(clients, (firmware_bucket,)) <= before


@pytest.mark.slow
def test_a_look_that_fails_is_repeated_and_no_failed_round(
    cloud, clients, things, folder, shell, stream_role_arn, unique, tmp_path
):
    """An AWS CLI in front of the real one refuses the first two looks at the job."""
    (tmp_path / "bin").mkdir()
    real, count = Path(sys.executable).parent / "aws", tmp_path / "looks"
    front = tmp_path / "bin" / "aws"
    front.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *numberOfQueuedThings*) echo x >>"{count}"\n'
        f'    case $(wc -l <"{count}") in 1|2) echo ThrottlingException >&2; exit 254 ;; esac ;;\n'
        "esac\n"
        f'exec "{real}" "$@"\n'
    )
    front.chmod(0o755)

    with running_fleet(cloud, clients, things, tmp_path / "fleet"):
        arguments = main_arguments(stream_role_arn, unique, 1)
        env = shell | {"PATH": f"{front.parent}:{shell['PATH']}"}
        run = sh("main.sh", *arguments, folder=folder, env=env)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "ThrottlingException" in run.stderr
    assert [row["result"] for row in results(folder)] == ["success"]


def test_a_job_that_exists_is_refused_and_left_alone(
    clients, things, folder, shell, stream_role_arn, unique
):
    for name in things:
        clients.iot.create_thing(thingName=name)
    job_id = f"TestJob-{unique}"
    clients.iot.create_job(
        jobId=job_id,
        targets=[f"arn:aws:iot:us-east-1:123456789012:thing/{things[0]}"],
        document="{}",
    )

    arguments = main_arguments(stream_role_arn, unique, 1)
    run = sh("main.sh", *arguments, folder=folder, env=shell)

    assert run.returncode == 2
    assert f"job {job_id} exists already" in run.stderr
    assert clients.iot.describe_job(jobId=job_id)["job"]["status"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("position", "text", "words"),
    [
        (0, "missing.txt", "cannot read the thing list"),
        (1, "missing.bin", "cannot read the image"),
        (2, "role", "is not the ARN of a role"),
        (3, "job id", "may only have letters"),
        (4, "many", "number of rounds"),
        (4, "00", "number of rounds"),
        (4, "08", "number of rounds"),
        (5, "stream/1", "may only have letters"),
    ],
)
def test_a_mistake_in_an_argument_is_named(
    folder, shell, stream_role_arn, unique, position, text, words, clients, firmware_bucket
):
    before = take_inventory(clients, (firmware_bucket,))
    arguments = list(main_arguments(stream_role_arn, unique, 1))
    arguments[position] = text

    run = sh("main.sh", *arguments, folder=folder, env=shell)

    assert run.returncode == 2
    assert words in run.stderr
    # What earlier tests left in the shared cloud may go meanwhile.
    assert take_inventory(clients, (firmware_bucket,)) <= before


def test_too_few_arguments_show_the_usage(folder, shell):
    for script in ("main.sh", "OtaEnvBuild.sh", "OtaStressStart.sh"):
        run = sh(script, folder=folder, env=shell)
        assert run.returncode == 2
        assert "usage: sh" in run.stderr


def test_shellcheck_has_nothing_to_say():
    scripts = [str(path) for path in [*SCRIPTS.glob("*.sh"), *SCRIPTS.parent.glob("tests/*.sh")]]
    shellcheck = Path(sys.executable).parent / "shellcheck"

    run = subprocess.run([str(shellcheck), *scripts], capture_output=True, text=True, check=False)

    assert (run.returncode, run.stdout) == (0, "")

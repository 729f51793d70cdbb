"""``otactl monitor`` on a bad day: credentials, network, broker, pipes, signals.

Each is said in plain words, recovered from where that can be, and never a traceback or a loop that
keeps a processor busy.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from tests.e2e.program import environment
from tests.e2e.running_program import RunningProgram
from tests.support.cuttable_proxy import CuttableProxy
from tests.support.scripted_things import scripted_things

from otactl.aws.event_configuration import enable_events

READ_ONLY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["iot:Describe*", "iot:List*", "iot:Connect", "iot:Subscribe", "iot:Receive"],
            "Resource": "*",
        }
    ],
}


@pytest.fixture
def things(clients, unique):
    with scripted_things(clients, [f"bad-{unique}-{number}" for number in range(4)]) as made:
        yield made


@pytest.fixture
def job(things, unique):
    return things.job(f"job-{unique}")


@pytest.fixture
def follow(cloud, tmp_path, job):
    """Start `otactl monitor --follow` of the job, looking often."""

    def start(*arguments, **changes):
        return RunningProgram(
            *("monitor", "--job-id", job, "--output", "json", "--follow"),
            *arguments,
            *("--poll", "0.3", "--state-dir", str(tmp_path / "state")),
            env=environment(cloud) | changes,
        )

    return start


class Person:
    """A user of the account, with a file of credentials that can be written anew."""

    def __init__(self, clients, name, path):
        self._iam, self.name, self.path = clients.iam, name, path
        self.key = None

    def sign_in(self):
        """Get a key and write it down; a key from before is no longer good."""
        self.sign_out()
        self.key = self._iam.create_access_key(UserName=self.name)["AccessKey"]
        self.path.write_text(
            f"[watcher]\naws_access_key_id = {self.key['AccessKeyId']}\n"
            f"aws_secret_access_key = {self.key['SecretAccessKey']}\n"
        )

    def sign_out(self):
        """The key is no longer good."""
        if self.key is not None:
            self._iam.delete_access_key(UserName=self.name, AccessKeyId=self.key["AccessKeyId"])
            self.key = None

    def environment(self):
        return {
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
            "AWS_SHARED_CREDENTIALS_FILE": str(self.path),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_PROFILE": "watcher",
        }


@pytest.fixture
def person(clients, unique, tmp_path):
    name = f"watcher-{unique}"
    clients.iam.create_user(UserName=name)
    clients.iam.put_user_policy(
        UserName=name, PolicyName="watch", PolicyDocument=json.dumps(READ_ONLY)
    )
    made = Person(clients, name, tmp_path / "credentials")
    yield made
    made.sign_out()
    clients.iam.delete_user_policy(UserName=name, PolicyName="watch")
    clients.iam.delete_user(UserName=name)


def test_credentials_that_run_out_are_told_and_new_ones_taken_up(follow, things, job, person):
    person.sign_in()
    with follow(**person.environment()) as run:
        run.wait_for(lambda it: it.lines, "a first line")
        person.sign_out()
        run.wait_for(lambda it: "security token" in it.objects[-1]["note"], "the refusal")
        refused = run.objects[-1]
        things.report(job, "SUCCEEDED", *things.names[:2])
        person.path.unlink()
        run.wait_for(lambda it: "locate credentials" in it.objects[-1]["note"], "they are gone")

        person.sign_in()
        run.wait_for(lambda it: it.objects[-1]["counts"]["SUCCEEDED"] == 2, "recovered")
        assert run.objects[-1]["note"] == ""
        things.report(job, "SUCCEEDED", *things.names[2:])
        assert run.end() == 0, run.said
    # What was known stayed in sight meanwhile.
    assert refused["counts"]["QUEUED"] == 4
    assert "next try in" in refused["note"]
    assert "Traceback" not in run.said


@pytest.mark.parametrize("extra", [("--once",), ("--follow", "--output", "json"), ()])
def test_credentials_that_never_were_good_end_it_at_once(cloud, job, person, tmp_path, extra):
    person.sign_in()
    person.sign_out()
    with RunningProgram(
        *("monitor", "--job-id", job, *extra, "--state-dir", str(tmp_path)),
        env=environment(cloud) | person.environment(),
    ) as run:
        assert run.end() == 3
    assert "AWS refused iot:DescribeJob" in run.said
    assert "check --profile" in run.said
    assert "Traceback" not in run.said


def test_a_broker_that_goes_is_polled_over_and_taken_up_again(cloud, clients, follow, things, job):
    enable_events(clients)
    with CuttableProxy(cloud.address.endpoint_url) as line:
        with follow("--events", AWS_ENDPOINT_URL=line.endpoint_url) as run:
            run.wait_for(lambda it: it.lines and it.objects[-1]["source"] == "events", "events")
            things.report(job, "SUCCEEDED", things.names[0])
            run.wait_for(lambda it: it.objects[-1]["counts"]["SUCCEEDED"] == 1, "one told")

            line.cut(broker=True)
            run.wait_for(lambda it: "events stopped" in it.objects[-1]["note"], "it was said")
            assert run.objects[-1]["note"].endswith("polling instead")
            things.report(job, "FAILED", things.names[1], reason="flash full")
            run.wait_for(lambda it: it.objects[-1]["counts"]["FAILED"] == 1, "polled")
            assert run.objects[-1]["source"] == "polling"

            line.mend(broker=True)
            run.wait_for(lambda it: it.objects[-1]["source"] == "events", "events again")
            assert run.objects[-1]["note"] == ""
            things.report(job, "SUCCEEDED", *things.names[2:])
            assert run.end() == 0, run.said
        assert line.broker_connections >= 2
    last = run.objects[-1]
    assert (last["counts"]["SUCCEEDED"], last["counts"]["FAILED"]) == (3, 1)
    assert last["failures"][0]["reason"] == "flash full"


def test_a_broker_that_is_away_from_the_start_is_said_and_polled_over(
    cloud, clients, follow, things, job
):
    enable_events(clients)
    with CuttableProxy(cloud.address.endpoint_url) as line:
        line.cut(broker=True)
        with follow("--events", AWS_ENDPOINT_URL=line.endpoint_url) as run:
            run.wait_for(lambda it: it.lines and "events stopped" in it.objects[-1]["note"], "said")
            things.report(job, "SUCCEEDED")
            assert run.end() == 0, run.said
    assert run.objects[-1]["counts"]["SUCCEEDED"] == 4


def test_a_network_that_goes_is_said_and_borne(cloud, follow, things, job):
    with (
        CuttableProxy(cloud.address.endpoint_url) as line,
        follow(AWS_ENDPOINT_URL=line.endpoint_url) as run,
    ):
        run.wait_for(lambda it: it.lines, "a first line")
        line.cut(broker=False)
        run.wait_for(lambda it: "next try in" in it.objects[-1]["note"], "it was said")
        assert run.objects[-1]["counts"]["QUEUED"] == 4
        things.report(job, "SUCCEEDED")
        line.mend(broker=False)
        assert run.end() == 0, run.said
    assert run.objects[-1]["note"] == ""
    assert run.objects[-1]["counts"]["SUCCEEDED"] == 4


@pytest.mark.parametrize("events", [(), ("--events",)])
def test_it_leaves_at_once_also_when_nobody_answers(cloud, clients, follow, events):
    enable_events(clients)
    with (
        CuttableProxy(cloud.address.endpoint_url) as line,
        follow(*events, AWS_ENDPOINT_URL=line.endpoint_url) as run,
    ):
        run.wait_for(lambda it: it.lines, "a first line")
        for broker in (True, False):
            line.stall(broker=broker)
        # A call and a connection are under way now, and no answer will come.
        line.wait_until_stalled(1 + len(events))
        run.send(signal.SIGINT)
        assert run.end(10) == 130
    assert "Traceback" not in run.said


def test_a_reader_that_leaves_ends_it(cloud, job, tmp_path):
    command = [sys.executable, "-m", "otactl", "monitor", "--job-id", job, "--poll", "0.3"]
    command += ["--output", "json", "--follow", "--state-dir", str(tmp_path)]
    with subprocess.Popen(
        command, env=environment(cloud), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert json.loads(run.stdout.readline())["jobId"] == job
        run.stdout.close()  # as `| head -1` does
        assert run.wait(20) == 128 + signal.SIGPIPE
        assert run.stderr.read() == ""


@pytest.mark.parametrize(
    "extra", [("--once",), ("--once", "--output", "json"), ("--until", "done")]
)
def test_a_reader_that_never_came_is_no_traceback(cloud, things, job, tmp_path, extra):
    things.report(job, "SUCCEEDED")
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "otactl", "monitor", "--job-id", job, *extra]
    run = subprocess.run(
        [*command, "--poll", "0.3", "--state-dir", str(tmp_path)],
        env=environment(cloud),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert run.returncode == 128 + signal.SIGPIPE
    assert "Traceback" not in run.stderr
    assert "Exception ignored" not in run.stderr


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_its_code(follow, clients, job, signal_number):
    with follow() as run:
        run.wait_for(lambda it: it.lines, "a first line")
        run.send(signal_number)
        assert run.end(10) == 128 + signal_number
    assert run.said == "interrupted\n"
    assert clients.iot.describe_job(jobId=job)["job"]["status"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    "arguments", [("--poll", "1"), ("--poll", "1", "--events"), ("--poll", "1", "--thing", "t")]
)
def test_it_waits_and_does_not_spin(clients, follow, arguments):
    enable_events(clients)
    with follow(*arguments) as run:
        run.wait_for(lambda it: len(it.lines) > 2, "some lines")
        before, begun = run.cpu_seconds, time.monotonic()
        seen = len(run.lines)
        run.wait_for(lambda it: len(it.lines) >= seen + 5, "some more")
        used, took = run.cpu_seconds - before, time.monotonic() - begun
    # A look a second, an object a second: a few hundredths of a processor.
    assert used / took < 0.25, f"{used:.2f} s of processor time in {took:.1f} s"

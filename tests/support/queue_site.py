"""Everything around a queue for end-to-end tests: table, bucket, role, things, a user's folder."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.output_schema import check_output
from tests.support.warm_program import WarmProgram, run_warm
from typer.testing import CliRunner

from otactl.aws.queue_setup import TableSettings, make_table
from otactl.aws.queue_table import DynamoRequestTable
from otactl.cli.main import app
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

OTACTL = (sys.executable, "-m", "otactl")
ACCOUNT, REGION = "123456789012", "us-east-1"


class Told(NamedTuple):
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


#: A request that is in two states for so many looks is so for good.
_LOOKS = 5


class QueueSite:
    """A queue in a local cloud, and a user with a deployment for it.

    Args:
        cloud: The local cloud.
        clients: Its clients.
        unique: Keeps names apart from other tests'.
        folder: The user's.
        things: How many are registered.
    """

    def __init__(
        self, cloud: RunningCloud, clients: AwsClients, unique: str, folder: Path, things: int = 6
    ) -> None:
        self.cloud = cloud
        self.clients = clients
        self.folder = folder
        self.table_name = f"queue-{unique}"
        self.bucket = f"queue-bucket-{unique}"
        self.role_arn = f"arn:aws:iam::{ACCOUNT}:role/queue-{unique}"
        self.things = [f"q{unique}-{number}" for number in range(things)]
        make_table(clients, TableSettings(name=self.table_name))
        clients.s3.create_bucket(Bucket=self.bucket)
        _make_role(clients, f"queue-{unique}", self.bucket)
        for thing in self.things:
            clients.iot.create_thing(thingName=thing)
        self.table = DynamoRequestTable(clients, self.table_name)
        self.image = folder / "test.bin"
        self.image.write_bytes(unique.encode() * 100)
        self.environment = os.environ | cloud.address.environment()

    def arn(self, thing: str) -> str:
        """The ARN of a thing."""
        return f"arn:aws:iot:{REGION}:{ACCOUNT}:thing/{thing}"

    def write_deployment(self, things: Sequence[str], name: str = "dev.ini", **keys: str) -> Path:
        """Write a dev.ini and its thing list."""
        thing_list = self.folder / f"{name}-things.txt"
        thing_list.write_text("".join(f"{self.arn(thing)}\n" for thing in things))
        values = {
            "thingList": thing_list.name,
            "binName": self.image.name,
            "roleArn": self.role_arn,
            "jobId": "ofTheUser",
            "bucket": self.bucket,
            "region": REGION,
            "streamId": "ofTheUser",
            "cleanUpCfg": "True",
            "iotApiSleepTime": "0",
        } | keys
        path = self.folder / name
        path.write_text(
            "[DEFAULT]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
        )
        return path

    def run(
        self, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; ``otactl`` as a fork of the warm one."""
        env, folder = self.environment | environment, cwd or self.folder
        if arguments[:3] == OTACTL:
            return run_warm(arguments[3:], env=env, cwd=folder, timeout=120)
        return subprocess.run(
            arguments,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=folder,
            env=env,
        )

    def queue(self, *arguments: str, **environment: str) -> Told:
        """Run ``otactl queue …`` on the table, in this process, which takes no time to start."""
        command = ["queue", *arguments, "--table", self.table_name]
        address = self.cloud.address.environment() | environment
        with contextlib.chdir(self.folder):
            result = CliRunner().invoke(app, command, env=address)
        check_output(command, result.stdout)
        return Told(result.exit_code, result.stdout, result.stderr)

    def otactl(self, *arguments: str) -> Told:
        """Run ``otactl …`` with a state directory of its own."""
        with contextlib.chdir(self.folder):
            command = [*arguments, "--state-dir", "state"]
            result = CliRunner().invoke(app, command, env=self.cloud.address.environment())
        return Told(result.exit_code, result.stdout, result.stderr)

    def add(self, things: Sequence[str], *arguments: str, **keys: str) -> list[str]:
        """Add a deployment; gives back the requests' ids."""
        path = self.write_deployment(things, **keys)
        added = self.queue("add", str(path), *arguments, "--output", "json")
        assert added.returncode == 0, added.stderr
        return [request["jobId"] for request in json.loads(added.stdout)["requests"]]

    def write_waves(
        self,
        waves: str = "waveList = canary:2",
        *,
        default: Mapping[str, str] | None = None,
        **gate: str,
    ) -> Path:
        """Write a dev.ini with waves for all things."""
        default = {"useWaveConfig": "True", "useTimeoutConfig": "True"} | (default or {})
        path = self.write_deployment(self.things, **default)
        keys = {"soakMinutes": "0", "requiredEndedPercentage": "100"} | gate
        sections = ["[TIMEOUT_CONFIG]", "inProgressTimeoutInMinutes = 60", "[WAVE_CONFIG]", waves]
        sections += [f"{key} = {value}" for key, value in keys.items()]
        path.write_text(path.read_text() + "".join(f"{line}\n" for line in sections))
        return path

    def add_waves(self, waves: str = "waveList = canary:2", **gate: str) -> str:
        """Add a deployment in waves; the request's id."""
        added = self.queue("add", str(self.write_waves(waves, **gate)), "--output", "json")
        assert added.returncode == 0, added.stderr
        return str(json.loads(added.stdout)["requests"][0]["jobId"])

    def worker_command(self, *arguments: str) -> list[str]:
        """The command line of a worker that looks often."""
        return [
            *(*OTACTL, "queue", "run", "--table", self.table_name),
            *("--poll", "0.2", "--idle", "0.2", "--state-dir", str(self.folder / "state")),
            *arguments,
        ]

    def work(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a worker to its end."""
        return self.run(*self.worker_command(*arguments))

    def start_worker(self, *arguments: str, **environment: str) -> WarmProgram:
        """Start a worker."""
        command = self.worker_command(*arguments)[len(OTACTL) :]
        env = self.environment | environment
        return WarmProgram(command, env=env, cwd=self.folder, merged=True)

    def request(self, job_id: str) -> JobRequest:
        """A request as it stands in the table, where it is in one state and no other.

        The states are read one after the other: a request that moves meanwhile, which is one
        transaction, is seen twice or not at all. Then it is looked again.
        """
        for _ in range(_LOOKS):
            found = [
                each
                for state in RequestState
                for each in self.table.listed(state)
                if isinstance(each, JobRequest) and each.job_id == job_id
            ]
            if len(found) == 1:
                break
        (one,) = found
        return one

    def states(self) -> dict[str, str]:
        """The state of each request, by its id."""
        return {
            each.job_id: each.state.value
            for state in RequestState
            for each in self.table.listed(state)
            if isinstance(each, JobRequest)
        }

    def jobs(self) -> list[str]:
        """The jobs there are in AWS IoT for things of this site."""
        pages = self.clients.iot.get_paginator("list_jobs").paginate()
        return [job["jobId"] for page in pages for job in page["jobs"] if self.is_ours(job)]

    def is_ours(self, job: Any) -> bool:
        """Whether a job is of a request in this table."""
        return any(str(job["jobId"]).startswith(job_id) for job_id in self.states())


def _make_role(clients: AwsClients, name: str, bucket: str) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "iot.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    access = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    document = {"Version": "2012-10-17"}
    clients.iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(document | {"Statement": [trust]})
    )
    clients.iam.put_role_policy(
        RoleName=name,
        PolicyName="read",
        PolicyDocument=json.dumps(document | {"Statement": [access]}),
    )

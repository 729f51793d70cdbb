"""Workers that are killed or frozen at the worst instants: each request is deployed once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import faulty_worker
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import QueueSite
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

LEASE = 3.0


@pytest.fixture
def site(cloud: RunningCloud, clients: AwsClients, unique: str, tmp_path: Path) -> QueueSite:
    return QueueSite(cloud, clients, unique, tmp_path, things=2)


def start_faulty(site: QueueSite, fault: str, lease: float = LEASE) -> subprocess.Popen[str]:
    command = [sys.executable, str(faulty_worker.__file__), fault, site.table_name]
    return subprocess.Popen(
        [*command, str(site.folder / "state"), str(lease)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=site.environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def die(site: QueueSite, instant: str) -> None:
    """Let a worker take a request and be killed."""
    with start_faulty(site, f"die@{instant}") as worker:
        output, _ = worker.communicate(timeout=60)
    assert worker.returncode == -signal.SIGKILL, output


def second_worker(site: QueueSite) -> None:
    """Wait for the lease to end, and let another worker go on."""

    def took_one() -> bool:
        ended = site.queue(
            "run", "--once", "--lease", "4", "--poll", "0.2", "--state-dir", "state2"
        )
        assert ended.returncode == 0, ended.stderr
        return "nothing to deploy" not in ended.stderr

    wait_until(took_one)


#: The quick run takes a sample; the whole series is in `make test-all`.
@pytest.mark.parametrize(
    "instant",
    [
        pytest.param("before-send.iot.CreateStream", marks=pytest.mark.slow),
        "after-call.iot.CreateStream",
        pytest.param("before-send.iot.CreateJob", marks=pytest.mark.slow),
        "after-call.iot.CreateJob",
        pytest.param("after-call.iot.ListJobExecutionsForJob", marks=pytest.mark.slow),
        pytest.param("before-send.iot.DeleteJob", marks=pytest.mark.slow),
        pytest.param("after-call.iot.DeleteJob", marks=pytest.mark.slow),
        pytest.param("after-call.iot.DeleteStream", marks=pytest.mark.slow),
        "before-record",
    ],
)
def test_killed_at_any_instant_a_request_is_still_deployed_once(
    site: QueueSite, clients: AwsClients, instant: str
) -> None:
    (job_id,) = site.add(site.things)

    with AnsweringDevices(clients, things=site.things) as devices:
        die(site, instant)
        assert site.request(job_id).state == "Deploying"
        second_worker(site)

    request = site.request(job_id)
    assert (request.state, request.attempt, request.fence) == ("Deployed", 2, 2)
    assert request.outcome is not None
    assert request.outcome.succeeded == 2
    assert dict(devices.carried_out) == {(job_id, thing): 1 for thing in site.things}
    assert site.jobs() == []
    streams = [each["streamId"] for each in clients.iot.list_streams()["streams"]]
    assert not [name for name in streams if job_id.removeprefix("jobId_") in name]


def test_killed_right_after_it_recorded_there_is_nothing_left_to_do(
    site: QueueSite, clients: AwsClients
) -> None:
    (job_id,) = site.add(site.things)
    with AnsweringDevices(clients, things=site.things):
        die(site, "after-record")

    assert site.request(job_id).state == "Deployed"
    assert "nothing to deploy" in site.queue("run", "--once").stderr


@pytest.mark.parametrize(
    "instant",
    [
        "before-send.iot.DeleteJob",
        pytest.param("after-call.iot.DeleteJob", marks=pytest.mark.slow),
    ],
)
def test_killed_between_two_rounds_each_round_happens_once(
    site: QueueSite, clients: AwsClients, instant: str
) -> None:
    (job_id,) = site.add(site.things, rounds="2", defaultDelay="0")

    with AnsweringDevices(clients, things=site.things) as devices:
        die(site, instant)
        second_worker(site)

    request = site.request(job_id)
    assert request.outcome is not None
    assert (request.state, request.outcome.rounds) == ("Deployed", 2)
    assert dict(devices.carried_out) == {(job_id, thing): 2 for thing in site.things}


def test_killed_while_it_undoes_a_failed_deployment_nothing_is_deployed_again(
    site: QueueSite, clients: AwsClients
) -> None:
    (job_id,) = site.add(site.things)

    with AnsweringDevices(clients, things=site.things, answer=lambda *_: "FAILED") as devices:
        die(site, "before-send.iot.DeleteJob")
        wait_until(
            lambda: (
                "nothing"
                not in site.queue("run", "--once", "--poll", "0.2", "--state-dir", "s2").stderr
            )
        )

    request = site.request(job_id)
    assert request.state == "Failed"
    assert request.failure is not None
    assert "2 of 2 things did not succeed" in request.failure.reason
    assert dict(devices.carried_out) == {(job_id, thing): 1 for thing in site.things}
    assert site.jobs() == []


@pytest.mark.parametrize(
    ("instant", "clean_up"),
    [
        # Before the request is signed: the lease's guard comes after it.
        ("before-sign.iot.CreateJob", "True"),
        # Behind the guard, with the bytes in its hands: the job it finds is the request's own.
        ("before-send.iot.CreateJob", "False"),
        ("after-call.iot.CreateJob", "True"),
        pytest.param("after-call.iot.DescribeJob", "True", marks=pytest.mark.slow),
        ("before-record", "True"),
    ],
)
def test_frozen_beyond_its_lease_a_worker_neither_records_nor_deploys_again(
    site: QueueSite, clients: AwsClients, instant: str, clean_up: str
) -> None:
    (job_id,) = site.add(site.things, cleanUpCfg=clean_up)

    with AnsweringDevices(clients, things=site.things) as devices:
        frozen = start_faulty(site, f"freeze@{instant}")
        wait_until(lambda: faulty_worker.is_frozen(frozen.pid))
        second_worker(site)
        recorded = site.request(job_id)
        assert (recorded.state, recorded.fence) == ("Deployed", 2)
        jobs = site.jobs()

        frozen.send_signal(faulty_worker.WAKE)
        output, _ = frozen.communicate(timeout=60)

    assert frozen.returncode != 0
    assert "no longer this worker's" in output
    assert site.request(job_id) == recorded
    assert site.states() == {job_id: "Deployed"}
    assert site.jobs() == jobs == ([] if clean_up == "True" else [job_id])
    assert dict(devices.carried_out) == {(job_id, thing): 1 for thing in site.things}


@pytest.mark.parametrize("clean_up", ["True", "False"])
def test_stopped_by_a_signal_it_hands_the_request_back_and_leaves_the_rollout_alone(
    site: QueueSite, clients: AwsClients, clean_up: str
) -> None:
    (job_id,) = site.add(site.things, cleanUpCfg=clean_up)
    silent = AnsweringDevices(clients, things=site.things, answer=lambda *_: None)
    with silent:
        worker = site.start_worker("--once", "--max-attempts", "1")
        wait_until(lambda: site.jobs() == [job_id])
        worker.terminate()
        output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 128 + signal.SIGTERM
    assert "the next worker continues" in output
    released = site.request(job_id)
    assert (released.state, released.last_error) == ("Deploying", "interrupted")
    assert site.jobs() == [job_id]
    job = clients.iot.describe_job(jobId=job_id)["job"]

    with AnsweringDevices(clients, things=site.things) as devices:
        ended = site.work("--once", "--max-attempts", "1")

    assert ended.returncode == 0, ended.stderr
    request = site.request(job_id)
    # To be stopped is no attempt, so that a rollout may outlive any number of CI runs.
    assert (request.state, request.attempt, request.fence) == ("Deployed", 1, 2)
    assert dict(devices.carried_out) == {(job_id, thing): 1 for thing in site.things}
    if clean_up == "False":
        assert clients.iot.describe_job(jobId=job_id)["job"]["createdAt"] == job["createdAt"]


def test_a_fault_of_otactl_s_own_ends_neither_the_worker_nor_the_rollout(
    site: QueueSite, clients: AwsClients
) -> None:
    (job_id,) = site.add(site.things)

    with AnsweringDevices(clients, things=site.things) as devices:
        with start_faulty(site, "err@after-call.iot.CreateJob") as worker:
            output, _ = worker.communicate(timeout=60)
        assert worker.returncode == 1
        assert "Traceback" not in output
        request = site.request(job_id)
        assert "ZeroDivisionError: what nobody thought of" in request.last_error
        assert (request.state, request.attempt) == ("Deploying", 1)
        (location,) = (site.folder / "state").rglob("fault.txt")
        assert "Traceback" in location.read_text()
        assert site.jobs() == [job_id]

        # Half a minute later another one goes on; here the time is taken out of the lease.
        key = {"jobStatus": {"S": "Deploying"}, "timestamp": {"S": request.order_key}}
        clients.dynamodb.update_item(
            TableName=site.table_name,
            Key=key,
            UpdateExpression="SET leaseUntil = :now",
            ExpressionAttributeValues={":now": {"N": "0"}},
        )
        second_worker(site)

    assert site.request(job_id).state == "Deployed"
    assert dict(devices.carried_out) == {(job_id, thing): 1 for thing in site.things}
    assert site.jobs() == []


def test_a_worker_of_a_crew_that_is_killed_is_replaced(
    site: QueueSite, clients: AwsClients
) -> None:
    (job_id,) = site.add(site.things[:1])
    silent = AnsweringDevices(clients, things=site.things, answer=lambda *_: None)
    with silent:
        crew = site.start_worker("--workers", "2", "--lease", str(LEASE))
        wait_until(lambda: site.jobs() == [job_id])
        lease = site.request(job_id).lease
        assert lease is not None
        os.kill(int(lease.owner.split("/")[1]), signal.SIGKILL)

    with AnsweringDevices(clients, things=site.things) as devices:
        wait_until(lambda: site.request(job_id).state == "Deployed")
        crew.terminate()
        output, _ = crew.communicate(timeout=60)

    assert crew.returncode == 128 + signal.SIGTERM
    assert "killed by signal 9; replaced" in output
    assert dict(devices.carried_out) == {(job_id, site.things[0]): 1}

"""The queue on a bad day: throttled, collided, answers lost; and a signature that has died."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import faulty_worker
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import QueueSite
from tests.support.unreliable_aws import UnreliableAws, Weather
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud


@pytest.fixture
def site(cloud: RunningCloud, clients: AwsClients, unique: str, tmp_path: Path) -> QueueSite:
    return QueueSite(cloud, clients, unique, tmp_path, things=6)


def test_throttled_and_with_answers_lost_no_request_is_lost_or_deployed_twice(
    site: QueueSite, clients: AwsClients
) -> None:
    ids = [job_id for thing in site.things for job_id in site.add([thing])]
    weather = Weather(throttled=0.3, lost=0.1, collided=0.3)

    with (
        AnsweringDevices(clients, things=site.things) as devices,
        UnreliableAws(site.cloud.address.endpoint_url, weather) as aws,
    ):
        workers = [
            site.start_worker("--drain", "--endpoint-url", aws.endpoint_url) for _ in range(2)
        ]
        outputs = [worker.communicate(timeout=240)[0] for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0], outputs
    assert site.states() == dict.fromkeys(ids, "Deployed")
    assert sorted(devices.carried_out) == sorted(zip(ids, site.things, strict=True))
    assert set(devices.carried_out.values()) == {1}
    assert aws.done["throttled"] > 10
    assert aws.done["lost"] > 0
    assert aws.done["collided"] > 0


def test_frozen_with_a_signed_request_in_its_hands_a_worker_does_no_harm_when_it_wakes(
    site: QueueSite, clients: AwsClients
) -> None:
    """The job's id is free again, for the second worker has cleaned up; only the signature is dead.

    AWS refuses signatures after five minutes; here it is two seconds, with a lease to match.
    """
    (job_id,) = site.add(site.things[:1])
    weather = Weather(signature_seconds=2.0)

    with (
        AnsweringDevices(clients, things=site.things) as devices,
        UnreliableAws(site.cloud.address.endpoint_url, weather) as aws,
        subprocess.Popen(
            [
                *(sys.executable, str(faulty_worker.__file__), "freeze@before-send.iot.CreateJob"),
                *(site.table_name, str(site.folder / "state"), "8"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=site.environment
            | {
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "AWS_ENDPOINT_URL": aws.endpoint_url,
            },
        ) as frozen,
    ):
        wait_until(lambda: faulty_worker.is_frozen(frozen.pid))
        wait_until(
            lambda: (
                "nothing"
                not in site.queue("run", "--once", "--poll", "0.2", "--state-dir", "s2").stderr
            )
        )
        recorded = site.request(job_id)
        assert recorded.state == "Deployed"
        assert site.jobs() == []

        frozen.send_signal(faulty_worker.WAKE)
        output, _ = frozen.communicate(timeout=60)

    assert aws.done["stale"] >= 1, output
    assert frozen.returncode != 0
    assert site.jobs() == []
    assert site.request(job_id) == recorded
    assert dict(devices.carried_out) == {(job_id, site.things[0]): 1}

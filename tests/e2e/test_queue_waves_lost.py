"""Workers of the queue that are lost in the middle of waves: each thing gets the image once.

`tests/unit/operations/queue/test_lost_workers.py` loses a worker at every instant there is, in
memory; here a process really dies, or is overtaken, against the local cloud, with hosts whose
clocks are hours apart.
"""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import pytest
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import QueueSite
from tests.support.watched_worker import (
    HOUR_MS,
    HostSession,
    Instants,
    die_at,
    free,
    host_session,
    visit,
    work,
    work_in_a_child,
)

from otactl.aws.machine_time import wall_ms
from otactl.jobqueue.claimed_request import LeaseLost
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend
from otactl.operations.queue.worker import new_claimer

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

#: The instants that hurt most; `make test` takes the first two, `make test-all` every one there is.
INSTANTS = (
    "gate canary pass written",
    "wave-rest/job HAPPENED",
    pytest.param("keep after gate canary pass judged", marks=pytest.mark.slow),
    pytest.param("kept after wave-rest/job BEFORE_BEGIN", marks=pytest.mark.slow),
)

#: The parts run side by side; which one an instant is in rests on its name alone, so none is lost.
PARTS = 4


@pytest.fixture
def site(
    cloud: RunningCloud,
    clients: AwsClients,
    unique: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> QueueSite:
    for name, value in cloud.address.environment().items():
        monkeypatch.setenv(name, value)
    return QueueSite(cloud, clients, unique, tmp_path, things=4)


def check_once(site: QueueSite, job_id: str, devices: AnsweringDevices) -> None:
    """Each thing carried out one job, that of its wave, and nothing is left."""
    assert set(devices.carried_out.values()) == {1}
    assert Counter(thing for _, thing in devices.carried_out) == dict.fromkeys(site.things, 1)
    waves = Counter(name.removeprefix(f"{job_id}-") for name, _ in devices.carried_out)
    assert waves == {"canary": 2, "rest": 2}
    assert site.jobs() == []
    assert site.states() == {job_id: "Deployed"}


def kill_and_go_on(
    site: QueueSite, clients: AwsClients, instant: str, following: HostSession
) -> bool:
    """Kill a worker at an instant, let another one go on; whether the instant came."""
    job_id = site.add_waves()
    with AnsweringDevices(clients, things=site.things) as devices:
        killed_by = work_in_a_child(site, job_id, site.folder / "lost", die_at(instant))
        work(following, site, job_id, site.folder / "next")
    check_once(site, job_id, devices)
    key = {"jobStatus": {"S": "Deployed"}, "timestamp": {"S": site.request(job_id).order_key}}
    clients.dynamodb.delete_item(TableName=site.table_name, Key=key)
    return killed_by == signal.SIGKILL


@pytest.mark.parametrize("instant", INSTANTS)
def test_killed_at_an_instant_another_worker_goes_on(
    site: QueueSite, clients: AwsClients, instant: str
) -> None:
    assert kill_and_go_on(site, clients, instant, host_session(site, Instants()))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_instant_that_an_undisturbed_run_names(
    site: QueueSite, clients: AwsClients, part: int
) -> None:
    job_id = site.add_waves()
    instants = Instants()
    with AnsweringDevices(clients, things=site.things) as devices:
        work(host_session(site, instants), site, job_id, site.folder / "undisturbed")
    check_once(site, job_id, devices)
    key = {"jobStatus": {"S": "Deployed"}, "timestamp": {"S": site.request(job_id).order_key}}
    clients.dynamodb.delete_item(TableName=site.table_name, Key=key)

    names = [name for name in dict.fromkeys(instants.names) if crc32(name.encode()) % PARTS == part]
    # The clients of who goes on are made once; those of who is killed die with it.
    following = host_session(site, Instants())
    came = [kill_and_go_on(site, clients, name, following) for name in names]

    # How often a gate is polled before enough ended differs from run to run.
    assert sum(came) >= 0.8 * len(came)


def test_overtaken_between_verdict_and_job_by_a_host_two_hours_apart(
    site: QueueSite, clients: AwsClients
) -> None:
    job_id = site.add_waves()
    behind = host_session(site, Instants(), -HOUR_MS)
    over: list[str] = []

    def overtake(instant: str) -> None:
        """As soon as the first gate's pass is kept, another worker takes over and goes on."""
        if instant == "gate canary pass written" and not over:
            free(site)
            over.append("begun")
            over.append(work(behind, site, job_id, site.folder / "behind"))

    ahead = host_session(site, Instants(overtake), HOUR_MS)
    with AnsweringDevices(clients, things=site.things) as devices:
        for _ in range(30):
            free(site)
            results = visit(ahead, site.folder / "ahead")
            if over:
                break

    assert over == ["begun", "Deployed"]
    assert [type(result.error) for result in results] == [LeaseLost]
    assert "wave-rest/job BEGUN" not in ahead.instants.names
    check_once(site, job_id, devices)


def test_hosts_an_hour_apart_agree_on_leases_and_on_the_next_poll(
    site: QueueSite, clients: AwsClients
) -> None:
    job_id = site.add_waves()
    ahead = host_session(site, Instants(), HOUR_MS)
    visit(ahead, site.folder / "ahead")
    lease = site.request(job_id).lease
    assert lease is not None
    assert abs(lease.until_ms - wall_ms()) < 60_000

    free(site)
    behind = host_session(site, Instants(), -HOUR_MS)
    held = claim(behind)
    assert held == job_id
    # The host that is ahead sees that this lease is not over.
    assert claim(ahead) is None
    assert claim(host_session(site, Instants(), HOUR_MS)) is None


def claim(session: HostSession) -> str | None:
    """The id of the request that a worker on this host would have."""
    clock = CommandClock(own_ms=session.now_ms)
    found = new_claimer(session, clock, LeasePolicy(), Frontend()).claim()
    return None if found is None else found.job_id

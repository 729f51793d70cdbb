"""Waves through the queue: gates that no process waits at, and what people decide there."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conftest import connected
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import QueueSite, Told
from tests.support.waiting import wait_until
from tests.support.watched_worker import free

from otactl.aws.prerequisites import index_things
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.transition import guard_of

if TYPE_CHECKING:
    from tests.conftest import MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud


ASKS = "wait: everything is as required; it waits for an approval"


@pytest.fixture
def site(cloud: RunningCloud, clients: AwsClients, unique: str, tmp_path: Path) -> QueueSite:
    return QueueSite(cloud, clients, unique, tmp_path)


def visit(site: QueueSite) -> Told:
    """One run of a CI job, when the next poll is due."""
    free(site)
    return site.queue("run", "--once", "--poll", "0.1", "--state-dir", "state")


def visit_until_over(site: QueueSite, job_id: str) -> Told:
    ends: list[Told] = []

    def is_over() -> bool:
        ends.append(visit(site))
        return site.request(job_id).state.is_over

    wait_until(is_over)
    return ends[-1]


def visit_until_gate_says(site: QueueSite, job_id: str, words: str) -> None:
    def says() -> bool:
        assert visit(site).returncode == 0
        return words in site.request(job_id).gate

    wait_until(says)


def things_of(site: QueueSite, job_id: str, devices: AnsweringDevices) -> dict[str, int]:
    """How many things each wave was carried out on; no thing more than once."""
    assert set(Counter(thing for _, thing in devices.carried_out).values()) <= {1}
    assert set(devices.carried_out.values()) <= {1}
    return dict(Counter(name.removeprefix(f"{job_id}-") for name, _ in devices.carried_out))


def test_a_good_image_passes_its_gates_and_no_process_waits_at_them(
    site: QueueSite, clients: AwsClients
) -> None:
    job_id = site.add_waves(requiredSucceededPercentage="70")
    bad = set()

    def answer(job: str, thing: str) -> str:
        if job.endswith("-rest") and not bad:
            bad.add(thing)
        return "FAILED" if thing in bad else "SUCCEEDED"

    first = visit(site)
    assert first.returncode == 0
    assert "left at a gate: wave canary: wait" in first.stderr
    request = site.request(job_id)
    assert (request.state, request.attempt) == ("Deploying", 0)
    assert site.jobs() == [f"{job_id}-canary"]
    assert "wave canary: wait" in site.queue("list").stdout
    # Another request for one of its things waits, one for others does not: a visit that only
    # polls the gate is not the one of --once.
    overlapping = site.add(site.things[:1])[0]
    told = visit(site).stderr
    assert "nothing to deploy" not in told
    assert f"{job_id} waits: wave canary: wait: 0 of 2 ended" in told
    assert "polled again at" in told
    assert f"{job_id} waits: wave canary: wait" in site.queue("fetch").stderr
    assert site.states()[overlapping] == "PendingDeployment"

    with AnsweringDevices(clients, things=site.things, answer=answer) as devices:
        assert visit_until_over(site, job_id).returncode == 0

    # Deployed means that the gates passed; how many did not succeed is told.
    assert site.request(job_id).state == "Deployed"
    assert "5 of 6 things; 1 did not succeed" in site.queue("list", "--all").stdout
    shown = json.loads(site.queue("show", job_id, "-o", "json").stdout)
    assert shown["outcome"] == {
        "things": 6,
        "succeeded": 5,
        "notSucceeded": 1,
        "rounds": 1,
        "rollback": None,
    }
    assert things_of(site, job_id, devices) == {"canary": 2, "rest": 4}
    assert site.jobs() == []
    # Nothing of the visits stays on the worker's disk but the journal of the last.
    assert len(list((site.folder / "state").rglob("*.db*"))) <= 1


def test_a_bad_image_stops_at_the_canary(site: QueueSite, clients: AwsClients) -> None:
    job_id = site.add_waves()
    with AnsweringDevices(clients, things=site.things, answer=lambda *_: "FAILED") as devices:
        ended = visit_until_over(site, job_id)

    assert ended.returncode == 8
    request = site.request(job_id)
    assert request.failure is not None
    assert (request.state, request.failure.kind, request.failure.exit_code) == (
        "Failed",
        "deployment",
        8,
    )
    assert "4 things of later waves were never notified" in request.failure.reason
    assert things_of(site, job_id, devices) == {"canary": 2}
    assert site.jobs() == []


def test_people_approve_pause_and_reject_while_no_worker_is_there(
    site: QueueSite, clients: AwsClients
) -> None:
    job_id = site.add_waves("waveList = canary:2, early:2", approval="True")
    visit(site)
    early = site.queue("approve", job_id)
    assert early.returncode == 2
    assert "nothing to approve: wave canary: wait" in early.stderr
    with AnsweringDevices(clients, things=site.things) as devices:
        visit_until_gate_says(site, job_id, f"canary: {ASKS}")
        poll = site.queue("run", "--once", "-o", "json")
        (waiting,) = json.loads(poll.stdout)["waiting"]
        assert (waiting["jobId"], waiting["gateWave"]) == (job_id, "canary")
        assert waiting["gateAsks"] == "approval"
        assert waiting["leaseUntil"] is not None
        assert f"`otactl queue approve {job_id}` or" in poll.stderr
        # The command for a deployment of this machine says which one decides about a request.
        for act in ("approve", "reject", "pause", "continue"):
            other = site.otactl(act, job_id)
            assert other.returncode == 2
            assert f"`otactl queue {act} {job_id}`" in other.stderr
        assert site.queue("approve", job_id, "--wave", "early").returncode == 2
        assert site.queue("pause", job_id, "--comment", "lunch", "-o", "json").returncode == 0
        approved = site.queue("approve", job_id, "--wave", "canary", "-o", "json")
        assert json.loads(approved.stdout)["wave"] == "canary"
        visit(site)
        assert "paused by" in site.request(job_id).gate
        assert things_of(site, job_id, devices) == {"canary": 2}
        assert site.queue("continue", job_id, "-o", "json").returncode == 0
        visit_until_gate_says(site, job_id, f"early: {ASKS}")
        assert site.queue("reject", job_id, "--comment", "too slow", "-o", "json").returncode == 0
        ended = visit_until_over(site, job_id)

    assert ended.returncode == 9
    request = site.request(job_id)
    assert request.failure is not None
    assert (request.state, request.failure.exit_code) == ("Failed", 9)
    assert "too slow" in request.failure.reason
    assert things_of(site, job_id, devices) == {"canary": 2, "early": 2}
    decided = json.loads(site.queue("show", job_id, "-o", "json").stdout)["decisions"]
    acts = [(one["decision"], one["wave"], one["comment"]) for one in decided]
    assert acts == [
        ("pause", None, "lunch"),
        ("approve", "canary", ""),
        ("continue", None, ""),
        ("reject", None, "too slow"),
    ]
    assert all(one["identity"].startswith("arn:aws:") and one["host"] for one in decided)
    shown = " ".join(site.queue("show", job_id).stdout.split())
    assert f"{decided[0]['at'][:10]}" in shown
    assert "approve wave canary, arn:aws:" in shown
    assert "reject, arn:aws:" in shown
    late = site.queue("approve", job_id)
    assert late.returncode == 2
    assert "is Failed" in late.stderr


def test_waves_and_split_exclude_one_another(site: QueueSite) -> None:
    path = site.write_waves()
    refused = site.queue("add", str(path), "--split", "2")
    assert refused.returncode == 2
    assert "--split makes batches" in refused.stderr
    assert site.states() == {}


def test_things_that_are_excepted_get_nothing(site: QueueSite, clients: AwsClients) -> None:
    (site.folder / "except.txt").write_text(f"{site.arn(site.things[5])}\n")
    job_id = site.add_waves(exceptThings="except.txt")
    with AnsweringDevices(clients, things=site.things) as devices:
        visit_until_over(site, job_id)

    assert site.request(job_id).state == "Deployed"
    assert {thing for _, thing in devices.carried_out} == set(site.things[:5])


#: Always open.
WINDOWS = """
[SCHEDULING_CONFIG]
maintenanceWindowList = any
[MAINTENANCE_WINDOW_any]
startTime = cron(0/1 * * * ? *)
durationInMinutes = 1
"""


def test_recent_things_are_first_and_windows_are_kept_by_whichever_worker_comes(
    site: QueueSite, cloud: RunningCloud, clients: AwsClients, make_device: MakeDevice
) -> None:
    index_things(clients, "")
    recent = site.things[4:]

    async def come_and_go() -> None:
        """Seen within a day, and not connected any more."""
        for thing in recent:
            async with connected(cloud, make_device(thing)):
                pass

    asyncio.run(come_and_go())
    default = {"targetSelection": "CONTINUOUS", "useSchedulingConfig": "True"}
    default |= {"cleanUpCfg": "False"}
    path = site.write_waves(default=default, preferRecent="True")
    path.write_text(path.read_text() + WINDOWS)
    added = site.queue("add", str(path), "-o", "json")
    assert added.returncode == 0, added.stderr
    job_id = json.loads(added.stdout)["requests"][0]["jobId"]

    def in_waves() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, thing in devices.carried_out:
            found.setdefault(name.removeprefix(f"{job_id}-"), []).append(thing)
        return {wave: sorted(things) for wave, things in found.items()}

    with AnsweringDevices(clients, things=site.things) as devices:
        ended = visit_until_over(site, job_id)
    clients.iot.update_indexing_configuration(
        thingIndexingConfiguration={"thingIndexingMode": "OFF"}
    )

    assert ended.returncode == 0
    assert site.request(job_id).state == "Deployed"
    assert in_waves() == {"canary": recent, "rest": site.things[:4]}
    for wave in ("canary", "rest"):
        job = clients.iot.describe_job(jobId=f"{job_id}-{wave}")["job"]
        assert (job["targetSelection"], job["status"]) == ("CONTINUOUS", "CANCELED")
        assert job["reasonCode"] == "OTACTL_SETTLED_CANCEL"
    # Nothing is left open for a later visit to close.
    assert site.request(job_id).open_until_ms is None


def make_due(site: QueueSite) -> None:
    """Let openDays be over for everything that is left open."""
    for left in site.table.due(9 * 10**13):
        (request,) = site.table.find([left.order_key])
        assert isinstance(request, JobRequest)
        over = replace(request, open_until_ms=request.ended_ms)
        assert site.table.amend(request, over, guard_of(request))
        assert site.table.reschedule(left, 1)


def test_stragglers_may_come_until_open_days_are_over_then_any_visit_closes(
    site: QueueSite, clients: AwsClients
) -> None:
    path = site.write_waves(requiredEndedPercentage="50", openDays="2")
    path.write_text(path.read_text().replace("cleanUpCfg = True", "cleanUpCfg = False"))
    added = json.loads(site.queue("add", str(path), "-o", "json").stdout)
    job_id = added["requests"][0]["jobId"]
    online = set(site.things)

    def answer(job: str, thing: str) -> str | None:
        # Of each wave, one thing is offline.
        if job not in offline:
            offline[job] = thing
        return "SUCCEEDED" if thing in online and offline[job] != thing else None

    offline: dict[str, str] = {}
    with AnsweringDevices(clients, things=site.things, answer=answer):
        visit_until_over(site, job_id)
    request = site.request(job_id)
    assert request.state == "Deployed"
    assert request.ended_ms is not None
    assert request.open_until_ms is not None
    assert 1.9 < (request.open_until_ms - request.ended_ms) / 86_400_000 < 2.1
    jobs = [f"{job_id}-canary", f"{job_id}-rest"]
    assert statuses(clients, jobs) == ["IN_PROGRESS"] * 2
    assert "openDays" not in visit(site).stderr

    make_due(site)
    closing = visit(site)

    assert f"{job_id}: openDays are over; its jobs are closed" in closing.stderr
    assert statuses(clients, jobs) == ["CANCELED"] * 2
    (canary,) = [clients.iot.describe_job(jobId=job)["job"] for job in jobs[:1]]
    assert canary["reasonCode"] == "OTACTL_CLOSE_CANCEL"
    assert not canary["forceCanceled"]
    shown = json.loads(site.queue("show", job_id, "-o", "json").stdout)
    assert shown["closedAt"] > shown["endedAt"]
    assert list(site.table.due(9 * 10**13)) == []
    assert "openDays" not in visit(site).stderr


def statuses(clients: AwsClients, jobs: list[str]) -> list[str]:
    return [clients.iot.describe_job(jobId=job)["job"]["status"] for job in jobs]

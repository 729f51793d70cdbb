"""A bad canary through the queue is rolled back, a visit of a worker at a time, on any host."""

from __future__ import annotations

import hashlib
import json
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.program import otactl
from tests.e2e.test_queue_permissions import policy_of, user_with
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import QueueSite
from tests.support.waiting import wait_until
from tests.support.watched_worker import (
    Instants,
    die_at,
    free,
    host_session,
    work,
    work_in_a_child,
)

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

SECTIONS = """
[IMAGE_CONFIG]
imageVer = 2.0
[VERIFY_CONFIG]
versionPath = version
"""
#: What otactl iam prints for reading what things report.
READING = ("ReadThings", "SearchThings", "SeeWhatIsIndexed")


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
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    site = QueueSite(cloud, clients, unique, tmp_path)
    (site.folder / "old.bin").write_bytes(b"old" + unique.encode())
    for thing in site.things:
        report(clients, thing, "1.0")
    return site


def report(clients: AwsClients, thing: str, version: str) -> None:
    payload = {"state": {"reported": {"version": version}}}
    clients.iot_data.update_thing_shadow(thingName=thing, payload=json.dumps(payload))


def write(site: QueueSite, image_list: str = "imageList = 1.0: old.bin", **gate: str) -> Path:
    """A dev.ini whose canary of three rolls back when a gate fails."""
    path = site.write_waves("waveList = canary:3", onGateFailure="rollback", **gate)
    text = path.read_text().replace("cleanUpCfg = True", "cleanUpCfg = False")
    path.write_text(f"{text}{SECTIONS}[ROLLBACK_CONFIG]\n{image_list}\n")
    return path


def add(site: QueueSite, path: Path, **user: str) -> str:
    added = site.queue("add", str(path), "-o", "json", **user)
    assert added.returncode == 0, added.stderr
    return str(json.loads(added.stdout)["requests"][0]["jobId"])


class Devices(AnsweringDevices):
    """Things that report the version they were given; one of the canary fails.

    With ``visits`` a job is carried out after the visit that created it.
    """

    def __init__(
        self, site: QueueSite, clients: AwsClients, visits: list[str] | None = None
    ) -> None:
        self.bad: set[str] = set()
        seen: dict[str, int] = {}

        def answer(job_id: str, thing: str) -> str | None:
            if visits is not None and seen.setdefault(job_id, len(visits)) == len(visits):
                return None
            if "-rb-" in job_id:
                report(clients, thing, "1.0")
                return "SUCCEEDED"
            if not self.bad or thing in self.bad:
                self.bad.add(thing)
                return "FAILED"
            report(clients, thing, "2.0")
            return "SUCCEEDED"

        super().__init__(clients, things=site.things, answer=answer)


def check_taken_back(site: QueueSite, job_id: str, devices: Devices) -> None:
    """The canary alone was touched, and those of it that took the image got what they had."""
    given = Counter(name.removeprefix(f"{job_id}-") for name, _ in devices.carried_out)
    assert given == {"canary": 3, "rb-1-first": 2}
    assert set(devices.carried_out.values()) == {1}
    request = site.request(job_id)
    assert request.failure is not None
    assert request.outcome is not None
    assert (request.state, request.failure.exit_code) == ("Failed", 8)
    assert "rolled back: 2 of 2 things got back what they had" in request.failure.reason
    assert (request.outcome.to_roll_back, request.outcome.rolled_back) == (2, 2)
    document = site.clients.iot.get_job_document(jobId=f"{job_id}-rb-1-first")["document"]
    old = (site.folder / "old.bin").read_bytes()
    assert hashlib.md5(old, usedforsecurity=False).hexdigest() in document or (
        hashlib.sha256(old).hexdigest() in document
    )


def test_a_bad_canary_is_rolled_back_with_no_more_than_the_policies(
    site: QueueSite, clients: AwsClients, unique: str
) -> None:
    path = write(site)
    printed = json.loads(otactl("iam", str(path)).stdout)["user"]["Statement"]
    reading = [each for each in printed if each["Sid"] in READING]
    users = {}
    for name in ("adder", "worker"):
        policy = policy_of(site, name)
        users[name] = user_with(
            site, f"{name}-{unique}", policy | {"Statement": policy["Statement"] + reading}
        )
    job_id = add(site, path, **users["adder"])
    (former,) = site.request(job_id).former
    assert former.sha256 == hashlib.sha256((site.folder / "old.bin").read_bytes()).hexdigest()
    gates: set[str] = set()
    visits: list[str] = []
    codes: list[int] = []

    def is_over() -> bool:
        free(site)
        # Each visit is another host's.
        visits.append(f"host-{len(visits)}")
        arguments = ("--once", "--poll", "0.1", "--state-dir", visits[-1])
        codes.append(site.queue("run", *arguments, **users["worker"]).returncode)
        gates.add(site.request(job_id).gate)
        return site.request(job_id).state.is_over

    with Devices(site, clients, visits) as devices:
        wait_until(is_over)

    check_taken_back(site, job_id, devices)
    assert (codes[-1], set(codes[:-1])) == (8, {0})
    assert any(gate.startswith("rolling back: ") for gate in gates)
    shown = json.loads(site.queue("show", job_id, "-o", "json").stdout)
    assert shown["outcome"]["rollback"] == {"things": 2, "succeeded": 2}


@pytest.mark.parametrize(
    "instant",
    [
        pytest.param("wave-first/job BEFORE_BEGIN", marks=pytest.mark.slow),
        pytest.param("wave-first/job HAPPENED", marks=pytest.mark.slow),
        pytest.param("gate first pass written", marks=pytest.mark.slow),
    ],
)
def test_a_worker_killed_in_a_rollback_is_made_up_for(
    site: QueueSite, clients: AwsClients, instant: str
) -> None:
    job_id = add(site, write(site))
    with Devices(site, clients) as devices:
        killed_by = work_in_a_child(site, job_id, site.folder / "lost", die_at(instant))
        state = work(host_session(site, Instants()), site, job_id, site.folder / "next")

    assert (killed_by, state) == (signal.SIGKILL, "Failed")
    check_taken_back(site, job_id, devices)


def test_a_version_without_an_image_is_refused_when_it_is_added(
    site: QueueSite, clients: AwsClients
) -> None:
    report(clients, site.things[0], "0.9")
    refused = site.queue("add", str(write(site)))
    assert refused.returncode == 2
    assert "no image of version 0.9, which 1 things had before" in refused.stderr
    assert site.states() == {}

    # The queue itself has deployed that version before: its image lies in the bucket.
    site.image.write_bytes(b"0.9")
    earlier = site.write_deployment(site.things[:1])
    earlier.write_text(earlier.read_text() + "[IMAGE_CONFIG]\nimageVer = 0.9\n")
    first = add(site, earlier)
    with AnsweringDevices(clients, things=site.things):
        assert site.queue("run", "--once", "--poll", "0.1", "--state-dir", "s").returncode == 0
    site.image.write_bytes(b"2.0")
    request = site.request(add(site, write(site)))

    assert [file.key for file in request.former[1:]] == [site.request(first).image.key]
    assert len(request.former) == 2

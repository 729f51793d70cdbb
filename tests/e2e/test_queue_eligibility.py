"""Eligibility through the queue: the first worker decides, and no later one asks again."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.program import otactl
from tests.e2e.test_queue_permissions import policy_of, user_with
from tests.e2e.test_queue_waves import things_of, visit_until_over
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import QueueSite
from tests.support.watched_worker import Instants, die_at, host_session, work, work_in_a_child

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

SECTIONS = """
[ELIGIBILITY_CONFIG]
fromVersions = 1.0..1.9
[VERIFY_CONFIG]
expectedVersion = 2.0
"""


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
    site = QueueSite(cloud, clients, unique, tmp_path)
    for thing, version in zip(site.things, ("1.0", "2.0", "1.5", "0.9", "1.2"), strict=False):
        report(clients, thing, version)
    return site


def report(clients: AwsClients, thing: str, version: str) -> None:
    payload = {"state": {"reported": {"version": version}}}
    clients.iot_data.update_thing_shadow(thingName=thing, payload=json.dumps(payload))


def add(site: QueueSite, path: Path) -> str:
    text = path.read_text().replace("[DEFAULT]\n", "[DEFAULT]\nuseEligibilityConfig = True\n")
    path.write_text(text + SECTIONS)
    added = site.queue("add", str(path), "-o", "json")
    assert added.returncode == 0, added.stderr
    return str(json.loads(added.stdout)["requests"][0]["jobId"])


def test_what_is_left_out_is_decided_once_and_shown(
    site: QueueSite, clients: AwsClients, unique: str
) -> None:
    job_id = add(site, site.write_waves("waveList = canary:1"))
    assert json.loads(site.queue("show", job_id, "-o", "json").stdout)["leftOut"] == []
    # A worker has its policy, and the permissions that are printed for the file's sections.
    policy = policy_of(site, "worker")
    printed = json.loads(otactl("iam", str(site.folder / "dev.ini")).stdout)["user"]
    reading = ("ReadThings", "SearchThings", "SeeWhatIsIndexed")
    policy["Statement"] += [each for each in printed["Statement"] if each["Sid"] in reading]
    worker = user_with(site, f"chooser-{unique}", policy)

    first = site.queue("run", "--once", "--poll", "0.1", "--state-dir", "first", **worker)
    assert first.returncode == 0, first.stderr
    # From here on other things would be left out; nobody asks.
    for thing in site.things:
        report(clients, thing, "2.0" if thing == site.things[0] else "1.1")
    with AnsweringDevices(clients, things=site.things) as devices:
        assert visit_until_over(site, job_id).returncode == 0

    assert site.request(job_id).state == "Deployed"
    assert things_of(site, job_id, devices) == {"canary": 1, "rest": 2}
    assert {thing for _, thing in devices.carried_out} == {site.things[n] for n in (0, 2, 4)}
    adder = user_with(site, f"adder-{unique}", policy_of(site, "adder"))
    shown = json.loads(site.queue("show", job_id, "-o", "json", **adder).stdout)
    assert [(one["thing"], one["reason"], one["version"]) for one in shown["leftOut"]] == [
        (site.things[1], "has the version already", "2.0"),
        (site.things[3], "not one of fromVersions", "0.9"),
        (site.things[5], "unknown version", None),
    ]
    assert f"{site.things[3]}  not one of fromVersions (version 0.9)" in (
        site.queue("show", job_id).stdout
    )


def test_a_request_without_waves_keeps_its_choice_too(site: QueueSite, clients: AwsClients) -> None:
    job_id = add(site, site.write_deployment(site.things))
    with AnsweringDevices(clients, things=site.things) as devices:
        killed_by = work_in_a_child(
            site, job_id, site.folder / "lost", die_at("round-1/job BEFORE_BEGIN")
        )
        report(clients, site.things[1], "1.0")
        state = work(host_session(site, Instants()), site, job_id, site.folder / "next")

    assert (killed_by, state) == (signal.SIGKILL, "Deployed")
    assert {thing for _, thing in devices.carried_out} == {site.things[n] for n in (0, 2, 4)}
    shown = json.loads(site.queue("show", job_id, "-o", "json").stdout)
    assert len(shown["leftOut"]) == 3
    # It has no gates, and says so.
    assert "is Deployed: there is nothing to pause" in site.queue("pause", job_id).stderr


def test_a_batch_cannot_be_left_out_as_a_whole(site: QueueSite) -> None:
    path = site.write_deployment(site.things, useEligibilityConfig="True")
    path.write_text(path.read_text() + SECTIONS)
    refused = site.queue("add", str(path), "--split", "2")
    assert refused.returncode == 2
    assert "--split and useEligibilityConfig = True exclude one another" in refused.stderr
    assert site.states() == {}

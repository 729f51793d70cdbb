"""What a deployment in waves leaves open for things that were offline, closed from outside."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.wave_world import NEVER, Fate
from tests.unit.deploy.test_waves import Site

from otactl.deploy.wave_closing import close, left_open, open_until_ms
from otactl.model.status import ExecutionStatus
from otactl.model.wave import OpenWave

DAY_MS = 86_400_000


@pytest.fixture
def site(tmp_path):
    """Three waves; the second has a group and a thing that never comes."""
    it = Site(
        tmp_path, things=200, requiredEndedPercentage="60", openDays="2", waveList="a:20, b:160"
    )
    it.jobs.fates[it.waves["b"][0]] = NEVER
    yield it
    it.journal.close()


def test_what_is_left_open_is_closed_without_the_journal(site):
    site.run()
    left = left_open(site.journal)
    assert left is not None
    group = f"otactl-{site.plan.deployment_id}-b"
    assert left.waves == (OpenWave(job_id="TestJob1234-b", group_name=group),)
    assert left.region == site.configuration.region
    last_ms = max(gate.at_ms for gate in site.journal.gates)
    assert open_until_ms(site.plan, site.journal) == last_ms + 2 * DAY_MS
    assert list(site.aws.registry.groups) == [group]

    # Another deployment's jobs and groups stay, whatever an entry of the table says.
    stranger = replace(left, deployment_id="20261123T120000Z-000000")
    assert close(stranger, site.jobs, site.aws.registry) == 0
    assert site.jobs.jobs["TestJob1234-b"].canceled_ms is None
    assert list(site.aws.registry.groups) == [group]

    assert close(left, site.jobs, site.aws.registry) == 0
    job = site.jobs.jobs["TestJob1234-b"]
    assert job.reason_code == "OTACTL_CLOSE_CANCEL"
    assert site.aws.registry.groups == {}
    canceled_ms = job.canceled_ms
    site.aws.clock.sleep(60)
    assert close(left, site.jobs, site.aws.registry) == 0
    assert job.canceled_ms == canceled_ms


def test_a_group_stays_while_a_thing_is_at_work(site):
    late = Fate(online_at_s=40_000, takes_s=10_000)
    site.jobs.fates[site.waves["b"][1]] = late
    site.run()
    left = left_open(site.journal)
    site.aws.clock.sleep(45_000)

    assert close(left, site.jobs, site.aws.registry) == 1
    assert site.aws.registry.groups
    site.aws.clock.sleep(10_000)
    assert close(left, site.jobs, site.aws.registry) == 0
    assert site.aws.registry.groups == {}
    assert site.jobs.describe("TestJob1234-b").counts[ExecutionStatus.SUCCEEDED] == 159


def test_what_is_cleaned_up_and_what_ended_everywhere_leaves_nothing_open(tmp_path):
    for number, clean_up in enumerate(("True", "False")):
        folder = tmp_path / str(number)
        folder.mkdir()
        site = Site(folder, clean_up=clean_up, requiredEndedPercentage="60")
        if clean_up == "True":
            site.jobs.fates[site.waves["canary"][0]] = NEVER
        site.run()
        assert left_open(site.journal) is None
        site.journal.close()

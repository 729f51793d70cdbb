"""The queue with a real fleet behind it: images by MQTT streams, checked and installed.

Three requests, three runs as CI makes them, once with otactl's own commands and once with the
manual's script names and file layout. Everything is done by the programs, as a CI job does it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.fleet import running_fleet
from tests.support.fleet_stage import QUICK
from tests.support.queue_site import REGION, QueueSite
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud
    from otactl.fleet.runner import FleetRun

SCRIPTS = Path(__file__).parents[2] / "scripts"
#: Each request has an image of its own, of several blocks.
IMAGE_BYTES = 20_000


@pytest.fixture
def site(cloud: RunningCloud, clients: AwsClients, unique: str, tmp_path: Path) -> QueueSite:
    site = QueueSite(cloud, clients, unique, tmp_path, things=0)
    site.things = [f"q{unique}-{number}" for number in range(3)]
    return site


@pytest.fixture
def fleet(site: QueueSite) -> Iterator[FleetRun]:
    with running_fleet(
        site.cloud, site.clients, site.things, site.folder / "fleet", profile=QUICK
    ) as fleet:
        yield fleet


def deploy_by_command(site: QueueSite) -> str:
    ended = site.work("--once", "--report-dir", "reports")
    return ended.stderr if ended.returncode else ""


def deploy_by_scripts(site: QueueSite) -> str:
    workspace = site.folder / "workspace"
    workspace.mkdir(exist_ok=True)
    fetch = ("fetch_job_schedule.py", "-r", REGION, "-tb", site.table_name)
    for script, *arguments in (fetch, ("jobs_scheduler.py",)):
        ended = site.run(
            sys.executable, str(SCRIPTS / script), *arguments, cwd=workspace,
            OTACTL_STATE_DIR=str(site.folder / "state"),
        )  # fmt: skip
        if ended.returncode:
            return ended.stderr
    return ""


def add_by_command(site: QueueSite, ini: Path) -> str:
    ended = site.run(
        *(sys.executable, "-m", "otactl", "queue", "add", str(ini)),
        *("--table", site.table_name, "--output", "json"),
    )
    assert ended.returncode == 0, ended.stderr
    (request,) = json.loads(ended.stdout)["requests"]
    return str(request["jobId"])


def add_by_script(site: QueueSite, ini: Path) -> str:
    before = set(site.states())
    ended = site.run(
        *(sys.executable, str(SCRIPTS / "add_job_schedule.py"), "-m", "submit"),
        *("-f", site.image.name, "-tb", site.table_name, "-b", site.bucket, "-r", REGION),
        *("-d", ini.name, "-l", f"{ini.name}-things.txt"),
    )
    assert ended.returncode == 0, ended.stderr
    (added,) = set(site.states()) - before
    return added


@pytest.mark.parametrize(
    ("add", "deploy"),
    [
        pytest.param(add_by_command, deploy_by_command, id="commands"),
        pytest.param(add_by_script, deploy_by_scripts, id="scripts", marks=pytest.mark.slow),
    ],
)
def test_three_requests_reach_the_devices_in_three_runs(
    site: QueueSite,
    fleet: FleetRun,
    add: Callable[[QueueSite, Path], str],
    deploy: Callable[[QueueSite], str],
) -> None:
    """The third is for the first one's things, with a newer image: it must come last."""
    whom = (site.things[:2], site.things[2:], site.things[:2])
    requests: dict[str, tuple[list[str], str]] = {}
    for things in whom:
        image = os.urandom(IMAGE_BYTES)
        site.image.write_bytes(image)
        job_id = add(site, site.write_deployment(things))
        requests[job_id] = (things, hashlib.sha256(image).hexdigest())

    for number, job_id in enumerate(requests, start=1):
        assert deploy(site) == ""
        assert site.request(job_id).state == "Deployed"
        assert list(site.states().values()).count("Deployed") == number

    # The service knows a little before the device does that it has succeeded.
    expected = {
        (job_id, thing, "SUCCEEDED", sha256)
        for job_id, (things, sha256) in requests.items()
        for thing in things
    }
    wait_until(lambda: len(fleet.results()) >= len(expected))
    reported = [
        (each.job_id, each.thing_name, each.status, each.sha256) for each in fleet.results()
    ]
    assert sorted(reported) == sorted(expected)
    newest = {thing: sha256 for _, thing, _, sha256 in reported}
    (_, first), (_, second), (_, third) = requests.values()
    assert first not in newest.values()
    assert newest == dict(zip(site.things, (third, third, second), strict=True))
    assert site.jobs() == []
    if deploy is deploy_by_command:
        reports = [json.loads(path.read_text()) for path in site.folder.glob("reports/*.json")]
        assert sorted(each["request"]["jobId"] for each in reports) == sorted(requests)
        assert all(each["request"]["state"] == "Deployed" for each in reports)

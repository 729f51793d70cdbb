"""Waves end to end: the program, a local cloud at sixty times our speed, devices over MQTT.

What counts is what the devices saw: ``FleetRun.results`` has every job that a device was given and
ended, so "exactly the canary" is counted there and not in what otactl says of itself.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.program import environment, otactl
from tests.e2e.running_program import RunningProgram
from tests.support.fleet_stage import QUICK
from tests.support.waiting import wait_until

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.prerequisites import index_things, make_alarms, make_bucket, make_role
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.deploy.store import DeploymentStore
from otactl.device.behaviour import Behaviour
from otactl.fleet import (
    DevicePlan,
    FactoryImage,
    FleetClock,
    FleetDirectory,
    FleetEndpoint,
    FleetRun,
)
from otactl.model.wave import WaveSize
from otactl.operations.fleet_provisioning import create_fleet, delete_fleet, plan_fleet
from otactl.rules.waves.membership import divide

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROLE = "arn:aws:iam::123456789012:role/waves-stream"
SEED = "7"
#: A failure comes when all others of the wave have begun, four seconds of ours later, however
#: busy the machine: what is still QUEUED when the gate fails is cancelled, and notified of nothing.
FAILS_LAST = replace(QUICK, install_ms=240_000)
#: Half a minute of ours for an image of 5,000 bytes: in progress when the others have ended.
DOWNLOADS_LONG = replace(QUICK, block_size=256, link_bytes_per_second=5, answer_timeout_ms=600_000)


@pytest.fixture(scope="module")
def fast_cloud():
    # Members show late, as on AWS: who creates a job before its group is complete misses some.
    settings = CloudSettings(
        account_id="123456789012", region="us-east-1", speed=60, member_seconds=1.0
    )
    with start_local_cloud(settings) as running:
        clients = AwsClients(AwsSettings.for_local_cloud(running.address))
        make_bucket(clients, "waves", "us-east-1")
        make_role(clients, ROLE, bucket="waves", region="us-east-1")
        yield running


class Site:
    """Things in the fast cloud, their waves, and the deployment to them.

    Args:
        cloud: The fast cloud.
        folder: For the files.
        unique: Part of all names.
        things: How many.
        canary: How many of them are the first wave.
        timeout: ``inProgressTimeoutInMinutes``.
        prefix: What the names begin with.
        sections: Of the file, beside those of waves and timeout.
        default: Keys of [DEFAULT].
        keys: Of [WAVE_CONFIG].
    """

    #: What devices come with; of those without, none reports a version.
    factories: Mapping[str, FactoryImage] = {}

    def __init__(
        self,
        cloud,
        folder,
        unique,
        things: int,
        *,
        canary: int,
        timeout: int,
        prefix: str = "w",
        sections: str = "",
        default: Mapping[str, object] | None = None,
        **keys: object,
    ) -> None:
        self.cloud, self.folder = cloud, folder
        self.clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
        self.names = [f"{prefix}{unique}-{number:03}" for number in range(things)]
        sizes = [WaveSize(things=canary), WaveSize(hundredths=3000), WaveSize()]
        dealt = divide(self.names, sizes, seed=SEED, members={})
        self.canary, self.early, self.rest = map(list, dealt)
        self.job_id = f"{prefix}{unique}"
        lines = {
            "waveList": f"canary:{canary}, early:30%",
            "sampleSeed": SEED,
            "soakMinutes": 1,
            "maximumMinutes": 1000,
        } | keys
        section = "".join(f"{key} = {value}\n" for key, value in lines.items())
        self.path = Deployable(
            folder=folder,
            thing_names=self.names,
            bucket="waves",
            role_arn=ROLE,
            job_id=self.job_id,
            sections=f"[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = {timeout}\n"
            f"{sections}[WAVE_CONFIG]\n{section}",
        ).write(useWaveConfig=True, useTimeoutConfig=True, cleanUpCfg=False, **(default or {}))
        self._directory = FleetDirectory(folder / "fleet")
        self._manifest = plan_fleet(self.clients, things=self.names, groups={})
        list(create_fleet(self.clients, self._directory, self._manifest))

    @contextmanager
    def fleet(self, names: list[str] | None = None, **behaviours: list[str]) -> Iterator[FleetRun]:
        """These devices, all connected; each behaves as it is listed."""
        of = {name: Behaviour(kind) for kind, listed in behaviours.items() for name in listed}
        profiles = {Behaviour.FAIL: FAILS_LAST, Behaviour.SLOW: DOWNLOADS_LONG}
        plans = [
            DevicePlan(
                thing_name=name,
                profile=profiles.get(of.get(name), QUICK),
                behaviour=of.get(name, Behaviour.SUCCEED),
                factory=self.factories.get(name),
            )
            for name in names or self.names
        ]
        with self.connected(plans) as run:
            yield run

    @contextmanager
    def connected(self, plans: list[DevicePlan]) -> Iterator[FleetRun]:
        """Devices as they are planned, all connected."""
        with FleetRun(
            self._directory,
            plans,
            endpoint=FleetEndpoint.of_local_cloud(self.cloud.address),
            clock=FleetClock.of_local_cloud(self.cloud.address),
        ) as run:
            wait_until(lambda: run.progress().is_settled, "the connection of all devices")
            yield run

    def remove(self) -> None:
        list(delete_fleet(self.clients, self._directory, self._manifest))

    @property
    def state(self) -> tuple[str, ...]:
        return ("--state-dir", str(self.folder / "state"))

    def otactl(self, command: str, *arguments: str):
        return otactl(command, *arguments, *self.state, cloud=self.cloud)

    def deploy(self, *arguments: str):
        run = self.otactl("deploy", str(self.path), "--poll", "0.2", "--output", "json", *arguments)
        return run, json.loads(run.stdout)

    def deploying(self) -> RunningProgram:
        return RunningProgram(
            "deploy",
            str(self.path),
            *("--poll", "0.2", "--output", "json", *self.state),
            env=environment(self.cloud),
        )

    def gates(self) -> dict[str, object]:
        """What each gate says now, read beside the process that deploys."""
        store = DeploymentStore(self.folder / "state")
        for _, journal in store.journals():
            return {status.name: status for status in journal.gates}
        return {}

    def has_job(self, wave: str) -> bool:
        found = self.clients.iot.list_jobs(maxResults=250)["jobs"]
        return any(job["jobId"] == f"{self.job_id}-{wave}" for job in found)


@pytest.fixture
def site(fast_cloud, tmp_path, unique):
    sites: list[Site] = []

    def build(things: int = 12, *, canary: int = 4, timeout: int = 60, **keys: object) -> Site:
        sites.append(
            Site(fast_cloud, tmp_path, unique, things, canary=canary, timeout=timeout, **keys)
        )
        return sites[-1]

    yield build
    for one in sites:
        one.remove()


def notified(fleet: FleetRun) -> list[str]:
    """The devices that ended a job, once for each job."""
    return sorted(result.thing_name for result in fleet.results())


def test_a_good_image_passes_all_gates_and_each_device_gets_it_once(site):
    it = site(200, canary=20)
    with it.fleet() as fleet:
        run, result = it.deploy()
        assert run.returncode == 0, run.stderr
        assert notified(fleet) == sorted(it.names)
    assert [wave["gate"]["verdict"] for wave in result["waves"]] == ["pass"] * 3
    assert [wave["things"] for wave in result["waves"]] == [20, 60, 120]
    assert result["rounds"][0]["succeeded"] == 200
    assert result["complete"] is True
    groups = it.clients.iot.list_thing_groups()["thingGroups"]
    assert not [group for group in groups if group["groupName"].startswith("otactl-")]


def test_the_canary_has_the_devices_that_are_connected(site):
    it = site(preferRecent=True)
    index_things(it.clients, "")
    # None of those that the hash alone would take.
    connected = [*it.early, it.rest[0]]
    with it.fleet(connected) as fleet:
        planned = otactl("plan", str(it.path), "--things", "--output", "json", cloud=it.cloud)
        run, result = it.deploy("--no-wait")
        assert run.returncode == 10, run.stderr
        canary = json.loads(planned.stdout)["wavesThings"]["canary"]
        wait_until(lambda: notified(fleet) == canary, "exactly the canary is notified")
    assert "taken first (preferRecent); for 7 this is unknown" in planned.stderr
    assert json.loads(planned.stdout)["apiCalls"]["iot:SearchIndex"] == 1
    assert len(canary) == 4
    assert set(canary) < set(connected)
    # Resumed, the same things are in the same waves, whoever is connected by then.
    with it.fleet() as fleet:
        for _ in range(100):
            run = it.otactl("resume", it.job_id, "--no-wait", "--poll", "0.2", "--output", "json")
            if run.returncode != 10:
                break
        assert run.returncode == 0, run.stderr
        assert notified(fleet) == sorted({*it.names} - {*canary})
    assert [wave["things"] for wave in json.loads(run.stdout)["waves"]] == [4, 4, 4]
    assert result["goesOn"] is True


#: Five minutes of every ten.
WINDOWS = """[SCHEDULING_CONFIG]
maintenanceWindowList = often
[MAINTENANCE_WINDOW_often]
startTime = cron(0/10 * * * ? *)
durationInMinutes = 5
"""


def test_waves_keep_to_maintenance_windows_and_their_jobs_are_closed_once_settled(site):
    default = {"useSchedulingConfig": True, "targetSelection": "CONTINUOUS"}
    it = site(sections=WINDOWS, default=default, requiredEndedPercentage=100)
    with it.fleet() as fleet:
        run, result = it.deploy()
        assert run.returncode == 0, run.stderr
        assert notified(fleet) == sorted(it.names)
    assert result["complete"] is True
    assert [wave["gate"]["verdict"] for wave in result["waves"]] == ["pass"] * 3
    iot = it.clients.iot
    for wave, names in (("canary", it.canary), ("early", it.early), ("rest", it.rest)):
        job = iot.describe_job(jobId=f"{it.job_id}-{wave}")["job"]
        assert (job["targetSelection"], job["status"]) == ("CONTINUOUS", "CANCELED")
        assert job["reasonCode"] == "OTACTL_SETTLED_CANCEL"
        assert "forceCanceled" not in job or not job["forceCanceled"]
        assert len(job["targets"]) == 1
        found = iot.list_job_executions_for_job(jobId=job["jobId"])["executionSummaries"]
        assert sorted(each["thingArn"].rpartition("/")[2] for each in found) == sorted(names)
        queued = [each["jobExecutionSummary"]["queuedAt"] for each in found]
        assert all(at.minute % 10 < 5 for at in queued), queued
    groups = iot.list_thing_groups()["thingGroups"]
    assert not [group for group in groups if group["groupName"].startswith("otactl-")]


def test_the_plan_tells_each_wave_and_counts_each_thing_once(site):
    it = site()

    run = otactl("plan", str(it.path), "--things", "--output", "json", cloud=it.cloud)

    plan = json.loads(run.stdout)
    assert [(wave["wave"], wave["things"]) for wave in plan["waves"]] == [
        ("canary", 4),
        ("early", 4),
        ("rest", 4),
    ]
    assert plan["wavesThings"]["canary"] == sorted(it.canary)
    assert (plan["rounds"], plan["summary"]["cost"]["executions"]) == (1, 12)
    text = otactl("plan", str(it.path), cloud=it.cloud)
    assert "gate of wave canary: 80% of 4 things ended" in text.stdout
    assert "rounds" not in text.stdout


def test_an_image_that_fails_at_every_fifth_device_stops_at_the_canary(site):
    it = site(200, canary=20, requiredEndedPercentage=100)
    with it.fleet(fail=it.canary[:4]) as fleet:
        run, result = it.deploy()
        assert run.returncode == 8, run.stderr
        assert notified(fleet) == sorted(it.canary)
    assert "things failed; at most 1 may" in run.stderr
    assert not it.has_job("early")
    assert not it.has_job("rest")
    assert [wave["gate"] and wave["gate"]["verdict"] for wave in result["waves"]] == [
        "fail",
        None,
        None,
    ]
    report = it.otactl("report", it.job_id, "--format", "json")
    assert "at most 1 may" in report.stdout


def test_an_offline_device_of_wave_one_gets_nothing_once_wave_two_failed(site):
    it = site(requiredEndedPercentage=60)
    offline = it.canary[0]
    others = [name for name in it.names if name != offline]
    with it.fleet(others, fail=it.early) as fleet:
        run, _ = it.deploy()
        assert run.returncode == 8, run.stderr
        assert notified(fleet) == sorted(set(it.canary + it.early) - {offline})
    pending = it.clients.iot_jobs_data.get_pending_job_executions(thingName=offline)
    assert pending["queuedJobs"] == pending["inProgressJobs"] == []
    with it.fleet([offline]) as fleet:
        assert notified(fleet) == []


def test_a_device_that_dies_while_it_installs_fails_the_canary(site):
    it = site(soakMinutes=10, timeout=3)
    with it.fleet(silent=it.canary[:1]):
        run, _ = it.deploy()

    assert run.returncode == 8, run.stderr
    assert "1 of 4 things failed; at most 0 may" in run.stderr


def test_an_alarm_for_a_moment_between_two_polls_fails_the_canary(site):
    it = site(alarmList="crashes", soakMinutes=60)
    make_alarms(it.clients, ["crashes"])
    with it.fleet(), it.deploying() as deploying:
        deploying.wait_for(
            lambda _: getattr(it.gates().get("canary"), "soak_left_ms", None), "the canary soaks"
        )
        for state in ("ALARM", "OK"):
            it.clients.cloudwatch.set_alarm_state(
                AlarmName="crashes", StateValue=state, StateReason="a test"
            )
        assert deploying.end() == 8, deploying.said
    assert "alarm crashes" in deploying.said


def test_people_approve_pause_and_continue_while_deploy_holds_its_lock(site):
    it = site(approval=True, soakMinutes=0)
    with it.fleet(), it.deploying() as deploying:
        deploying.wait_for(lambda _: it.gates(), "the canary begins")
        deploying.wait_for(
            lambda _: getattr(it.gates().get("canary"), "question", None), "the canary asks"
        )
        other = it.otactl("approve", it.job_id, "--wave", "rest")
        assert other.returncode == 2
        assert (
            it.otactl("approve", it.job_id, "--comment", "seen them", "-o", "json").returncode == 0
        )
        deploying.wait_for(
            lambda _: getattr(it.gates().get("early"), "question", None), "wave two asks"
        )
        assert it.otactl("pause", it.job_id, "-o", "json").returncode == 0
        assert it.otactl("approve", it.job_id).returncode == 0
        deploying.wait_for(lambda program: "paused by" in program.said, "the pause is seen")
        assert not it.has_job("rest")
        assert it.otactl("approve", it.job_id).returncode == 2
        assert it.otactl("continue", it.job_id, "-o", "json").returncode == 0
        deploying.wait_for(
            lambda _: getattr(it.gates().get("rest"), "question", None), "wave three asks"
        )
        assert it.otactl("approve", it.job_id).returncode == 0
        assert deploying.end() == 0, deploying.said
    report = it.otactl("report", it.job_id, "--format", "json")
    assert "seen them" in report.stdout
    assert "arn:aws:" in report.stdout


def test_a_rejection_ends_it_and_leaves_later_waves_uncreated(site):
    it = site(soakMinutes=600)
    with it.fleet() as fleet, it.deploying() as deploying:
        deploying.wait_for(
            lambda _: getattr(it.gates().get("canary"), "soak_left_ms", None), "the canary soaks"
        )
        early = it.otactl("approve", it.job_id)
        assert early.returncode == 2
        assert "nothing to approve: wave canary: wait: soaking" in early.stderr
        assert it.otactl("reject", it.job_id, "--comment", "smoke", "-o", "json").returncode == 0
        assert deploying.end() == 9, deploying.said
        assert notified(fleet) == sorted(it.canary)
    assert not it.has_job("early")
    assert it.otactl("reject", it.job_id).returncode == 2


def test_no_wait_leaves_and_resume_goes_on_to_the_end(site):
    it = site()
    with it.fleet() as fleet:
        run, result = it.deploy("--no-wait")
        assert run.returncode == 10, run.stderr
        assert result["goesOn"] is True
        assert f"otactl resume {result['deploymentId']}" in run.stderr
        for _ in range(100):
            run = it.otactl("resume", it.job_id, "--no-wait", "--poll", "0.2", "--output", "json")
            if run.returncode != 10:
                break
        assert run.returncode == 0, run.stderr
        assert notified(fleet) == sorted(it.names)

"""A rollback end to end: the program, a local cloud, devices with two slots over MQTT.

What counts is what the devices run at the end: the SHA-256 of the very bytes in each slot.
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import pytest
from tests.e2e import test_waves as waves
from tests.e2e.deployable import Deployable
from tests.e2e.program import environment as environment_of
from tests.e2e.program import otactl
from tests.e2e.running_program import RunningProgram
from tests.e2e.test_waves import ROLE, fast_cloud
from tests.support.killed_deployment import Killer, local_environment
from tests.support.waiting import wait_until

from otactl.deploy.journal import Journal
from otactl.deploy.observer import Moment
from otactl.deploy.store import DeploymentStore
from otactl.fleet import FactoryImage, FleetRun
from otactl.operations.rollback.run import RollbackRun
from otactl.operations.rollback.start import stored

__all__ = ["fast_cloud"]

CANARY = 6
POLL_IN_JSON = ("--poll", "0.2", "--output", "json")


class Site(waves.Site):
    """Things with two former versions, and a deployment in waves to them."""

    def __init__(self, cloud, folder, unique, things=12, *, listed=("1.0", "1.1"), **keys) -> None:
        images = {}
        for version in ("1.0", "1.1"):
            path = folder / f"{version}.bin"
            path.write_bytes(version.encode() + os.urandom(4000))
            images[version] = FactoryImage(version=version, path=path)
        image_list = ", ".join(f"{version}: {version}.bin" for version in listed)
        gate = {"soakMinutes": 0, "requiredEndedPercentage": 100, "onGateFailure": "rollback"}
        super().__init__(
            *(cloud, folder, unique, things),
            canary=CANARY,
            timeout=60,
            prefix="rb",
            sections="[IMAGE_CONFIG]\nimageVer = 2.0\n[VERIFY_CONFIG]\nversionPath = version\n"
            f"[ROLLBACK_CONFIG]\nimageList = {image_list}\n",
            **gate | keys,
        )
        self.factories = {
            name: images["1.0" if number % 2 else "1.1"]
            for number, name in enumerate(sorted(self.canary) + self.early + self.rest)
        }

    def json_of(self, command: str, *arguments: str):
        run = self.otactl(command, *arguments, *POLL_IN_JSON)
        return run, json.loads(run.stdout)

    def running(self, command: str, *arguments: str) -> RunningProgram:
        env = environment_of(self.cloud)
        return RunningProgram(command, *arguments, *POLL_IN_JSON, *self.state, env=env)

    def soaks(self) -> bool:
        """Whether the canary's gate waits for its soak alone."""
        for _, journal in DeploymentStore(self.folder / "state").journals():
            return any(gate.soak_left_ms for gate in journal.gates)
        return False

    def has_its_own(self, fleet: FleetRun, names: list[str]) -> bool:
        """Whether each runs byte for byte what it came with."""
        running = fleet.running()
        return all(running[name].sha256 == self.factories[name].sha256 for name in names)


@pytest.fixture
def site(fast_cloud, tmp_path, unique):
    sites: list[Site] = []

    def build(**options) -> Site:
        sites.append(Site(fast_cloud, tmp_path, unique, **options))
        return sites[-1]

    yield build
    for one in sites:
        one.remove()


def handed_out(fleet: FleetRun) -> set[str]:
    return {result.thing_name for result in fleet.results()}


def test_after_a_bad_canary_each_thing_runs_byte_for_byte_what_it_had(site):
    it = site()
    bad, gone, *_ = it.canary
    reachable = [name for name in it.names if name != gone]
    with it.fleet(fail=[bad], brick=[gone]) as fleet:
        run, result = it.json_of("deploy", str(it.path))

        assert run.returncode == 8, run.stderr
        assert it.has_its_own(fleet, reachable)
        assert not it.has_its_own(fleet, [gone])
        assert handed_out(fleet) == set(it.canary)
    back = {each["jobId"]: each for each in result["rollbacks"]}
    assert set(back) == {f"{it.job_id}-rb-1", f"{it.job_id}-rb-2"}
    assert sum(each["succeeded"] for each in back.values()) == CANARY - 2
    # The one that was gone is listed, and taken when it connects.
    listed = [one for each in back.values() for part in each["rounds"] for one in part["failures"]]
    assert [(one["thing"], one["status"]) for one in listed] == [(gone, "QUEUED")]
    with it.fleet([gone]) as fleet:
        wait_until(lambda: it.has_its_own(fleet, [gone]), "the rollback of the last thing")


@pytest.mark.slow
def test_after_wave_two_of_three_by_hand_with_things_in_progress_and_offline(site):
    it = site(onGateFailure="stop", requiredEndedPercentage=50, default={"abortWaitMinutes": 0})
    bad, offline, slow, *_ = it.early
    touched = [*it.canary, *it.early]
    online = [name for name in it.names if name != offline]
    with it.fleet(online, fail=[bad], slow=[slow]) as fleet:
        run, _ = it.json_of("deploy", str(it.path))
        assert run.returncode == 8, run.stderr
        dry, plan = it.json_of("rollback", it.job_id, "--dry-run")
        assert dry.returncode == 0, dry.stderr
        things = plan["things"]
        # The last may not have reported yet.
        took = {*things["it reports the new version"], *things.get("it succeeded", ())}
        assert took == set(touched) - {bad, offline, slow}
        assert things["it is in the middle of the update"] == [slow]

        asked, refusal = it.json_of("rollback", it.job_id)
        assert asked.returncode == refusal["error"]["exitCode"] == 2
        assert refusal["error"]["hint"] == "pass --yes to confirm"

        run, report = it.json_of("rollback", it.job_id, "--yes")

        assert run.returncode == 0, run.stderr
        # What was in the middle of the update was waited for; on a busy machine it reports too
        # late to be known to be there, and the rollback does not wait for it.
        wait_until(lambda: it.has_its_own(fleet, online), "the rollback of all", seconds=90)
        assert handed_out(fleet) == set(touched) - {offline}
    assert sum(each["things"] for each in report["rollbacks"]) == len(touched) - 2
    # It was never notified, so it is no thing of the rollback.
    with it.fleet([offline]) as fleet:
        assert it.has_its_own(fleet, [offline])


@pytest.mark.slow
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_deployment_that_has_not_ended_is_rejected_first(site, is_killed):
    it = site(soakMinutes=1000)
    with it.fleet() as fleet, it.running("deploy", str(it.path)) as deploying:
        deploying.wait_for(lambda _: it.soaks(), "the canary soaks")
        if is_killed:
            deploying.send(signal.SIGKILL)
            deploying.end()
        run, report = it.json_of("rollback", it.job_id, "--yes")

        assert run.returncode == 0, run.stderr
        if not is_killed:
            assert deploying.end() == 9, deploying.said
            assert "otactl rollback" in deploying.said
        assert it.has_its_own(fleet, it.names)
        assert handed_out(fleet) == set(it.canary)
    assert sum(each["succeeded"] for each in report["rollbacks"]) == CANARY


@pytest.mark.slow
def test_of_two_rollbacks_at_once_one_does_it_and_the_other_is_refused(site):
    it = site(onGateFailure="stop")
    with it.fleet(fail=it.canary[:1]) as fleet:
        assert it.json_of("deploy", str(it.path))[0].returncode == 8
        both = [it.running("rollback", it.job_id, "--yes") for _ in range(2)]
        with both[0], both[1]:
            codes = sorted(program.end() for program in both)
        if codes == [0, 2]:
            assert any("another process is at work" in program.said for program in both)
        else:
            # The second came when the first was over, and found nothing left to do.
            assert codes == [0, 0]
        assert it.has_its_own(fleet, it.names)
        taken = sorted(result.thing_name for result in fleet.results())
        assert taken == sorted([*it.canary, *it.canary[1:]])


@pytest.mark.slow
def test_a_missing_former_image_refuses_the_plan(site):
    it = site(listed=("1.0",))
    with it.fleet():
        run, problem = it.json_of("deploy", str(it.path))
    assert run.returncode == 2
    assert "no image of version 1.1, which 6 things had before" in json.dumps(problem)
    assert not [
        job for job in it.clients.iot.list_jobs()["jobs"] if job["jobId"].startswith(it.job_id)
    ]


@pytest.mark.slow
def test_a_rollback_that_fails_at_thirty_percent_stops_with_eleven(site):
    it = site(onGateFailure="stop")
    with it.fleet(fail=it.canary[:1]):
        assert it.json_of("deploy", str(it.path))[0].returncode == 8
    with it.fleet(fail=it.canary[1:3]):
        run, report = it.json_of("rollback", it.job_id, "--yes")
        assert run.returncode == 11, run.stderr
        again, _ = it.json_of("rollback", it.job_id, "--yes")
        assert again.returncode == 11
    assert report["failure"].startswith("rollback of ")


def rehearsed(folder, *arguments: str, things: int, versions: str, waves: str, **switches: bool):
    """The result of a rehearsal whose gate fails and takes the canary back."""
    path = Deployable(
        folder=folder,
        thing_names=[f"r{number}" for number in range(things)],
        bucket="waves",
        role_arn=ROLE,
        job_id="rehearsed",
        sections="[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 60\n"
        f"[IMAGE_CONFIG]\nimageVer = 2.0\n[ROLLBACK_CONFIG]\nimageList = {versions}\n{waves}"
        "requiredEndedPercentage = 100\nonGateFailure = rollback\n",
    ).write(useWaveConfig=True, useTimeoutConfig=True, cleanUpCfg=False, **switches)
    for name in ("a", "b"):
        (folder / f"{name}.bin").write_bytes(os.urandom(3000))
    run = otactl(
        *("rehearse", str(path), *arguments, "--speed", "60", "--max-wait", "6000"),
        *("--output", "json", "--state-dir", str(folder / "state")),
    )
    assert run.returncode == 8, run.stderr
    return json.loads(run.stdout)


def test_a_rehearsal_rolls_back_what_its_gate_stopped(tmp_path):
    result = rehearsed(
        tmp_path,
        *("--behave", "canary:fail=25", "--former-versions", "1.0=50,1.1=50"),
        things=12,
        versions="1.0: a.bin, 1.1: b.bin as 2.1",
        waves="[VERIFY_CONFIG]\nversionPath = version\n[WAVE_CONFIG]\nwaveList = canary:8\n",
    )

    back = result["rollbacks"]
    assert 1 <= len(back) <= 2
    assert sum(each["succeeded"] for each in back) == result["succeeded"] == 6
    # cleanUpCfg = False keeps on purpose what devices still need.
    assert result["leftovers"] == []
    assert "job/rehearsed-canary" in result["kept"]


@pytest.mark.slow
def test_what_verification_finds_decides_who_is_rolled_back(tmp_path):
    """A liar runs what it had and is not touched; what is gone is taken when it comes."""
    result = rehearsed(
        tmp_path,
        *("--behave", "canary:crashloop=10,canary:dark=10,canary:liar=10"),
        things=20,
        versions="1.0: a.bin",
        waves="[VERIFY_CONFIG]\nbootCountPath = boots\nverifyMinutes = 10\ndarkMinutes = 2\n"
        "[WAVE_CONFIG]\nwaveList = canary:10\nsoakMinutes = 10\n"
        "requiredVerifiedPercentage = 95\n",
        useVerifyConfig=True,
    )

    (back,) = result["rollbacks"]
    (counts,) = back["rounds"]
    assert (back["things"], counts["succeeded"], counts["queued"]) == (9, 8, 1)


KILLED = ("image", "stream", "wave-first/job", "wave-first/gate", "waves/end")


@pytest.mark.parametrize(
    ("key", "moment"),
    [
        pytest.param(
            key,
            moment,
            marks=() if (key, moment) == ("wave-first/job", Moment.AFTER_DO) else pytest.mark.slow,
        )
        for key in KILLED
        for moment in (Moment.BEGUN, Moment.AFTER_DO)
    ],
)
def test_killed_by_sigkill_the_next_call_goes_on(site, key, moment):
    it = site(onGateFailure="stop")
    with it.fleet(fail=it.canary[:1]) as fleet:
        assert it.json_of("deploy", str(it.path))[0].returncode == 8
        environment = local_environment(it.cloud, it.folder / "state")
        (deployment_id,) = DeploymentStore(environment.state_dir).ids()
        child = os.fork()
        if child == 0:  # pragma: no cover - ends by SIGKILL
            try:
                path = DeploymentStore(environment.state_dir).path(deployment_id)
                journal = Journal.open(path)
                killing = replace(environment, observer=Killer(key, moment))
                RollbackRun(journal, stored(journal), killing).run()
            finally:
                os._exit(99)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        assert os.WTERMSIG(status) == signal.SIGKILL

        run, _ = it.json_of("rollback", it.job_id, "--yes")

        assert run.returncode == 0, run.stderr
        assert it.has_its_own(fleet, it.names)
        taken = [result.thing_name for result in fleet.results()]
        assert sorted(taken) == sorted([*it.canary, *it.canary[1:]])

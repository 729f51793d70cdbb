"""``otactl monitor`` beside a deployment to real devices: its rounds, its devices, its script."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.program import environment, otactl
from tests.e2e.running_program import RunningProgram
from tests.support.fleet_stage import stage

from otactl.aws.event_configuration import enable_events
from otactl.device.behaviour import Behaviour
from otactl.device.profile import DeviceProfile

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def scene(cloud, clients, tmp_path, unique, firmware_bucket, stream_role_arn):
    """Three things with devices that are not started yet."""
    with stage(
        cloud,
        clients,
        tmp_path / "fleet",
        things=[f"dev-{unique}-{number}" for number in range(3)],
        group=f"group-{unique}",
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
    ) as made:
        yield made


@pytest.fixture
def deployable(scene, tmp_path, unique):
    return Deployable(
        folder=tmp_path,
        thing_names=list(scene.manifest.things),
        bucket=scene.bucket,
        role_arn=scene.role_arn,
        job_id=f"watched-{unique}",
        image_bytes=40_000,
    )


def command(cloud, tmp_path, name, *arguments):
    return RunningProgram(
        name,
        *arguments,
        *("--poll", "0.3", "--state-dir", str(tmp_path / "state")),
        env=environment(cloud),
    )


@pytest.mark.parametrize(
    ("behaviours", "code", "ended"),
    [({}, 0, {"SUCCEEDED": 3}), ({0: Behaviour.FAIL}, 1, {"SUCCEEDED": 2, "FAILED": 1})],
)
def test_it_ends_as_the_deployment_ends_whose_jobs_come_and_go(
    cloud, tmp_path, scene, deployable, behaviours, code, ended
):
    path = deployable.write(rounds=2)
    names = scene.manifest.things
    watch = ("--wait", "--until", "done", "--output", "json", "--follow", "--poll", "0.1")
    with (
        scene.fleet(behaviours={names[at]: what for at, what in behaviours.items()}),
        # It is there before the deployment, and finds its journal all the same.
        command(cloud, tmp_path, "monitor", str(path), *watch) as monitor,
    ):
        monitor.wait_for(lambda it: it.lines, "a first line")
        with command(cloud, tmp_path, "deploy", str(path), "--poll", "1") as deploy:
            assert deploy.end() == code, deploy.said
        assert monitor.end() == code, monitor.said
    last = monitor.objects[-1]
    rounds = last["rounds"]
    assert rounds["planned"] == 2
    # A round that fails is the last one.
    assert [done["round"] for done in rounds["done"]] == ([1, 2] if code == 0 else [1])
    assert all(
        {status: count for status, count in done["counts"].items() if count} == ended
        for done in rounds["done"]
    )
    assert {status: count for status, count in last["counts"].items() if count} == ended
    assert last["things"] == 3
    assert "Traceback" not in monitor.said


def test_without_a_name_it_watches_what_is_under_way(cloud, tmp_path, scene, deployable):
    path = deployable.write()
    names = scene.manifest.things
    silent = dict.fromkeys(names, Behaviour.SILENT)
    with (
        scene.fleet(behaviours=silent),
        command(cloud, tmp_path, "deploy", str(path)) as deploy,
    ):
        deploy.wait_for(lambda it: "3 in progress" in it.said, "all are at work")
        seen = otactl("monitor", "--once", "--state-dir", str(tmp_path / "state"), cloud=cloud)
        assert seen.returncode == 0, seen.stderr
        assert seen.stdout.startswith(deployable.job_id)
        assert "3 in progress" in seen.stdout
        cancelled = otactl(
            *("cancel", deployable.job_id, "--force", "--yes", "--comment", "enough"),
            *("--state-dir", str(tmp_path / "state")),
            cloud=cloud,
        )
        assert cancelled.returncode == 0, cancelled.stderr
        assert deploy.end() == 5, deploy.said
    assert "was cancelled by somebody else: enough" in deploy.said


SLOW = DeviceProfile(
    install_ms=50,
    reboot_ms=50,
    link_bytes_per_second=40_000,
    request_bytes=8192,
    requests_in_flight=1,
    progress_blocks=4,
    progress_shortest_ms=200,
)


@pytest.mark.parametrize("events", [(), ("--events",)])
def test_followed_things_show_what_they_are_doing(cloud, clients, tmp_path, scene, unique, events):
    enable_events(clients)
    busy, quiet, idle = scene.manifest.things
    image = bytes(400_000)
    scene.put_image(image, f"image-{unique}")
    behaviours = {busy: Behaviour.SLOW, quiet: Behaviour.SILENT, idle: Behaviour.REJECT}
    follow = [argument for name in (busy, quiet) for argument in ("--thing", name)]

    def busy_one(run):
        nothing = {"step": "", "status": None, "heard": ""}
        return next(iter(run.objects[-1].get("followed", ())), nothing)

    def only_quiet_is_silent(snapshot):
        silent = [each["thing"] for each in snapshot.get("silent", ())]
        # Told to a tenth of a second, so that just beyond the limit it reads as the limit.
        return silent == [quiet] and (snapshot["followed"][1]["silentSeconds"] or 0) > 2

    with command(
        cloud,
        tmp_path,
        "monitor",
        *("--job-id", f"followed-{unique}", "--wait", "--silent", "2"),
        *("--output", "json", "--follow", *follow, *events),
    ) as run:
        run.wait_for(lambda it: it.lines, "a first line")
        scene.create_job(f"followed-{unique}", image, stream=f"image-{unique}")
        with scene.fleet(behaviours=behaviours, profile=SLOW):
            run.wait_for(
                lambda it: (
                    busy_one(it)["step"] == "downloading"
                    and 0 < (busy_one(it)["receivedBlocks"] or 0) < busy_one(it)["totalBlocks"]
                ),
                "blocks of the busy one",
            )
            assert busy_one(run)["totalBlocks"] == -(-len(image) // 4096)
            if events:
                # The local cloud lets its requests be overheard; AWS would not.
                run.wait_for(lambda it: "asked for" in busy_one(it)["heard"], "its requests")
            # On a busy machine the busy one may seem silent for a moment, too.
            run.wait_for(lambda it: any(map(only_quiet_is_silent, it.objects)), "the quiet one")
            seen = next(filter(only_quiet_is_silent, run.objects))
            assert seen["silentCount"] == 1
            followed = seen["followed"][1]
            assert (followed["status"], followed["thing"]) == ("IN_PROGRESS", quiet)
            assert followed["silentSeconds"] > 2
            run.wait_for(lambda it: busy_one(it)["status"] == "SUCCEEDED", "it is done")
    clients.iot.delete_job(jobId=f"followed-{unique}", force=True)
    clients.iot.delete_stream(streamId=f"image-{unique}")


def test_the_manuals_script_watches_the_dev_ini_beside_it(cloud, tmp_path, scene, deployable):
    deployable.write()
    shutil.copy(SCRIPTS / "monitor.py", tmp_path / "monitor.py")
    fleet_context = environment(cloud) | {"OTACTL_STATE_DIR": str(tmp_path / "state")}
    with (
        scene.fleet(),
        # In one shell the script, from wherever …
        RunningProgram(
            *(str(tmp_path / "monitor.py"), "--until", "done", "--poll", "0.1"),
            command=(sys.executable,),
            env=fleet_context,
            cwd=tmp_path / "fleet",
        ) as script,
    ):
        script.wait_for(lambda it: "no such job" in it.said, "a first look")
        # … and in another one the deployment.
        with RunningProgram(
            "deploy", "dev.ini", "--poll", "1", env=fleet_context, cwd=tmp_path
        ) as deploy:
            assert deploy.end() == 0, deploy.said
        assert script.end() == 0, script.said
    assert "3 succeeded" in "".join(script.lines)

    with RunningProgram(
        str(SCRIPTS / "monitor.py"),
        command=(sys.executable,),
        env=fleet_context,
        cwd=tmp_path / "fleet",
    ) as script:
        assert script.end() == 2
    assert "dev.ini" in script.said


def test_a_thing_list_that_changes_changes_what_the_job_is_for(
    cloud, clients, tmp_path, scene, deployable
):
    """Somebody who has only the file, and not the journal, watches a job by it."""
    path = deployable.write()
    scene.put_image(b"x", deployable.job_id)
    scene.create_job(deployable.job_id, b"x", stream=deployable.job_id)
    try:
        with RunningProgram(
            *("monitor", str(path), "--output", "json", "--follow", "--poll", "0.3"),
            *("--state-dir", str(tmp_path / "another")),
            env=environment(cloud),
        ) as run:
            run.wait_for(lambda it: it.lines and it.objects[-1]["things"] == 3, "three")
            listed = (tmp_path / "things.txt").read_text()
            (tmp_path / "things.txt").write_text(
                listed + listed.splitlines()[0].rpartition("/")[0] + "/later\n"
            )
            run.wait_for(lambda it: it.objects[-1]["things"] == 4, "a fourth")
            assert run.objects[-1]["unnotified"] == 1
    finally:
        clients.iot.delete_job(jobId=deployable.job_id, force=True)
        clients.iot.delete_stream(streamId=deployable.job_id)

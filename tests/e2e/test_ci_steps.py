"""The steps of the CI files, run as they stand: Jenkins's, GitHub's, CodeBuild's.

What they run beside otactl, a virtual environment and pip, is stood in for on the PATH, because it
takes minutes; the slow test leaves that out too and runs Jenkins's step whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import yaml
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import REGION, QueueSite

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

ROOT = Path(__file__).parents[2]
DEPLOYMENT = ROOT / "deployment"
STAND_IN = """#!/bin/sh
# Stands for `python3 -m venv DIR`, and in DIR for `python -m pip install`.
[ "$1 $2" = "-m venv" ] || exit 64
mkdir -p "$3/bin"
printf '#!/bin/sh\\n[ "$1 $2 $3" = "-m pip install" ] || exit 64\\n' > "$3/bin/python"
chmod +x "$3/bin/python"
ln -sf '{otactl}' "$3/bin/otactl"
"""


def _jenkins() -> str:
    tree = ET.parse(DEPLOYMENT / "jenkinsConfig.xml")  # noqa: S314  # our own file
    return tree.findtext(".//hudson.tasks.Shell/command") or ""


def _pipeline() -> str:
    match = re.search(r"sh '''(.*?)'''", (DEPLOYMENT / "Jenkinsfile").read_text(), re.DOTALL)
    assert match is not None
    return match[1]


def _github() -> str:
    workflow = yaml.safe_load((DEPLOYMENT / "github-actions.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["deploy"]["steps"] if "run" in step]
    return "#!/bin/bash -e\n" + steps[-1]


def _gate() -> str:
    """The step of a pull request that shows what its files would create."""
    workflow = yaml.safe_load((DEPLOYMENT / "github-actions.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["plan"]["steps"] if "run" in step]
    return "#!/bin/bash -e\n" + steps[-1]


def _codebuild() -> str:
    spec = yaml.safe_load((DEPLOYMENT / "buildspec.yml").read_text())
    return "#!/bin/bash -e\n" + "\n".join(spec["phases"]["build"]["commands"])


STEPS = {"jenkins": _jenkins, "pipeline": _pipeline, "github": _github, "codebuild": _codebuild}


@pytest.fixture
def site(cloud: RunningCloud, clients: AwsClients, unique: str, tmp_path: Path) -> QueueSite:
    return QueueSite(cloud, clients, unique, tmp_path, things=1)


def run_step(
    site: QueueSite, script: str, *, table: str, region: str = REGION, stands_in: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a step as Jenkins does: written to a file, started by its first line."""
    workspace = site.folder / "workspace"
    programs = site.folder / "programs"
    workspace.mkdir(exist_ok=True)
    programs.mkdir(exist_ok=True)
    otactl = Path(sys.executable).with_name("otactl")
    # A CI machine has otactl on its PATH: this Python's own.
    path = f"{otactl.parent}:{os.environ['PATH']}"
    if stands_in:
        stand_in = programs / "python3"
        stand_in.write_text(STAND_IN.format(otactl=otactl))
        stand_in.chmod(0o755)
        path = f"{programs}:{path}"
    step = site.folder / "step.sh"
    step.write_text(script)
    step.chmod(0o755)
    return subprocess.run(
        [str(step)],
        check=False,
        capture_output=True,
        text=True,
        timeout=900,
        cwd=workspace,
        env=site.environment
        | {"PATH": path, "TABLE": table, "REGION": region, "AWS_REGION": REGION}
        | {"OTACTL_STATE_DIR": str(site.folder / "state")},
    )


@pytest.mark.parametrize("step", STEPS)
def test_a_step_deploys_one_request_and_leaves_its_report(
    site: QueueSite, clients: AwsClients, step: str
) -> None:
    (job_id,) = site.add(site.things)
    stale = site.folder / "workspace" / "reports"
    if step in ("jenkins", "pipeline"):  # the others begin with an empty workspace
        stale.mkdir(parents=True)
        (stale / "of-the-last-build.json").write_text("{}")

    with AnsweringDevices(clients):
        ended = run_step(site, STEPS[step](), table=site.table_name)

    assert ended.returncode == 0, ended.stderr
    assert site.states() == {job_id: "Deployed"}
    (report,) = (site.folder / "workspace" / "reports").glob("*.json")
    assert json.loads(report.read_text())["request"]["jobId"] == job_id


def test_a_queue_s_run_writes_one_report_and_one_junit_file(
    site: QueueSite, clients: AwsClients
) -> None:
    (job_id,) = site.add(site.things)
    report, junit = site.folder / "run.json", site.folder / "run.xml"

    with AnsweringDevices(clients, answer=lambda *_: "FAILED"):
        ended = site.work("--once", "--report", str(report), "--junit", str(junit))

    assert ended.returncode == 1
    (request,) = json.loads(report.read_text())["requests"]
    assert request["request"]["jobId"] == job_id
    suites = ET.parse(junit).getroot()  # noqa: S314  # our own file
    assert int(suites.get("failures", "0")) == 1 + len(site.things)


def test_a_deployment_that_fails_fails_the_build(site: QueueSite, clients: AwsClients) -> None:
    site.add(site.things)

    with AnsweringDevices(clients, answer=lambda *_: "FAILED"):
        ended = run_step(site, _jenkins(), table=site.table_name)

    assert ended.returncode == 1
    assert list((site.folder / "workspace" / "reports").glob("*.json"))


@pytest.mark.parametrize(
    "typed",
    [
        "x; touch escaped",
        "$(touch escaped)",
        "`touch escaped`",
        '"; touch escaped; "',
        "'; touch escaped; '",
        "a\ntouch escaped",
        "--help",
        "* .",
        "",
    ],
)
@pytest.mark.parametrize("parameter", ["TABLE", "REGION"])
def test_whatever_is_typed_into_a_parameter_stays_a_word(
    site: QueueSite, typed: str, parameter: str
) -> None:
    values = {"TABLE": site.table_name, "REGION": REGION} | {parameter: typed}

    ended = run_step(site, _jenkins(), table=values["TABLE"], region=values["REGION"])

    assert not list(site.folder.rglob("escaped"))
    assert ended.returncode in (2, 3), ended.stdout + ended.stderr
    assert "error" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_gate_of_a_pull_request_plans_every_file_and_deploys_none(
    site: QueueSite, clients: AwsClients
) -> None:
    workspace = site.folder / "workspace"
    workspace.mkdir()
    for name, folder in (("dev.ini", "."), ("dev_20261201.ini", "-nested/deeper")):
        path = site.write_deployment(site.things, name, jobId=f"{site.table_name}-{name[:-4]}")
        (workspace / folder).mkdir(parents=True, exist_ok=True)
        for file in (path, site.folder / f"{name}-things.txt", site.image):
            shutil.copy(file, workspace / folder)

    ended = run_step(site, _gate(), table=site.table_name)

    assert ended.returncode == 0, ended.stderr
    plans = [json.loads(path.read_text()) for path in sorted(workspace.glob("plans/**/*.json"))]
    assert [plan["jobId"] for plan in plans] == [
        f"{site.table_name}-dev_20261201",
        f"{site.table_name}-dev",
    ]
    assert clients.s3.list_objects_v2(Bucket=site.bucket).get("KeyCount") == 0
    assert not [
        job["jobId"]
        for job in clients.iot.list_jobs()["jobs"]
        if job["jobId"].startswith(site.table_name)
    ]

    (workspace / "dev.ini").write_text("[DEFAULT]\nrounds = many\n")
    refused = run_step(site, _gate(), table=site.table_name)
    assert refused.returncode == 2
    assert "rounds: error" in refused.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_jenkins_s_step_runs_whole_with_a_wheel(site: QueueSite, clients: AwsClients) -> None:
    (job_id,) = site.add(site.things)
    workspace = site.folder / "workspace"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(site.folder), "."],
        check=True,
        cwd=ROOT,
    )
    (wheel,) = site.folder.glob("*.whl")
    site.environment["OTACTL_PACKAGE"] = str(wheel)

    with AnsweringDevices(clients):
        ended = run_step(site, _jenkins(), table=site.table_name, stands_in=False)

    assert ended.returncode == 0, ended.stderr
    assert site.states() == {job_id: "Deployed"}
    assert (workspace / ".otactl" / "bin" / "otactl").is_file()
    assert sys.prefix not in (workspace / ".otactl" / "bin" / "otactl").read_text()

"""The commands of README and docs, run as they stand from an installed wheel, outside the checkout.

Each page is one bash session in a folder that has what `otactl example copy` brings. A command that
cannot run here is named below with the reason; one that is neither there nor succeeds fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.processes import processes_mentioning
from tests.support.answering_devices import AnsweringDevices
from tests.support.page_session import run_session
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

pytest.importorskip("hatchling", reason="needs hatchling, which builds the wheel")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
#: Commands that do not run here, by how they begin, and why.
NOT_RUN = {
    "make ": "works in a checkout; CI runs `make test`",
    "pip install ": "the fixture installs, from the wheel",
    "python3 -m venv": "the same",
    "source ": "the venv of the fixture is first in PATH",
    "otactl init": "asks at a terminal; tests/e2e/test_init.py",
    "otactl deploy dev.ini --plan": "needs the plan of another moment; tests/e2e/test_refusals.py",
    "otactl local up    ": "stays in the foreground; tests/e2e/test_local.py",
    "otactl fleet run": "waits for somebody's job; tests/e2e/test_fleet.py",
    "otactl local down": "stops the cloud that the other commands use; tests/e2e/test_local.py",
    "otactl monitor dev.ini --web": "serves until Ctrl-C; tests/e2e/test_monitor_page.py",
    "otactl retry-failed": "nothing failed; tests/e2e/test_retry_failed.py",
    "otactl cancel JOB": "the job has ended; tests/e2e/test_cancel.py",
    "otactl approve": "needs a gate that asks; tests/e2e/test_waves.py",
    "otactl reject": "needs waves under way; tests/e2e/test_waves.py",
    "otactl pause": "needs waves under way; tests/e2e/test_waves.py",
    "otactl continue": "needs waves under way; tests/e2e/test_waves.py",
    "otactl rollback": "needs former versions; tests/e2e/test_rollback.py",
    "otactl queue approve": "needs a gate that asks; tests/e2e/test_queue_waves.py",
    "otactl queue reject": "needs waves under way; tests/e2e/test_queue_waves.py",
    "otactl queue pause": "needs waves under way; tests/e2e/test_queue_waves.py",
    "otactl queue continue": "needs waves under way; tests/e2e/test_queue_waves.py",
    "otactl stack deploy": "asks at a terminal; tests/e2e/test_stack.py",
    "otactl stack test": "needs the stack; tests/e2e/test_stack.py",
    "otactl stack outputs": "needs the stack; tests/e2e/test_stack.py",
    "otactl stack delete": "asks at a terminal; tests/e2e/test_stack.py",
}
#: Commands whose exit code says something else than success, as the page tells.
CODES = {
    "otactl rehearse dev.ini --things 100 --behave": {1, 4},
    "otactl rehearse FILE": {1, 4},
    "otactl rehearse examples/waves.ini": {4, 8},
    "otactl rehearse examples/verify.ini": {8},
    "otactl rehearse dev.ini --things 200 --speed 60 --approve": {0},
    "otactl lint": {0, 1},
    "otactl stack status": {1},
}
#: Makes the deployment of dev.ini one round, whose job stays.
KEEPS_ITS_JOB = "sed -i 's/^cleanUpCfg .*/cleanUpCfg = False/; s/^rounds .*/rounds = 1/' dev.ini"
_FENCE = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:otactl|make|pip|python3?|aws|git|source|eval) ")


def commands_of(page: str) -> list[str]:
    """The lines of a page that are typed, as they stand."""
    text = (ROOT / page).read_text("utf-8")
    lines = [line for block in _FENCE.findall(text) for line in joined(block).splitlines()]
    lines += [line.strip() for line in text.splitlines() if line.startswith("    otactl ")]
    # An indented name is part of a drawing.
    return [line for line in lines if _COMMAND.match(line)]


def joined(block: str) -> str:
    return re.sub(r"\\\n\s*", "", block)


def typed(line: str) -> str:
    """What a user types of a line: what stands behind two blanks or a # is said about it."""
    return re.split(r"\s{2,}(?![^']*'$)|\s+#", line)[0]


def begins(line: str, table: dict) -> str | None:
    found = [start for start in table if line.startswith(start.strip()) and line.startswith(start)]
    return max(found, key=len, default=None)


def runnable(page: str) -> list[str]:
    """The commands of a page that run; a rehearsal, which needs no other command, on one page."""
    earlier = {line for other in PAGES[: PAGES.index(page)] for line in commands_of(other)}
    return [
        line
        for line in commands_of(page)
        if begins(line, NOT_RUN) is None
        and not (line in earlier and line.startswith("otactl rehearse"))
    ]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The programs of a virtual environment with the wheel; what it depends on comes from ours."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(folder), str(ROOT)]
    subprocess.run(wheel, check=True)
    (made,) = folder.glob("*.whl")
    home = folder / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    target = ["--python", str(python), "install", "--no-index", "--no-deps", "-q", str(made)]
    subprocess.run([*pip, *target], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    where = "import otactl; print(otactl.__path__[0])"
    ran = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True, cwd="/")
    assert ran.stdout.startswith(str(home)), "the wheel's otactl, not the checkout's"
    return home / "bin"


@pytest.fixture
def account(start_cloud) -> tuple[RunningCloud, AwsClients]:
    """An account of its own, with what examples/dev.ini names."""
    from tests.conftest import make_reader_role  # noqa: PLC0415

    from otactl.aws.clients import AwsClients, AwsSettings  # noqa: PLC0415

    cloud = start_cloud()
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    ini = (ROOT / "examples" / "dev.ini").read_text("utf-8")
    bucket = re.search(r"(?m)^bucket = (.*)", ini)[1]
    clients.s3.create_bucket(Bucket=bucket)
    make_reader_role(clients, re.search(r"(?m)^roleArn = .*role/(.*)", ini)[1], bucket)
    for name in re.findall(r"thing/(\S+)", (ROOT / "examples" / "thingsList.txt").read_text()):
        clients.iot.create_thing(thingName=name)
    return cloud, clients


@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)])
def test_the_commands_of_a_page_run(page: str, installed: Path, account, tmp_path: Path) -> None:
    cloud, clients = account
    env = {
        "PATH": f"{installed}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin",
        "HOME": str(tmp_path),
        "OTACTL_STATE_DIR": str(tmp_path / "state"),
        **cloud.address.environment(),
    }
    work = tmp_path / "work"
    work.mkdir()
    for folder in (".", "examples"):
        names = "$(otactl example list | sed 's,/.*,,' | sort -u)"
        copy = f"otactl example copy {names} --to {folder} --force"
        subprocess.run(["bash", "-c", copy], env=env, cwd=work, check=True, capture_output=True)
    lines = [(line, typed(line).replace("FILE", "dev.ini")) for line in runnable(page)]
    shutil.copy(work / "dev.ini", work / "other.ini")
    shutil.copy(work / "profiles" / "field.toml", work / "fleet.toml")
    if any(re.search(r" JOB$|report\.json", command) for _, command in lines):
        # What the page speaks of: a deployment that was, whose job is still there.
        lines.insert(0, ("", KEEPS_ITS_JOB))
        lines.insert(1, ("", "otactl deploy dev.ini --yes --report report.json"))
    job_id = re.search(r"(?m)^jobId = (.*)", (work / "dev.ini").read_text())[1]
    script = "\n".join(
        f'{re.sub(" JOB$", f" {job_id}", command)}\necho "= $?" >&3' for _, command in lines
    )
    with (tmp_path / "codes").open("w") as codes, AnsweringDevices(clients):
        ran = run_session(f"exec 3>{codes.name}\n{script}", env=env, cwd=work, timeout=900)
    ended = re.findall(r"= (\d+)", (tmp_path / "codes").read_text())
    assert len(ended) == len(lines), ran.stderr[-2000:]
    wrong = {
        command: code
        for (line, command), code in zip(lines, ended, strict=True)
        if int(code) not in CODES.get(begins(line, CODES) or "", {0})
    }
    assert wrong == {}, (ran.stdout + ran.stderr)[-6000:]
    assert "Traceback" not in ran.stderr


def test_what_a_page_started_ends_with_the_test_also_when_that_is_killed(tmp_path: Path) -> None:
    mark = f"OTACTL_MARK={tmp_path}"
    starts = (
        "import os, pathlib; from tests.support.page_session import run_session; "
        "run_session('sleep 600 & wait', env=dict(os.environ), cwd=pathlib.Path('.'), timeout=99)"
    )
    env = os.environ | {"OTACTL_MARK": str(tmp_path), "OTACTL_STATE_DIR": str(tmp_path)}
    test = subprocess.Popen([sys.executable, "-c", starts], env=env, cwd=ROOT)
    try:
        wait_until(
            lambda: any(each.startswith("sleep 600") for each in processes_mentioning(mark)),
            "the session",
        )
    finally:
        test.kill()
        test.wait()
    wait_until(lambda: not processes_mentioning(mark), "the end of all of them")


def test_every_reason_is_needed() -> None:
    lines = [line for page in PAGES for line in commands_of(page)]
    assert [start for start in NOT_RUN if not any(line.startswith(start) for line in lines)] == []

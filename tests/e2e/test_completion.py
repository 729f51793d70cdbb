"""What bash offers behind `otactl`, by bash itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tests.support.plan import a_plan_with

from otactl.cli.completion import deployments
from otactl.cli.main import app
from otactl.deploy.journal import Journal
from otactl.deploy.store import DeploymentStore

ID = "20270301T140000Z-1a2b3c"
#: Loads the completion as `--install-completion` does, and completes one line as Tab does.
SCRIPT = """
eval "$(otactl --show-completion bash)"
COMP_WORDS=($LINE)
[ "${LINE% }" = "$LINE" ] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_otactl_completion otactl
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A place with one deployment, and ``otactl`` as a user has it."""
    folder = tmp_path_factory.mktemp("completion")
    store = DeploymentStore(folder / "state")
    path = store.path(ID)
    path.parent.mkdir(parents=True)
    plan = a_plan_with(deployment_id=ID, job_id="pump-7")
    Journal.create(path, plan, now_ms=0, about={}).close()
    program = folder / "bin" / "otactl"
    program.parent.mkdir()
    start = "from otactl.__main__ import start; start()"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}" "$@"\n')
    program.chmod(0o755)
    return folder


def completed(folder: Path, line: str) -> list[str]:
    env = {
        "PATH": f"{folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "HOME": str(folder),
        "OTACTL_STATE_DIR": str(folder / "state"),
        "LINE": line,
    }
    ran = subprocess.run(
        ["bash", "--norc", "-c", SCRIPT], env=env, capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    return ran.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("otactl dep", ["deploy"]),
        ("otactl queue re", ["reject", "retry"]),
        ("otactl deploy --jun", ["--junit"]),
        ("otactl deploy dev.ini --output ", ["text", "json"]),
        ("otactl clean ", ["pump-7", ID]),
        ("otactl resume 2027", [ID]),
        ("otactl approve pu", ["pump-7"]),
        ("otactl cancel pu", ["pump-7"]),
        ("otactl report 2027", [ID]),
        ("otactl retry-failed pu", ["pump-7"]),
        ("otactl monitor --job-id pu", ["pump-7"]),
        ("otactl config explain DEFAULT.roun", ["DEFAULT.rounds"]),
        ("otactl config explain roun", ["rounds"]),
        ("otactl rehearse dev.ini --behave fail=5,si", ["fail=5,silent="]),
        ("otactl fleet run --behave cor", ["corrupt="]),
        ("otactl lint --explain OTA10", ["OTA101", "OTA102", "OTA103", "OTA104"]),
        ("otactl example copy profiles/fi", ["profiles/field.toml"]),
    ],
)
def test_bash_offers(folder: Path, line: str, offered: list[str]) -> None:
    assert completed(folder, line)[: len(offered)] == offered


def test_a_word_that_nothing_begins_with_offers_nothing(folder: Path) -> None:
    assert completed(folder, "otactl clean nosuch") == []


def test_the_lowest_typer_hands_over_the_directory_as_it_was_typed(folder: Path) -> None:
    command = typer.main.get_command(app)
    with command.make_context("otactl", [], resilient_parsing=True) as context:
        context.params["state_dir"] = str(folder / "state")
        assert deployments(context, "20") == [ID]

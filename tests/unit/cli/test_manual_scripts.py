"""The manual's Python scripts say the same to otactl as their user said to them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"


def translate(script: str, *arguments: object) -> list[str]:
    return runpy.run_path(str(SCRIPTS / script))["translate"](*arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dev.ini").touch()
    return tmp_path


def test_the_monitor_waits_for_the_job_of_a_scheduler_that_starts_later(folder: Path) -> None:
    file = str(folder / "dev.ini")

    assert translate("monitor.py", [folder], []) == ["monitor", file, "--wait"]
    assert translate("monitor.py", [folder], ["--web"]) == ["monitor", file, "--wait", "--web"]


def test_hints_that_name_an_option_can_be_followed_with_the_scheduler(folder: Path) -> None:
    file = str(folder / "dev.ini")

    assert translate("jobs_scheduler.py", [folder], ["--yes"]) == [
        *("deploy", file, "--no-ask", "--yes")
    ]
    (folder / ".otactl-request.json").touch()
    assert translate("jobs_scheduler.py", [folder], ["--poll", "9"]) == [
        *("queue", "run", "--fetched", str(folder), "--poll", "9")
    ]


@pytest.mark.parametrize(
    ("script", "arguments", "command"),
    [
        ("fetch_job_schedule.py", ["-tb", "t"], "queue fetch --claim --into . --table t"),
        (
            "add_job_schedule.py",
            *(["-m", "submit", "-f", "f", "--table", "t", "-b", "b", "-d", "d", "-l", "l"],),
            "queue add d --image f --thing-list l --table t --bucket b",
        ),
    ],
)
def test_hints_that_name_an_option_can_be_followed_with_the_queue(
    script: str, arguments: list[str], command: str
) -> None:
    given = [*arguments, "-r", "eu-west-1", "--profile", "ci"]

    assert translate(script, given) == [
        *command.split(),
        *("--region", "eu-west-1", "--profile", "ci"),
    ]


def test_without_a_dev_ini_otactl_says_what_is_missing(tmp_path: Path) -> None:
    assert translate("jobs_scheduler.py", [tmp_path], []) == ["deploy", "dev.ini", "--no-ask"]
    assert translate("monitor.py", [tmp_path], []) == ["monitor", "dev.ini", "--wait"]

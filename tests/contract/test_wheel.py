"""What a user of the wheel gets: no checkout, and all that the documentation speaks of."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="needs hatchling, which builds the wheel")

ROOT = Path(__file__).parents[2]
PROJECT = "https://git.example.org/team/otactl"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run(
        [*pip, "-w", str(folder), str(ROOT)],
        check=True,
        env=os.environ | {"OTACTL_PROJECT_URL": PROJECT},
    )
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory) -> Path:
    """A folder that has the wheel's content, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def otactl(installed: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the wheel's otactl, whose code comes before the checkout's."""
    return subprocess.run(
        [sys.executable, "-m", "otactl", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(installed), "COLUMNS": "100"},
    )


def test_the_wheel_has_every_example_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    listed = otactl(installed, "example", "list", cwd=tmp_path).stdout.split()
    tracked = subprocess.run(
        ["git", "ls-files", "examples", "deployment", "templates", "scripts"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout.split()
    wanted = {
        name.removeprefix("examples/") for name in tracked if not name.startswith("scripts/dev/")
    }
    assert set(listed) == wanted


def test_an_example_is_copied_and_is_valid(installed: Path, tmp_path: Path) -> None:
    names = ("dev.ini", "test.bin", "firmware.bin", "thingsList.txt", "profiles")
    copied = otactl(installed, "example", "copy", *names, "--to", "mine", cwd=tmp_path)
    assert copied.returncode == 0, copied.stderr
    assert (tmp_path / "mine" / "profiles" / "field.toml").is_file()

    valid = otactl(installed, "validate", "mine/dev.ini", cwd=tmp_path)
    assert valid.returncode == 0, valid.stdout
    again = otactl(installed, "example", "copy", "dev.ini", "--to", "mine", cwd=tmp_path)
    assert again.returncode == 2
    assert "mine/dev.ini exists" in again.stderr
    none = otactl(installed, "example", "copy", "nothing.ini", cwd=tmp_path)
    assert none.returncode == 2
    assert "otactl example list" in none.stderr


def test_a_finding_leads_to_words_that_the_wheel_has(installed: Path, tmp_path: Path) -> None:
    assert otactl(installed, "example", "copy", "lint/bad", cwd=tmp_path).returncode == 0
    options = ("--things", "1000", "--image-bytes", "1000000")
    found = otactl(installed, "lint", "bad/OTA102.ini", *options, cwd=tmp_path)
    command = re.search(r"see `otactl ([^`]*)`", found.stdout)
    assert command is not None

    explained = otactl(installed, *command[1].split(), cwd=tmp_path)
    assert explained.returncode == 0
    assert explained.stdout.startswith("OTA102: an abort criterion that a healthy fleet trips\n")
    assert "first passage" in explained.stdout
    assert "OTA103" not in explained.stdout


def test_the_index_is_told_where_the_project_lies_and_no_link_is_broken(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info/METADATA")
    text = metadata.read_text("utf-8")
    for name in ("Source", "Documentation", "Changelog"):
        assert f"Project-URL: {name}, {PROJECT}" in text
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert links
    assert all(link.startswith(f"{PROJECT}/") for link in links)
    for link in links:
        assert (ROOT / link.split("/main/", maxsplit=1)[1]).exists(), link


@pytest.mark.parametrize("script", ["runpy.run_module('otactl', run_name='__main__')"])
def test_windows_gets_a_sentence(script: str) -> None:
    """What Windows lacks cannot be imported, so it is said before anything is."""
    lacks = "sys.platform = 'win32'; sys.modules['fcntl'] = sys.modules['termios'] = None"
    ran = subprocess.run(
        [sys.executable, "-c", f"import runpy, sys; {lacks}; {script}"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "use WSL" in ran.stderr
    assert "Traceback" not in ran.stderr

"""``otactl monitor --wait`` before a rehearsal: neither an account nor a file is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.e2e.running_program import RunningProgram

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("manual.ini", "thingsList.txt", "test.bin"):
        (tmp_path / name).write_bytes((EXAMPLES / name).read_bytes())
    return tmp_path


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody without AWS credentials."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "HOME": str(tmp_path),
        "OTACTL_STATE_DIR": str(tmp_path / "state"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def watching(folder: Path, bare: dict[str, str], *named: str) -> RunningProgram:
    arguments = ("--wait", "--until", "done", "--output", "json", "--follow")
    return RunningProgram("monitor", *named, *arguments, env=bare, cwd=folder)


def rehearse(folder: Path, bare: dict[str, str]) -> None:
    arguments = ("rehearse", "manual.ini", "--rounds", "1")
    with RunningProgram(*arguments, env=bare, cwd=folder) as rehearsal:
        assert rehearsal.end() == 0, rehearsal.said


def has_watched(run: RunningProgram) -> None:
    assert run.end() == 0, run.said
    assert run.objects[-1]["counts"]["SUCCEEDED"] == 5
    assert "Traceback" not in run.said


def test_it_waits_for_a_rehearsal_without_credentials_and_without_a_file(
    folder: Path, bare: dict[str, str]
) -> None:
    with watching(folder, bare, "manual.ini") as named, watching(folder, bare) as nameless:
        named.wait_for(lambda it: "Unable to locate credentials" in "".join(it.lines), "a try")
        nameless.wait_for(lambda it: "waiting for one" in it.said, "that it waits")

        rehearse(folder, bare)

        has_watched(named)
        has_watched(nameless)

    # Now there is a journal that tells of a cloud that is gone.
    with watching(folder, bare, "manual.ini") as named:
        named.wait_for(lambda it: "Unable to locate credentials" in "".join(it.lines), "a try")

        rehearse(folder, bare)

        has_watched(named)

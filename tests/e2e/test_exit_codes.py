"""One mistake, one exit code, whatever the command: as docs/reference/exit-codes.md has it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pytest
from typer.testing import CliRunner

from otactl.cli.main import app

if TYPE_CHECKING:
    from otactl.cloud import RunningCloud

ROOT = Path(__file__).parents[2]
REQUEST = "jobId_20200101-000000"
#: Commands that call AWS, each far enough that it does when nothing is wrong.
AWS = (
    ("plan", "dev.ini"),
    ("deploy", "dev.ini", "--yes"),
    ("retry-failed", "some-job"),
    ("cancel", "some-job"),  # not there: said before anybody is asked
    ("doctor", "dev.ini"),
    ("things", "--group", "some-group"),
    ("monitor", "--job-id", "some-job"),
    ("cancel", "some-job", "--yes"),
    ("report", "some-job"),
    ("stack", "deploy", "--yes"),
    ("stack", "status"),
    ("stack", "outputs"),
    ("stack", "test"),
    ("stack", "delete", "--yes"),
    ("queue", "init"),
    ("queue", "add", "dev.ini"),
    ("queue", "list"),
    ("queue", "show", REQUEST),
    ("queue", "run", "--once"),
    ("queue", "fetch"),
    ("queue", "cancel", REQUEST),
    ("queue", "retry", REQUEST),
    ("fleet", "create", "--group", "some-group", "--things", "1"),
)
QUEUE = tuple(each for each in AWS if each[0] == "queue" and each[1] != "init")
JOBS = tuple(each for each in AWS if "some-job" in each)
DEPLOYMENTS = tuple(
    (name, "some-job")
    for name in ("resume", "clean", "rollback", "approve", "reject", "pause", "continue")
)
STACKS = tuple(("stack", name) for name in ("outputs", "test", "delete"))
FILES = tuple(
    (*name.split(), "dev.ini")
    for name in (
        *("validate", "lint", "iam", "plan", "deploy", "forecast", "rehearse", "doctor"),
        *("queue add", "monitor"),
    )
)


class Mistake(NamedTuple):
    """Something that is wrong for many commands.

    Attributes:
        row: The row of docs/reference/exit-codes.md.
        code: What every command exits with.
        words: What every command says.
        commands: The commands that meet it.
        env: What differs from a shell that uses the local cloud; None unsets.
        files: What to write over the deployment's files; None removes one.
    """

    row: str
    code: int
    words: str
    commands: tuple[tuple[str, ...], ...]
    env: Mapping[str, str | None] = MappingProxyType({})
    files: Mapping[str, str | None] = MappingProxyType({})


NO_KEYS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
MISTAKES = (
    Mistake("no credentials", 2, "Unable to locate credentials", AWS, NO_KEYS),
    Mistake("a profile that does not exist", 2, "profile", AWS, {"AWS_PROFILE": "nope"}),
    Mistake(
        "credentials that AWS refuses",
        3,
        "AWS does not know these credentials",
        AWS,
        {"AWS_ACCESS_KEY_ID": "AKIAXXXXXXXXXXXXXXXX"},
    ),
    Mistake("an unknown job", 2, "there is no job some-job", JOBS),
    Mistake("an unknown deployment", 2, "`otactl history` lists them", DEPLOYMENTS),
    Mistake(
        "an unknown thing group",
        2,
        "aws iot list-thing-groups",
        (("things", "--group", "some-group"), ("plan", "dev.ini"), ("deploy", "dev.ini", "--yes")),
        files={"thingsList.txt": "arn:aws:iot:us-east-1:123456789012:thinggroup/some-group\n"},
    ),
    Mistake("no table of the queue", 2, "or create it with `otactl queue init`", QUEUE),
    Mistake("an unknown stack", 2, "there is no stack", STACKS),
    Mistake("a file that does not exist", 2, "dev.ini", FILES, files={"dev.ini": None}),
    Mistake("a file that is broken", 2, "dev.ini:1", FILES, files={"dev.ini": "x = 1\n"}),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.row)
def test_every_command_answers_a_mistake_alike(
    mistake: Mistake,
    cloud: RunningCloud,
    firmware_bucket: str,
    stream_role_arn: str,
    tmp_path: Path,
    monkeypatch,
) -> None:
    for name in ("dev.ini", "firmware.bin", "test.bin", "thingsList.txt"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    ini = (tmp_path / "dev.ini").read_text("utf-8")
    ini = re.sub("(?m)^bucket = .*", f"bucket = {firmware_bucket}", ini)
    ini = re.sub("(?m)^roleArn = .*", f"roleArn = {stream_role_arn}", ini, count=1)
    (tmp_path / "dev.ini").write_text(ini)
    for name, text in mistake.files.items():
        if text is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    quiet = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    state = {"OTACTL_STATE_DIR": str(tmp_path / "state"), "OTACTL_QUEUE_TABLE": "nothing"}
    inherited = dict.fromkeys(name for name in os.environ if name.startswith(("AWS_", "OTACTL_")))
    env = inherited | cloud.address.environment() | quiet | state | mistake.env

    for arguments in mistake.commands:
        ended = CliRunner().invoke(app, list(arguments), env=env)
        typed = f"otactl {' '.join(arguments)}: {ended.output}"
        assert ended.exit_code == mistake.code, typed
        assert mistake.words in " ".join(ended.output.split()), typed
        assert "Traceback" not in ended.output


def test_the_documentation_has_every_row() -> None:
    page = (ROOT / "docs" / "reference" / "exit-codes.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| ([^|]+?) \| (\d+) \|", page, re.MULTILINE))

    assert {mistake.row: str(mistake.code) for mistake in MISTAKES}.items() <= rows.items()

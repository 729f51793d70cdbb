"""Each command with ``--output json``, when something is wrong: one object on standard output."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scripts.dev.json_outputs import OUTPUTS
from tests.support.output_schema import check_output
from typer.testing import CliRunner

from otactl.cli.main import app

if TYPE_CHECKING:
    from otactl.cloud import RunningCloud

REQUEST = "jobId_20200101-000000"
NO_DEPLOYMENT, NO_TABLE = "`otactl history` lists them", "or create it with `otactl queue init`"
#: What is typed behind each command, and words of the message or its hint.
MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "approve": (("some-job",), NO_DEPLOYMENT),
    "cancel": (("some-job",), "there is no job some-job"),
    "clean": (("some-job",), NO_DEPLOYMENT),
    "config explain": (("binNam",), "binName"),
    "continue": (("some-job",), NO_DEPLOYMENT),
    "deploy": (("nowhere.ini",), "nowhere.ini"),
    "doctor": (("nowhere.ini",), "nowhere.ini"),
    "fleet create": (("--things", "1", "--group", "no group"), "group"),
    "fleet list": ((), "otactl fleet create"),
    "fleet run": ((), "otactl fleet create"),
    "forecast": (("nowhere.ini",), "nowhere.ini"),
    "history": (("--limit", "many"), "--limit"),
    "lint": (("nowhere.ini",), "nowhere.ini"),
    "local env": ((), "otactl local up"),
    "local status": (("--nonsense",), "--nonsense"),
    "local up": (("--speed", "0"), "--speed"),
    "monitor": (("--job-id", "some-job"), "there is no job some-job"),
    "pause": (("some-job",), NO_DEPLOYMENT),
    "plan": (("nowhere.ini",), "nowhere.ini"),
    "profile from-report": (("nowhere.json",), "nowhere.json"),
    "queue add": (("nowhere.ini",), "nowhere.ini"),
    "queue approve": ((REQUEST,), NO_TABLE),
    "queue cancel": ((REQUEST,), NO_TABLE),
    "queue continue": ((REQUEST,), NO_TABLE),
    "queue create": ((), "is not a terminal"),
    "queue fetch": ((), NO_TABLE),
    "queue init": (("--table", "?"), "?"),
    "queue list": ((), NO_TABLE),
    "queue pause": ((REQUEST,), NO_TABLE),
    "queue reject": ((REQUEST,), NO_TABLE),
    "queue retry": ((REQUEST,), NO_TABLE),
    "queue run": (("--once",), NO_TABLE),
    "queue show": ((REQUEST,), NO_TABLE),
    "rehearse": (("nowhere.ini",), "nowhere.ini"),
    "reject": (("some-job",), NO_DEPLOYMENT),
    "report": (("some-job",), "there is no job some-job"),
    "resume": (("some-job",), NO_DEPLOYMENT),
    "retry-failed": (("some-job",), "there is no job some-job"),
    "rollback": (("some-job",), NO_DEPLOYMENT),
    "stack delete": ((), "there is no stack"),
    "stack deploy": ((), "pass --yes to confirm"),
    "stack outputs": ((), "there is no stack"),
    "stack status": (("--nonsense",), "--nonsense"),
    "stack template": (("--nonsense",), "--nonsense"),
    "stack test": ((), "there is no stack"),
    "validate": ((), "FILE"),
}


def test_every_command_has_its_mistake() -> None:
    assert set(MISTAKES) == set(OUTPUTS)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_an_object(
    name: str, cloud: RunningCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inherited = dict.fromkeys(each for each in os.environ if each.startswith(("AWS_", "OTACTL_")))
    state = {"OTACTL_STATE_DIR": str(tmp_path / "state"), "OTACTL_QUEUE_TABLE": "nothing"}
    env = inherited | cloud.address.environment() | {"HOME": str(tmp_path)} | state
    more, words = MISTAKES[name]
    arguments = [*name.split(), *more, "--output", "json"]

    ended = CliRunner().invoke(app, arguments, env=env)

    check_output(arguments, ended.stdout)
    written = json.loads(ended.stdout)
    assert "error" in written, written
    error = written["error"]
    assert ended.exit_code == error["exitCode"] == 2
    assert words in json.dumps(written)
    assert "Traceback" not in ended.output

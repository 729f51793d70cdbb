"""An option that would be ignored is refused, before anything is asked or written."""

from __future__ import annotations

import json

import pytest
from tests.support.dev_ini import dev_ini
from typer.testing import CliRunner

from otactl.cli.main import app
from otactl.operations.queue.fetch import CLAIM_NAME


@pytest.fixture
def file(tmp_path):
    (tmp_path / "test.bin").write_bytes(b"firmware")
    (tmp_path / "thingsList.txt").write_text("arn:aws:iot:us-east-1:123456789012:thing/t1\n")
    (tmp_path / "dev.ini").write_text(dev_ini())
    return tmp_path / "dev.ini"


@pytest.mark.parametrize(
    ("command", "options", "named"),
    [
        ("plan", "--things --out {folder}/new", "--things lists the things of waves"),
        ("forecast", "--suggest --html {folder}/new", "leave out --compare and --html"),
        ("forecast", "--within 4h", "are the goal of --suggest"),
    ],
)
def test_what_would_be_ignored_is_refused(file, command, options, named):
    given = options.format(folder=file.parent).split()

    run = CliRunner().invoke(app, [command, str(file), *given, "--output", "json"])

    assert run.exit_code == 2
    assert named in json.loads(run.stdout)["error"]["message"]
    assert not (file.parent / "new").exists()


def test_a_fetched_request_is_deployed_with_the_profile_that_is_given(tmp_path):
    claim = {
        "table": "queue",
        "region": "us-east-1",
        "profile": None,
        "endpoint_url": "http://127.0.0.1:1",
        "order_key": "20261123-143355-123-7f3a9c",
        "job_id": "jobId_20261123-143355-123-7f3a9c",
        "owner": "host/1/abc",
        "fence": 1,
        "lease_ms": 900_000,
    }
    (tmp_path / CLAIM_NAME).write_text(json.dumps(claim))
    command = ["queue", "run", "--fetched", str(tmp_path), "--profile", "another-one"]

    run = CliRunner().invoke(app, [*command, "--state-dir", str(tmp_path)])

    assert run.exit_code == 2
    assert "another-one" in run.output

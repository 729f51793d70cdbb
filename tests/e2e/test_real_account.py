"""``pytest -m aws``: a budget, a clean-up that is checked, and a reason where there is no account.

The local cloud stands for the account, by the variables that point any AWS tool at it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.program import environment

from otactl.aws.inventory import take_inventory

ROOT = Path(__file__).parents[2]


def run_tests(tmp_path: Path, env: dict[str, str], *arguments: str) -> str:
    """The output of ``pytest -m aws``."""
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-m", "aws", "tests/contract/test_any_account.py"),
            *("-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={tmp_path / 't'}"),
            *arguments,
        ],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return ran.stdout + ran.stderr


@pytest.fixture
def account_env(cloud, firmware_bucket, stream_role_arn) -> dict[str, str]:
    names = {"OTACTL_TEST_BUCKET": firmware_bucket, "OTACTL_TEST_ROLE_ARN": stream_role_arn}
    return environment(cloud) | names


@pytest.fixture
def holds(clients, firmware_bucket):
    """All that the account holds of what tests make."""

    def look() -> frozenset[str]:
        things = clients.iot.get_paginator("list_things").paginate()
        names = [f"thing/{each['thingName']}" for page in things for each in page["things"]]
        return take_inventory(clients, (firmware_bucket,)) | frozenset(names)

    return look


@pytest.mark.slow
def test_every_test_runs_in_the_account_within_the_budget_and_leaves_nothing(
    account_env, holds, tmp_path
):
    before = holds()
    written = run_tests(tmp_path, account_env)

    assert re.search(r"^13 passed, 13 deselected", written, re.MULTILINE), written
    calls = re.search(r"^(\d+) API calls; tests left and now removed: ", written, re.MULTILINE)
    assert calls is not None, written
    assert int(calls[1]) <= 550
    assert holds() == before


@pytest.mark.slow
def test_a_budget_that_is_spent_fails_the_tests_and_what_they_left_is_removed(
    account_env, holds, tmp_path
):
    before = holds()
    written = run_tests(tmp_path, account_env | {"OTACTL_TEST_CALLS": "50"})

    assert "would exceed 200 API calls in all" in written
    assert re.search(r"now removed: \[.*thing/otactl-test-", written), written
    assert holds() == before


def test_without_an_account_they_are_skipped_with_the_reason(tmp_path):
    nobody = environment(None) | {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    named = {"OTACTL_TEST_BUCKET": "b", "OTACTL_TEST_ROLE_ARN": "arn:aws:iam::123456789012:role/r"}
    written = run_tests(tmp_path, nobody | named | {"AWS_REGION": "us-east-1"}, "-rs")

    assert "13 skipped" in written
    assert "needs an account: Unable to locate credentials" in written

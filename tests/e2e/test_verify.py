"""Rehearsals of things that say SUCCEEDED and come back wrong: every verdict exact, by name.

The program, a local cloud, devices over MQTT that report to their shadows. Which thing was dealt
which behaviour is computed here and not taken from the result.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from tests.e2e.program import otactl

from otactl.device.behaviour import Behaviour, deal_behaviours
from otactl.model.wave import WaveSize
from otactl.rules.waves.membership import divide

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = [f"rehearsal-{number:05}" for number in range(1, 101)]
GATE_FAILED, PERCENT = 8, 10


def rehearse(folder, *arguments: str):
    run = otactl(
        *("rehearse", str(EXAMPLES / "verify.ini"), "--things", "100", "--speed", "120"),
        *("--state-dir", str(folder), "--output", "json", "--max-wait", "20000", *arguments),
    )
    return run, json.loads(run.stdout)


def canary() -> list[str]:
    image = hashlib.sha256((EXAMPLES / "firmware.bin").read_bytes()).hexdigest()
    return list(divide(NAMES, [WaveSize(things=50), WaveSize()], seed=image, members={})[0])


def dealt(behaviour: str) -> list[str]:
    of = deal_behaviours(canary(), {Behaviour(behaviour): PERCENT}, 0)
    return sorted(name for name, found in of.items() if found == behaviour)


@pytest.mark.slow  # test_verify_rehearsal.py has every verdict in one quick rehearsal
@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [
        ("revert", "old"),
        ("liar", "old"),
        ("brick", "silent"),
        ("dark", "dark"),
        ("crashloop", "flapping"),
    ],
)
@pytest.mark.timeout(300)
def test_things_that_come_back_wrong_stop_the_canary_by_name(behaviour, verdict, tmp_path):
    run, result = rehearse(tmp_path, "--behave", f"canary:{behaviour}={PERCENT}")

    assert run.returncode == GATE_FAILED, run.stderr
    assert result["versions"]["counts"] == {"verified": 45, verdict: 5}
    unverified = result["versions"]["unverified"]
    assert [one["thing"] for one in unverified] == dealt(behaviour)
    assert {one["verdict"] for one in unverified} == {verdict}
    assert {one["former"] for one in unverified} == {"factory"}
    first, rest = result["waves"]
    assert first["gate"]["verdict"] == "fail"
    assert "requiredVerifiedPercentage" in first["gate"]["reasons"][0]
    # Nothing failed as far as the job is concerned, and nobody else was told.
    assert first["counts"] == {"ended": 50, "succeeded": 50, "failed": 0, "notReached": 0}
    assert rest["gate"] is None


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_late_things_are_pending_and_then_verified(tmp_path):
    run, result = rehearse(tmp_path, "--behave", "late=10")

    assert run.returncode == 0, run.stderr
    assert "pending" in run.stderr
    assert result["versions"] == {
        "expected": "2.0.0",
        "counts": {"verified": 100},
        "unverified": [],
    }

"""Every way to go wrong after SUCCEEDED in one rehearsal without waves, and a late fleet index.

``test_verify`` has each of them alone, at the gate of a canary.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.program import otactl

from otactl.deploy.observer import Observer
from otactl.device.behaviour import Behaviour, deal_behaviours, parse_behave
from otactl.operations.frontend import ObservedFrontend
from otactl.operations.rehearsal.rehearse import RehearsalOptions, rehearse

#: What each becomes; a late one is *verified* once it has reported.
VERDICTS = {
    Behaviour.REVERT: "old",
    Behaviour.LIAR: "old",
    Behaviour.BRICK: "silent",
    Behaviour.DARK: "dark",
    Behaviour.CRASHLOOP: "flapping",
    Behaviour.LATE: None,
    Behaviour.SUCCEED: None,
}
BAD = [each for each, verdict in VERDICTS.items() if verdict is not None]
VERIFY = """
[TIMEOUT_CONFIG]
inProgressTimeoutInMinutes = 60
[IMAGE_CONFIG]
imageVer = 2.0
[VERIFY_CONFIG]
bootCountPath = boots
verifyMinutes = 4
darkMinutes = 2
"""
#: How late the index is in each of twenty rollouts, in seconds: one of every three from 0 to 60.
LAGS = [3 * (each + random.Random(17 + each).random()) for each in range(20)]  # noqa: S311
#: More than a hundred things, or the index would not be asked.
WAVES = """
[WAVE_CONFIG]
waveList = canary:101
soakMinutes = 2
requiredVerifiedPercentage = 95
requiredEndedPercentage = 100
"""


@pytest.fixture
def deployable(tmp_path):
    """Writes a file with these sections, for things that the rehearsal generates."""

    def write(sections: str, **switches: bool) -> Path:
        return Deployable(
            folder=tmp_path,
            thing_names=["of-the-list"],
            bucket="verified",
            role_arn="arn:aws:iam::123456789012:role/service/ota-stream",
            job_id="verified",
            sections=sections,
        ).write(useTimeoutConfig=True, **switches)

    return write


@pytest.fixture
def rehearsed(deployable):
    """Rehearses things with these behaviours; returns the exit code, the JSON, the messages."""

    def run_rehearsal(behave: str, *, things: int = 100, **switches: bool):
        path = deployable(VERIFY, **switches)
        run = otactl(
            *("rehearse", str(path), "--things", str(things), "--behave", behave, "--speed", "60"),
            *("--former-versions", "1.0=50,1.1", "--seed", "3"),
            *("--state-dir", str(path.parent / "state"), "--output", "json"),
        )
        return run.returncode, json.loads(run.stdout), run.stderr

    return run_rehearsal


@pytest.mark.parametrize("count", [40, pytest.param(100, marks=pytest.mark.slow)])
def test_every_verdict_is_exact_by_name(rehearsed, count):
    behave = ",".join(f"{each}=5" for each in (*BAD, Behaviour.LATE))
    things = [f"rehearsal-{number:05}" for number in range(1, count + 1)]
    dealt = deal_behaviours(things, parse_behave(behave), seed=3)
    assert set(Counter(dealt.values())) == set(VERDICTS)

    code, result, messages = rehearsed(behave, things=count, useVerifyConfig=True)

    found = {each["thing"]: each["verdict"] for each in result["versions"]["unverified"]}
    assert found == {
        name: VERDICTS[behaviour] for name, behaviour in dealt.items() if VERDICTS[behaviour]
    }, messages
    assert result["versions"]["counts"]["verified"] == count * 3 // 4
    assert result["succeeded"] == count, "as far as their jobs are concerned"
    formers = {each["former"] for each in result["versions"]["unverified"]}
    assert formers == {"1.0", "1.1"}
    assert code == 1


class SeenVerdicts(Observer):
    """Every verdict that a gate saw at any poll."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def on_gate(self, status, *, written):
        self.seen |= {verdict.value for verdict in status.versions}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "lags",
    [
        pytest.param(LAGS[-1:], id="the longest"),
        *(pytest.param(LAGS[n::4], marks=pytest.mark.slow, id=f"{n}/4") for n in range(4)),
    ],
)
def test_no_healthy_thing_is_blamed_for_a_late_index(deployable, lags):
    # With one minute for things to report, a late index has not seen their reports yet.
    path = deployable(
        VERIFY.replace("verifyMinutes = 4", "verifyMinutes = 1") + WAVES,
        useVerifyConfig=True,
        useWaveConfig=True,
    )
    for lag_seconds in lags:
        verdicts = SeenVerdicts()
        options = RehearsalOptions(
            things=102,
            speed=20,
            index_lag_seconds=lag_seconds,
            state_dir=path.parent / "state",
        )

        rehearsed = rehearse(path, options, ObservedFrontend(verdicts))

        assert rehearsed.failure is None, lag_seconds
        assert verdicts.seen <= {"pending", "verified"}, lag_seconds
        result = rehearsed.result.to_fields()
        assert result["versions"]["counts"] == {"verified": 102}, lag_seconds
        assert result["apiCalls"]["iot:SearchIndex"] > 0, lag_seconds


@pytest.mark.slow
def test_without_verification_all_of_them_succeed(rehearsed):
    code, result, messages = rehearsed(",".join(f"{each}=5" for each in BAD))

    assert code == 0, messages
    assert result["succeeded"] == 100
    assert "versions" not in result

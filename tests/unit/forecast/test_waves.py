"""The forecast of waves: its gate is the gate of ``rules.waves``, and its shares are binomial."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otactl.forecast.attempts import (
    CANCELED,
    FAILED,
    IN_PROGRESS,
    NEVER,
    SUCCEEDED,
    Attempts,
    Executions,
)
from otactl.forecast.gate_moment import GateView, gate_moment
from otactl.forecast.lint.wave_check import gate_power
from otactl.forecast.profile import FleetProfile, Group
from otactl.forecast.run import Run
from otactl.forecast.waves import WaveScenario, forecast_waves
from otactl.model.job_configuration import JobConfiguration
from otactl.model.wave import (
    Act,
    Decision,
    GateRule,
    Question,
    Verdict,
    Wave,
    Waves,
    WaveSize,
)
from otactl.rules.verify.verdict import VersionCount
from otactl.rules.waves.counting import WaveCount
from otactl.rules.waves.gate import GateInput, GateResult, judge

MINUTE = 60_000


GOOD, FAILS, OLD = 0, 1, 2


def a_run(
    ends: list[tuple[int, int]], open_things: int = 0, began_ms: int = 0, lost: tuple[int, ...] = ()
) -> Run:
    """A run in which things end at these times, some never do, and some are cancelled."""
    count = len(ends) + open_things + len(lost)
    ended = np.array([at for at, _ in ends] + [NEVER] * open_things + list(lost), dtype=np.int64)
    codes = [FAILED if how == FAILS else SUCCEEDED for _, how in ends]
    codes += [IN_PROGRESS] * open_things + [CANCELED] * len(lost)
    status = np.array(codes, dtype=np.int8)
    zeros = np.zeros(count, dtype=np.int64)
    attempts = Attempts(
        thing=np.arange(count),
        group=zeros.astype(np.int8),
        queued_ms=zeros,
        started_ms=zeros + began_ms,
        reports_after_ms=ended,
        reported=status,
        download_ms=zeros,
        breaks_after_ms=zeros + NEVER,
        gone=zeros.astype(np.bool_),
        unproven=np.array([how == OLD for _, how in ends] + [False] * (count - len(ends))),
    )
    part = Executions(
        attempts=attempts,
        attempt=np.ones(count, dtype=np.int8),
        ended_ms=ended,
        status=status,
        retried=zeros.astype(np.bool_),
        retry_starts_ms=zeros + NEVER,
    )
    return Run(parts=[part], abort=None)


rules = st.builds(
    GateRule,
    required_ended=st.integers(1, 10_000),
    required_succeeded=st.integers(1, 10_000),
    required_verified=st.none() | st.integers(1, 10_000),
    soak_ms=st.integers(0, 30),
    maximum_ms=st.integers(1, 60),
    needs_approval=st.booleans(),
)
all_ends = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from([GOOD, GOOD, GOOD, FAILS, OLD])),
    min_size=1,
    max_size=15,
)


@settings(max_examples=400)
@given(
    rules,
    all_ends,
    st.integers(0, 5),
    st.lists(st.integers(1, 60), max_size=4),
    st.integers(0, 40),
    st.integers(0, 20),
)
def test_the_moment_is_the_first_at_which_the_gate_itself_does_not_wait(
    rule, ends, open_things, lost, verify_ms, answer_ms
):
    things = len(ends) + open_things + len(lost)

    verdict, at_ms = gate_moment(
        rule,
        things,
        a_run(ends, open_things, lost=tuple(lost)),
        GateView(verify_ms=verify_ms, answer_ms=answer_ms),
    )

    def says(now_ms: int, decisions: tuple[Decision, ...]) -> GateResult:
        so_far = tuple(sorted((at, how != FAILS) for at, how in ends if at <= now_ms))
        judged = [how for at, how in ends if at + verify_ms <= now_ms]
        count = WaveCount(
            given=things,
            first_started_ms=0,
            ends=so_far,
            not_reached=sum(at <= now_ms for at in lost),
        )
        versions = VersionCount(verified=judged.count(GOOD), bad=judged.count(OLD), by_verdict={})
        inputs = GateInput(
            wave="w", count=count, now_ms=now_ms, versions=versions, decisions=decisions
        )
        return judge(rule, inputs)

    first: tuple[float, Verdict] = (math.inf, Verdict.WAIT)
    asked_ms: int | None = None
    for now in range(300):
        answered = asked_ms is not None and now >= asked_ms + answer_ms
        found = says(now, (YES,) if answered else ())
        if found.question is Question.APPROVAL and asked_ms is None:
            asked_ms = now
            if not answer_ms:
                found = says(now, (YES,))
        if found.verdict is not Verdict.WAIT:
            first = (now, found.verdict)
            break
    assert (at_ms, verdict) == first


YES = Decision(
    act=Act.APPROVE, identity="x", host="h", at_ms=0, wave="w", answers=Question.APPROVAL
)


def test_a_gate_that_needs_no_ends_passes_at_once():
    rule = GateRule(required_ended=0, soak_ms=MINUTE)

    assert gate_moment(rule, 3, a_run([], open_things=3)) == (Verdict.PASS, 0)


def waves_of(*pairs: tuple[str, WaveSize], rule: GateRule, **fields) -> Waves:
    return Waves(
        waves=tuple(
            Wave(
                name=name,
                size=size,
                rule=rule,
                job=JobConfiguration(in_progress_timeout_minutes=30),
            )
            for name, size in pairs
        ),
        **fields,
    )


def scenario(rule: GateRule, *, failure_rate: float, things=500, runs=20, **fields) -> WaveScenario:
    group = Group(failure_rate=failure_rate, rejection_rate=0, silence_rate=0)
    return WaveScenario(
        waves=waves_of(
            ("canary", WaveSize(things=50)),
            ("early", WaveSize(hundredths=1000)),
            ("rest", WaveSize()),
            rule=rule,
            **fields,
        ),
        profile=FleetProfile(group=(group,)),
        things=things,
        image_bytes=100_000,
        runs=runs,
    )


RULE = GateRule(required_succeeded=9800, soak_ms=30 * MINUTE)


def test_the_share_stopped_at_the_canary_is_what_lint_says():
    found = forecast_waves(scenario(RULE, failure_rate=0.05, things=60, runs=200), name="x")

    power = gate_power(RULE, 50, 0.05)
    spread = 4 * math.sqrt(power * (1 - power) / 200)
    assert abs(found.share(0, Verdict.FAIL) - power) < spread


def test_a_bad_image_reaches_the_canary_and_nobody_else():
    found = forecast_waves(scenario(RULE, failure_rate=0.5), name="x")

    assert found.share(0, Verdict.FAIL) == 1
    assert found.gate_seconds(1) is None
    reached = found.reached(only_stopped=True)
    assert reached is not None
    assert reached.high <= 50
    assert math.isinf(found.end_seconds.median)
    assert found.to_fields()["endSeconds"]["median"] is None


def test_a_good_image_passes_every_gate_one_soak_after_the_other():
    found = forecast_waves(scenario(RULE, failure_rate=0), name="x")

    assert [found.share(number, Verdict.PASS) for number in range(3)] == [1, 1, 1]
    assert found.end_seconds.low >= 3 * 30 * 60
    whole = found.reached()
    assert whole is not None
    assert whole.median <= 500


def test_filling_a_group_holds_a_wave_back():
    quick = forecast_waves(scenario(RULE, failure_rate=0, runs=3), name="x")
    slow = forecast_waves(
        scenario(RULE, failure_rate=0, runs=3, things=500, fill_per_second=1), name="x"
    )
    slow_large = forecast_waves(
        scenario(RULE, failure_rate=0, runs=3, things=20_000, fill_per_second=1), name="x"
    )

    assert slow.end_seconds.median == quick.end_seconds.median
    assert slow_large.end_seconds.median > 18_000


@pytest.mark.parametrize("size", [WaveSize(groups=("arn",))])
def test_a_wave_of_groups_is_left_out(size):
    found = forecast_waves(
        WaveScenario(
            waves=waves_of(("lab", size), ("rest", WaveSize()), rule=RULE),
            profile=FleetProfile(),
            things=30,
            image_bytes=1000,
            runs=2,
        ),
        name="x",
    )

    assert [wave.name for wave, _ in found.scenario.planned] == ["rest"]
    assert any("thing groups are left out" in note for note in found.notes)


def test_a_wave_that_gets_no_thing_is_not_taken_for_one_of_groups():
    found = forecast_waves(scenario(RULE, failure_rate=0, things=50, runs=1), name="x")

    assert [wave.name for wave, _ in found.scenario.planned] == ["canary"]
    assert "of 50 things none is in early, rest" in found.notes
    assert not any("thing groups" in note for note in found.notes)


def test_recent_things_reach_their_gate_sooner_and_the_last_wave_has_those_that_never_come():
    """Every fifth thing never connects: 100 of 500, where recent ones come first the last."""

    def played(*, prefers_recent: bool):
        waves = waves_of(
            ("canary", WaveSize(things=50)),
            ("rest", WaveSize()),
            rule=GateRule(required_ended=9000, required_succeeded=5000, soak_ms=0),
            prefers_recent=prefers_recent,
        )
        asked = WaveScenario(
            waves=waves,
            profile=FleetProfile(group=(Group(never=0.2, failure_rate=0),)),
            things=500,
            image_bytes=1000,
            runs=10,
        )
        return asked, forecast_waves(asked, name="x")

    asked, recent = played(prefers_recent=True)

    assert asked.profile_of(0).share_gone == 0
    assert asked.profile_of(1).share_gone == pytest.approx(100 / 450)
    assert recent.share(0, Verdict.PASS) == 1
    assert recent.share(1, Verdict.INCONCLUSIVE) == 1
    assert any("preferRecent" in note for note in recent.notes)
    assert played(prefers_recent=False)[1].share(0, Verdict.PASS) < 0.5

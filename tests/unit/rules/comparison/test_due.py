"""When comparisons are made, and what a gate makes of them."""

from __future__ import annotations

import pytest

from otactl.model.comparison import (
    ArmCount,
    ComparedOutcome,
    CompareRule,
    Comparison,
    ComparisonVerdict,
    SoakPoint,
    WaveComparison,
)
from otactl.model.wave import Act, Decision, GateRule, Question, Verdict
from otactl.rules.comparison.compare import compare, due_point, threshold
from otactl.rules.waves.counting import WaveCount
from otactl.rules.waves.gate import GateInput, GateResult, judge

MINUTE = 60_000
RULE = GateRule(soak_ms=10 * MINUTE)
_BAD = {
    ComparisonVerdict.WORSE: ArmCount(things=20, readable=20, bad=10),
    ComparisonVerdict.NOT_SHOWN_WORSE: ArmCount(things=20, readable=20, bad=0),
    ComparisonVerdict.NO_DATA: ArmCount(things=20, readable=15, bad=0),
}


def made(verdict: str, point: SoakPoint = SoakPoint.END, at_minutes: float = 0) -> Comparison:
    outcome = compare(
        ComparedOutcome.NOT_CONNECTED,
        _BAD[ComparisonVerdict(verdict)],
        ArmCount(things=200, readable=200, bad=1),
        rule=CompareRule(),
        level=threshold(1, 1),
    )
    assert outcome.verdict == verdict
    return Comparison(wave=1, point=point, at_ms=int(at_minutes * MINUTE), outcomes=(outcome,))


def due(since_minutes: float | None, now_minutes: float, *before: Comparison) -> SoakPoint | None:
    since_ms = None if since_minutes is None else int(since_minutes * MINUTE)
    return due_point(RULE, since_ms, int(now_minutes * MINUTE), before)


def test_comparisons_are_made_at_half_and_at_the_end_of_the_soak() -> None:
    half = made("not shown worse", SoakPoint.HALF, 5)

    assert [due(0, now) for now in (0, 4.9, 5, 9.9, 10, 60)] == [
        None,
        None,
        SoakPoint.HALF,
        SoakPoint.HALF,
        SoakPoint.END,
        SoakPoint.END,
    ]
    assert due(None, 60) is None
    assert [due(0, now, half) for now in (6, 10)] == [None, SoakPoint.END]


def test_a_soak_that_begins_again_tests_nothing_twice() -> None:
    half = made("not shown worse", SoakPoint.HALF, 5)
    end = made("not shown worse", SoakPoint.END, 10)

    assert due(20, 26, half) is None
    assert due(20, 30, half) is SoakPoint.END
    assert [due(20, now, half, end) for now in (26, 30, 90)] == [None, None, None]


def test_one_without_data_is_made_again_at_the_end_after_a_while() -> None:
    end = made("no data", SoakPoint.END, 10)

    assert [due(0, now, end) for now in (11, 14.9, 15)] == [None, None, SoakPoint.END]


def test_a_soak_of_no_time_is_compared_at_its_end() -> None:
    assert due_point(GateRule(soak_ms=0), 0, 0, ()) is SoakPoint.END


def at_the_gate(
    *before: Comparison,
    now_minutes: float = 10,
    decided: tuple[Decision, ...] = (),
    **known: object,
) -> GateResult:
    """A gate at the end of its soak, of a wave that is fine by all else."""
    count = WaveCount(given=20, ends=((0, True),) * 20)
    return judge(
        RULE,
        GateInput(
            wave="canary",
            count=count,
            now_ms=int(now_minutes * MINUTE),
            decisions=decided,
            comparison=WaveComparison(made=before, **known),  # type: ignore[arg-type]
        ),
    )


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("worse", Verdict.FAIL),
        ("not shown worse", Verdict.PASS),
        ("no data", Verdict.PASS),
    ],
)
def test_a_comparison_may_only_stop(verdict: str, expected: Verdict) -> None:
    result = at_the_gate(made(verdict))

    assert result.verdict is expected
    assert sum(f"compared with its control, {verdict}: " in one for one in result.reasons) == 1


def test_a_wave_found_worse_at_half_does_not_soak_on() -> None:
    result = at_the_gate(made("worse", SoakPoint.HALF), now_minutes=5)

    assert result.verdict is Verdict.FAIL
    (reason,) = result.reasons
    assert reason == (
        "compared with its control, worse: not connected 10 of 20 things of the wave, 1 of 200 of"
        " the control: +49.5 points (95% interval +29.3 to +69.6, visible at 80%: +15.6)"
    )


def test_worse_at_half_stays_worse_whatever_is_found_later() -> None:
    result = at_the_gate(made("worse", SoakPoint.HALF), made("not shown worse"))

    assert result.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("before", "known", "words"),
    [
        ([made("no data")], {}, "could be read of 15 of 20"),
        ([], {"not_compared": "none was connected", "lacks_data": True}, "none was connected"),
        ([], {}, "no comparison was made"),
    ],
)
def test_a_required_comparison_without_data_asks_a_person(
    before: list[Comparison], known: dict[str, object], words: str
) -> None:
    result = at_the_gate(*before, is_required=True, **known)

    assert (result.verdict, result.question) == (Verdict.WAIT, Question.COMPARISON)
    assert words in result.reasons[0]
    answer = Decision(
        act=Act.APPROVE,
        identity="ann",
        host="h",
        at_ms=0,
        wave="canary",
        answers=Question.COMPARISON,
    )
    passed = at_the_gate(*before, is_required=True, decided=(answer,), **known)
    assert passed.verdict is Verdict.PASS


def test_a_wave_that_is_not_compared_by_the_plan_passes_also_where_it_is_required() -> None:
    result = at_the_gate(is_required=True, not_compared="it is a wave of groups")

    assert result.verdict is Verdict.PASS
    assert result.reasons[-1] == "not compared: it is a wave of groups"

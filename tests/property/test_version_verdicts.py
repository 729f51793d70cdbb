"""The verdict on a version is that of an oracle written from the issue, on any case."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from tests.support.version_oracle import MINUTE, proves_new, verdict_of

from otactl.model.thing_state import ThingState, VersionSource
from otactl.model.verify import ThingVersion, VerifyRule, VersionPoll, VersionVerdict
from otactl.model.wave import GateRule
from otactl.rules.verify.verdict import VersionCount, judge_version
from otactl.rules.waves.counting import WaveCount, why_lost

SOURCE = VersionSource(version_path=("version",))
VERSIONS = st.sampled_from(["1.0", "2.0", "3.0", None])
#: Few instants, so that equal ones, and those just before and behind a bound, are met often.
MOMENTS = st.sampled_from([0, 99, 100, 101, 39 * MINUTE + 99, 39 * MINUTE + 100, 60 * MINUTE])
MAYBE = st.none() | MOMENTS


@dataclass(frozen=True)
class Case:
    ended_ms: int
    at_ms: int
    former: str | None
    boots_before: int | None
    first_gone_ms: int | None
    state: ThingState


@st.composite
def cases(draw) -> Case:
    return Case(
        ended_ms=100,
        at_ms=draw(
            st.sampled_from([0, 30 * MINUTE + 99, 30 * MINUTE + 100, 40 * MINUTE, 70 * MINUTE])
        ),
        former=draw(VERSIONS),
        boots_before=draw(st.sampled_from([None, 0, 5])),
        first_gone_ms=draw(st.none() | st.sampled_from([30 * MINUTE + 100, 60 * MINUTE])),
        state=ThingState(
            thing_name="a",
            version=draw(VERSIONS),
            version_at_ms=draw(MAYBE),
            boots=draw(st.none() | st.integers(0, 9)),
            boots_at_ms=draw(MAYBE),
            is_connected=draw(st.sampled_from([None, False, True])),
            connection_at_ms=draw(MAYBE),
            unreadable=draw(st.sampled_from(["", "", "", "AccessDenied"])),
        ),
    )


def rule_with(maximum_boots: int) -> VerifyRule:
    return VerifyRule(
        source=SOURCE,
        expected_version="2.0",
        verify_ms=30 * MINUTE,
        dark_ms=10 * MINUTE,
        maximum_boots=maximum_boots,
    )


def thing_of(case: Case, *, succeeded: bool = True) -> ThingVersion:
    gone = case.first_gone_ms
    return ThingVersion(
        thing_name="a",
        former=case.former,
        boots_before=case.boots_before,
        ended_ms=case.ended_ms,
        succeeded=succeeded,
        last=VersionPoll(case.at_ms, case.state),
        first_gone=None if gone is None else VersionPoll(gone, case.state),
    )


@given(case=cases(), maximum_boots=st.integers(1, 4))
def test_the_verdict_is_the_first_that_fits(case: Case, maximum_boots: int):
    rule = rule_with(maximum_boots)

    assert judge_version(rule, thing_of(case)) == verdict_of(rule, case)


@given(case=cases())
def test_of_things_that_failed_only_those_that_run_the_new_version_have_a_verdict(case: Case):
    rule = rule_with(2)
    is_due = case.at_ms >= case.ended_ms + rule.verify_ms

    found = judge_version(rule, thing_of(case, succeeded=False))

    expected = VersionVerdict.FAILED_BUT_NEW if is_due and proves_new(rule, case) else None
    assert found is expected


@pytest.mark.parametrize("verdict", [one for one in VersionVerdict if one != "failed but new"])
def test_every_verdict_is_met(verdict: VersionVerdict):
    """The search above is worth something: it finds a case of each."""
    rule = rule_with(2)
    found = find(
        cases(),
        lambda case: judge_version(rule, thing_of(case)) is verdict,
        settings=settings(max_examples=5000, database=None),
    )
    assert verdict_of(rule, found) == verdict


@given(
    succeeded=st.integers(0, 9),
    failed=st.integers(0, 4),
    still_open=st.integers(0, 5),
    not_reached=st.integers(0, 4),
    bad=st.integers(0, 9),
    required=st.integers(1, 10_000),
)
def test_a_gate_fails_exactly_when_no_future_has_enough_verified(
    succeeded, failed, still_open, not_reached, bad, required
):
    bad = min(bad, succeeded)
    count = WaveCount(
        given=succeeded + failed + still_open + not_reached,
        not_reached=not_reached,
        ends=tuple([(0, True)] * succeeded + [(0, False)] * failed),
    )
    rule = GateRule(required_verified=required)
    # Every future: of the open, some end well and are verified, some end badly, the rest is missed.
    futures = (
        (succeeded - bad + well, succeeded + failed + well + badly)
        for well in range(still_open + 1)
        for badly in range(still_open - well + 1)
    )
    can = any(10_000 * verified >= required * ended for verified, ended in futures)

    versions = VersionCount(bad=bad, by_verdict={})

    assert bool(why_lost(rule, count, versions)) is not can

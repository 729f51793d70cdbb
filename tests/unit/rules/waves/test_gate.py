"""The gate's answers in words and numbers, case by case."""

from __future__ import annotations

import pytest

from otactl.model.progress import AlarmState
from otactl.model.verify import VersionVerdict
from otactl.model.wave import Act, Decision, GateRule, MissingAlarmData, Question, Verdict
from otactl.rules.verify.verdict import VersionCount
from otactl.rules.waves.counting import WaveCount
from otactl.rules.waves.gate import EarlierWave, GateAlarm, GateInput, judge

MINUTE = 60_000
ANN = "arn:aws:iam::123456789012:user/ann"
RULE = GateRule(soak_ms=10 * MINUTE, maximum_ms=100 * MINUTE)


def a_count(*, given=50, succeeded=0, failed=0, not_reached=0, at_ms=0, started_ms=0) -> WaveCount:
    ends = [(at_ms, False)] * failed + [(at_ms, True)] * succeeded
    return WaveCount(
        given=given, not_reached=not_reached, first_started_ms=started_ms, ends=tuple(ends)
    )


def a_decision(act, **changes) -> Decision:
    return Decision(act=act, identity=ANN, host="h", at_ms=0, **changes)


def at(count, now_minutes=0, rule=RULE, **changes):
    return judge(
        rule, GateInput(wave="canary", count=count, now_ms=now_minutes * MINUTE, **changes)
    )


def test_it_fails_with_the_first_failure_that_the_whole_wave_may_not_have():
    assert at(a_count(failed=2)).verdict is Verdict.WAIT

    result = at(a_count(failed=3))

    assert result.verdict is Verdict.FAIL
    assert result.reasons == (
        "3 of 50 things failed; at most 2 may (requiredSucceededPercentage 95%)",
    )


def test_a_wave_of_one_must_succeed():
    lenient = GateRule(required_succeeded=100, required_ended=100, soak_ms=0)

    assert at(a_count(given=1, failed=1), rule=lenient).verdict is Verdict.FAIL
    assert at(a_count(given=1), rule=lenient).verdict is Verdict.WAIT
    assert at(a_count(given=1, succeeded=1), rule=lenient).verdict is Verdict.PASS


def test_enough_that_ended_and_succeeded_soak_before_they_pass():
    enough = a_count(succeeded=39, failed=1, at_ms=5 * MINUTE)

    soaking = at(enough, now_minutes=6)

    assert soaking.verdict is Verdict.WAIT
    assert soaking.soak_left_ms == 9 * MINUTE
    assert soaking.until_ms == 15 * MINUTE
    assert at(a_count(failed=2)).until_ms == RULE.maximum_ms
    assert at(a_count(started_ms=None)).until_ms is None
    assert soaking.reasons[0] == "soaking: 9 of 10 minutes left"
    assert at(enough, now_minutes=15).verdict is Verdict.PASS


def test_too_few_ended_in_time_ask_a_person_who_may_let_them_pass():
    few = a_count(succeeded=20)
    assert at(few, now_minutes=99).verdict is Verdict.WAIT

    late = at(few, now_minutes=100)

    assert (late.verdict, late.question) == (Verdict.INCONCLUSIVE, Question.INCONCLUSIVE)
    assert late.reasons == (
        "100 minutes (maximumMinutes) are over since the first thing began",
        "20 of 50 ended (40 needed), 20 of them succeeded (19 needed)",
    )
    approval = a_decision(
        Act.APPROVE, wave="canary", answers=Question.INCONCLUSIVE, comment="rack is off"
    )
    passed = at(few, now_minutes=100, decisions=[approval])
    assert passed.verdict is Verdict.PASS
    assert passed.reasons[-1] == f"approved by {ANN}: rack is off"


def test_what_ends_after_an_approval_does_not_hold_the_gate_up_again():
    approval = a_decision(Act.APPROVE, wave="canary", answers=Question.INCONCLUSIVE)
    since_approved = a_count(succeeded=40, at_ms=105 * MINUTE)

    assert at(since_approved, now_minutes=106).verdict is Verdict.WAIT
    passed = at(since_approved, now_minutes=106, decisions=[approval])

    assert passed.verdict is Verdict.PASS


def test_a_wave_that_never_began_waits_for_as_long_as_it_takes():
    assert at(a_count(started_ms=None), now_minutes=10**6).verdict is Verdict.WAIT


def test_things_that_were_not_reached_make_it_inconclusive_when_enough_can_no_more_end():
    assert at(a_count(not_reached=10)).verdict is Verdict.WAIT
    assert at(a_count(not_reached=11)).verdict is Verdict.INCONCLUSIVE


def test_an_approval_is_for_one_wave_and_never_opens_a_gate_that_failed():
    other = a_decision(Act.APPROVE, wave="early", answers=Question.INCONCLUSIVE)
    own = a_decision(Act.APPROVE, wave="canary", answers=Question.INCONCLUSIVE)

    assert at(a_count(), now_minutes=100, decisions=[other]).verdict is Verdict.INCONCLUSIVE
    assert at(a_count(failed=3), now_minutes=100, decisions=[own]).verdict is Verdict.FAIL


def test_an_approval_that_is_missing_is_asked_for_only_when_all_else_is_there():
    rule = GateRule(soak_ms=0, needs_approval=True)

    assert at(a_count(succeeded=30), rule=rule).question is None
    asked = at(a_count(succeeded=40), rule=rule)
    assert (asked.verdict, asked.question) == (Verdict.WAIT, Question.APPROVAL)
    approval = a_decision(Act.APPROVE, wave="canary", answers=Question.APPROVAL)
    assert at(a_count(succeeded=40), rule=rule, decisions=[approval]).verdict is Verdict.PASS


def test_a_rejection_is_taken_at_any_time():
    result = at(a_count(succeeded=50), now_minutes=60, decisions=[a_decision(Act.REJECT)])

    assert result.verdict is Verdict.FAIL
    assert result.is_rejected


def test_a_pause_holds_a_pass_back_but_never_a_failure():
    good, paused = a_count(succeeded=50), [a_decision(Act.PAUSE)]

    assert at(good, now_minutes=60, decisions=paused).verdict is Verdict.WAIT
    assert at(a_count(failed=3), decisions=paused).verdict is Verdict.FAIL
    again = [*paused, a_decision(Act.CONTINUE)]
    assert at(good, now_minutes=60, decisions=again).verdict is Verdict.PASS
    assert at(good, now_minutes=60, decisions=paused, is_last=True).verdict is Verdict.PASS


@pytest.mark.parametrize(("state", "since"), [(AlarmState.ALARM, False), (AlarmState.OK, True)])
def test_an_alarm_fails_it_also_when_it_went_back_to_ok(state, since):
    alarm = GateAlarm(name="slow", state=state, since_wave=since)

    assert at(a_count(succeeded=50), now_minutes=60, alarms=[alarm]).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("missing", "verdict"),
    [
        (MissingAlarmData.WAIT, Verdict.WAIT),
        (MissingAlarmData.OK, Verdict.PASS),
        (MissingAlarmData.FAIL, Verdict.FAIL),
    ],
)
def test_what_missing_data_of_an_alarm_means_is_configured(missing, verdict):
    rule = GateRule(soak_ms=0, missing_data=missing)
    alarm = GateAlarm(name="slow", state=AlarmState.INSUFFICIENT_DATA)
    own = GateAlarm(name="own", state=AlarmState.INSUFFICIENT_DATA, is_own=True)

    assert at(a_count(succeeded=50), rule=rule, alarms=[alarm]).verdict is verdict
    assert at(a_count(succeeded=50), rule=rule, alarms=[own]).verdict is Verdict.PASS


def test_late_failures_of_an_earlier_wave_ask_a_person_before_the_next_wave_begins():
    late = EarlierWave(name="first", count=a_count(failed=3), rule=RULE)
    good = a_count(succeeded=50)

    asked = at(good, now_minutes=60, earlier=[late])

    assert (asked.verdict, asked.question) == (Verdict.WAIT, Question.STRAGGLERS)
    known = a_decision(Act.APPROVE, wave="canary", answers=Question.STRAGGLERS, failed={"first": 3})
    assert at(good, now_minutes=60, earlier=[late], decisions=[known]).verdict is Verdict.PASS
    more = EarlierWave(name="first", count=a_count(failed=4), rule=RULE)
    assert at(good, now_minutes=60, earlier=[more], decisions=[known]).verdict is Verdict.WAIT
    assert at(good, now_minutes=60, earlier=[late], is_last=True).verdict is Verdict.PASS


def test_a_job_that_was_stopped_fails_and_one_that_was_refused_asks_a_person():
    assert at(a_count(), stopped="job j was aborted").verdict is Verdict.FAIL
    assert at(a_count(), refused="endTime is too near").verdict is Verdict.INCONCLUSIVE


def test_the_next_waves_group_holds_a_good_gate_back():
    held = at(a_count(succeeded=50), now_minutes=60, held_by="filling: 1 of 200")

    assert held.verdict is Verdict.WAIT
    assert held.reasons[0] == "filling: 1 of 200"


VERIFYING = GateRule(soak_ms=0, maximum_ms=100 * MINUTE, required_verified=9_000)


def versions(*, verified=0, old=0, unknown=0) -> VersionCount:
    by_verdict = {
        VersionVerdict.VERIFIED: verified,
        VersionVerdict.OLD: old,
        VersionVerdict.UNKNOWN: unknown,
    }
    return VersionCount(
        verified=verified,
        bad=old,
        unknown=unknown,
        by_verdict={verdict: count for verdict, count in by_verdict.items() if count},
    )


def test_a_gate_that_asks_for_versions_waits_while_pending_things_could_mend_it():
    forty = a_count(given=40, succeeded=40)

    waits = at(forty, rule=VERIFYING, now_minutes=10**6, versions=versions(verified=35, old=1))

    assert waits.verdict is Verdict.WAIT
    assert waits.reasons == ("35 of 40 that ended are verified (36 needed): 35 verified, 1 old",)
    passed = at(forty, rule=VERIFYING, versions=versions(verified=36, old=4))
    assert passed.verdict is Verdict.PASS
    assert passed.reasons[1] == "36 verified, 4 old"


def test_it_fails_as_soon_as_too_few_can_be_verified_and_not_before():
    at_most = versions(verified=1, old=5)
    assert at(a_count(succeeded=45), rule=VERIFYING, versions=at_most).verdict is Verdict.WAIT

    failed = at(a_count(succeeded=45), rule=VERIFYING, versions=versions(verified=1, old=6))

    assert failed.verdict is Verdict.FAIL
    assert failed.reasons[0] == (
        "6 of 45 things that succeeded do not run the new version (1 verified, 6 old): 90% can"
        " no longer be verified (requiredVerifiedPercentage)"
    )
    # Things that failed are not verified either.
    both = a_count(succeeded=43, failed=2)
    assert at(both, rule=VERIFYING, versions=versions(old=3)).verdict is Verdict.WAIT
    assert at(both, rule=VERIFYING, versions=versions(old=4)).verdict is Verdict.FAIL
    # Those that will never end leave room for fewer.
    fewer = a_count(succeeded=41, not_reached=9)
    assert at(fewer, rule=VERIFYING, versions=versions(verified=36, old=5)).verdict is Verdict.FAIL


def test_things_that_cannot_be_read_ask_a_person_and_fail_nothing():
    all_ended = a_count(succeeded=50)
    blind = versions(verified=44, unknown=6)

    asked = at(all_ended, rule=VERIFYING, versions=blind)

    assert (asked.verdict, asked.question) == (Verdict.INCONCLUSIVE, Question.INCONCLUSIVE)
    assert asked.reasons[0].endswith("this is not enough: 6 things cannot be read")
    approval = a_decision(Act.APPROVE, wave="canary", answers=Question.INCONCLUSIVE)
    passed = at(all_ended, rule=VERIFYING, versions=blind, decisions=[approval])
    assert passed.verdict is Verdict.PASS


def test_open_things_could_mend_it_until_maximum_minutes_are_over():
    some = a_count(succeeded=40)
    short = versions(verified=35, old=5)

    assert at(some, rule=VERIFYING, now_minutes=99, versions=short).verdict is Verdict.WAIT
    assert at(some, rule=VERIFYING, now_minutes=100, versions=short).verdict is Verdict.INCONCLUSIVE


def test_without_the_requirement_bad_versions_are_told_and_decide_nothing():
    rule = GateRule(soak_ms=0)

    found = at(a_count(succeeded=50), rule=rule, versions=versions(old=50))

    assert found.verdict is Verdict.PASS
    assert found.reasons[1] == "50 old"


def test_late_bad_versions_of_an_earlier_wave_count_as_its_failures():
    def earlier(old, rule=VERIFYING):
        count = a_count(succeeded=49, failed=1)
        return EarlierWave(name="first", count=count, rule=rule, versions=versions(old=old))

    good = a_count(succeeded=50)

    assert at(good, now_minutes=60, earlier=[earlier(4)]).verdict is Verdict.PASS
    asked = at(good, now_minutes=60, earlier=[earlier(5)])
    assert (asked.verdict, asked.question) == (Verdict.WAIT, Question.STRAGGLERS)
    assert asked.reasons[0].startswith("6 of 50 things of wave first have failed since")
    known = a_decision(Act.APPROVE, wave="canary", answers=Question.STRAGGLERS, failed={"first": 6})
    assert at(good, now_minutes=60, earlier=[earlier(5)], decisions=[known]).verdict is Verdict.PASS
    unasked = GateRule(soak_ms=0)
    assert at(good, now_minutes=60, earlier=[earlier(49, unasked)]).verdict is Verdict.PASS

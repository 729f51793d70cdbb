"""Waves and their gate against an independent opinion, and what must hold whatever comes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.gate_oracle import counts_of, verdict_of

from otactl.model.job_configuration import RetryCriterion
from otactl.model.outcome import ThingOutcome
from otactl.model.progress import AlarmState
from otactl.model.status import ExecutionStatus, FailureType
from otactl.model.wave import Act, Decision, GateRule, Question, Verdict, WaveSize
from otactl.rules.waves.counting import count_wave
from otactl.rules.waves.gate import GateAlarm, GateInput, judge
from otactl.rules.waves.membership import divide, share_of, share_of_those_taken_last

THINGS = tuple(f"t{number}" for number in range(12))
RETRIES = (RetryCriterion(failure_type=FailureType.ALL, number_of_retries=1),)

sizes = st.lists(
    st.one_of(
        st.builds(WaveSize, things=st.integers(1, 20)),
        st.builds(WaveSize, hundredths=st.integers(1, 10_000)),
        st.builds(WaveSize, groups=st.lists(st.sampled_from("abc"), min_size=1).map(tuple)),
    ),
    max_size=5,
)
names = st.lists(st.text("abcdefgh-_:19", min_size=1, max_size=6), unique=True, max_size=40)


@given(names, sizes, st.text(max_size=80), st.data())
def test_every_thing_is_in_exactly_one_wave_whatever_the_sizes(things, sizes, seed, data):
    some = st.sets(st.sampled_from(things)) if things else st.just(set())
    members = {group: data.draw(some) | {"not listed"} for group in "abc"}

    waves = divide(things, (*sizes, WaveSize()), seed=seed, members=members)

    assert sorted(name for wave in waves for name in wave) == sorted(things)
    shuffled = data.draw(st.permutations(things))
    assert divide(shuffled, (*sizes, WaveSize()), seed=seed, members=members) == waves
    left = len(things)
    for size, wave in zip(sizes, waves, strict=False):
        if size.groups:
            assert all(any(name in members[group] for group in size.groups) for name in wave)
        elif size.things is not None:
            assert len(wave) == min(size.things, left)
        else:
            assert len(wave) == min(share_of(len(things), size.hundredths or 0), left)
        left -= len(wave)


@given(names, sizes, st.text(max_size=80), st.data())
def test_those_preferred_come_first_and_nothing_else_changes(things, sizes, seed, data):
    some = st.sets(st.sampled_from(things)) if things else st.just(set())
    members = {group: data.draw(some) for group in "abc"}
    preferred = data.draw(some) | {"not listed"}
    whole = (*sizes, WaveSize())

    waves = divide(things, whole, seed=seed, members=members, preferred=preferred)

    assert sorted(name for wave in waves for name in wave) == sorted(things)
    shuffled = data.draw(st.permutations(things))
    assert divide(shuffled, whole, seed=seed, members=members, preferred=preferred) == waves
    plain = divide(things, whole, seed=seed, members=members)
    for unlikely in (set(), set(things)):
        assert divide(things, whole, seed=seed, members=members, preferred=unlikely) == plain
    # A wave that takes by number has others only if no preferred one is left behind it.
    for number, (size, wave) in enumerate(zip(whole, waves, strict=True)):
        if not size.groups and not preferred.issuperset(wave):
            behind = {name for later in waves[number + 1 :] for name in later}
            assert not preferred & behind
    # Among equals the order is that of the hash, whatever was preferred.
    order = [name for wave in divide(things, [WaveSize()], seed=seed, members={}) for name in wave]
    for wave in waves:
        for equals in (preferred, set(things) - preferred):
            ranks = [order.index(name) for name in wave if name in equals]
            assert ranks == sorted(ranks)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.floats(0, 1))
def test_the_kind_that_is_taken_last_is_counted_once_and_from_the_end(waves, share):
    total = sum(waves)

    shares = [
        share_of_those_taken_last(sum(waves[:number]), things, total, share)
        for number, things in enumerate(waves)
    ]

    assert abs(sum(s * n for s, n in zip(shares, waves, strict=True)) - share * total) < 1e-6
    assert shares == sorted(shares)
    assert all(0 <= each <= 1 for each in shares)


@st.composite
def executions(draw):
    """What a job can show of its things: attempts in order, each seen once or twice."""
    found = []
    for name in draw(st.sets(st.sampled_from(THINGS), min_size=draw(st.sampled_from((0, 8))))):
        attempts = draw(st.integers(1, 2))
        for number in range(1, attempts + 1):
            is_last = number == attempts
            # Most succeed: a gate that hardly ever opens would be tested on one side only.
            statuses = [*ExecutionStatus, *[ExecutionStatus.SUCCEEDED] * 12]
            statuses = statuses if is_last else [ExecutionStatus.FAILED]
            status = draw(st.sampled_from(statuses))
            started = draw(st.integers(0, 20)) if status is not ExecutionStatus.QUEUED else None
            one = ThingOutcome(
                thing_name=name,
                status=status,
                execution_number=number,
                started_at_ms=started,
                updated_at_ms=(started or 0) + draw(st.integers(0, 20)),
            )
            found.append(one)
            if draw(st.booleans()):
                found.append(replace(one, status=ExecutionStatus.QUEUED, started_at_ms=None))
    return found


rules = st.builds(
    GateRule,
    required_ended=st.integers(100, 10_000),
    required_succeeded=st.integers(100, 10_000),
    soak_ms=st.integers(0, 30),
    maximum_ms=st.integers(1, 60),
    needs_approval=st.booleans(),
)
decisions = st.lists(
    st.builds(
        Decision,
        act=st.sampled_from(Act),
        wave=st.sampled_from(("canary", "early")),
        answers=st.sampled_from(Question),
        identity=st.just("arn:aws:iam::123456789012:user/ann"),
        host=st.just("h"),
        at_ms=st.just(0),
    ).filter(lambda one: one.act is not Act.REJECT),
    max_size=4,
)


def result_of(rule, found, now_ms, decided, *, is_over, went_off=False):
    alarm = GateAlarm(name="slow", state=AlarmState.OK, since_wave=went_off)
    count = count_wave(THINGS, found, RETRIES, is_over=is_over)
    inputs = GateInput(
        wave="canary", count=count, now_ms=now_ms, decisions=decided, alarms=(alarm,)
    )
    return judge(rule, inputs)


@given(rules, executions(), st.integers(0, 90), decisions, st.booleans(), st.booleans())
def test_the_gate_says_what_an_independent_opinion_says(
    rule, found, now_ms, decided, is_over, went_off
):
    started = [one.started_at_ms for one in found if one.started_at_ms is not None]

    verdict = result_of(rule, found, now_ms, decided, is_over=is_over, went_off=went_off).verdict

    assert verdict == verdict_of(
        rule,
        len(THINGS),
        counts_of(THINGS, found, 1, is_over=is_over),
        first_started_ms=min(started, default=None),
        now_ms=now_ms,
        decisions=decided,
        alarms_went_off=went_off,
        wave="canary",
    )


@given(rules, executions(), st.integers(0, 90), decisions, st.booleans(), st.data())
def test_the_order_of_events_is_irrelevant(rule, found, now_ms, decided, is_over, data):
    shuffled = data.draw(st.permutations(found))

    assert result_of(rule, shuffled, now_ms, decided, is_over=is_over) == result_of(
        rule, found, now_ms, decided, is_over=is_over
    )


@given(rules, executions(), st.integers(40, 90), decisions, st.booleans(), st.data())
def test_a_thing_that_fails_in_place_of_succeeding_never_opens_a_gate(
    rule, found, now_ms, decided, is_over, data
):
    good = [one for one in found if one.status is ExecutionStatus.SUCCEEDED]
    assume(good)
    bad = data.draw(st.sampled_from(good))
    worse = [replace(one, status=ExecutionStatus.REJECTED) if one is bad else one for one in found]
    before = result_of(rule, found, now_ms, decided, is_over=is_over).verdict

    after = result_of(rule, worse, now_ms, decided, is_over=is_over).verdict

    assert after is not Verdict.PASS or before is Verdict.PASS


@given(rules, executions(), st.integers(0, 90), decisions, st.booleans(), st.data())
def test_one_more_failure_never_mends_a_gate_that_failed(
    rule, found, now_ms, decided, is_over, data
):
    before = result_of(rule, found, now_ms, decided, is_over=is_over).verdict
    name = data.draw(st.sampled_from(THINGS))
    failure = ThingOutcome(
        thing_name=name,
        status=ExecutionStatus.REJECTED,
        execution_number=3,
        started_at_ms=0,
        updated_at_ms=now_ms,
    )

    after = result_of(rule, [*found, failure], now_ms, decided, is_over=is_over).verdict

    states = counts_of(THINGS, found, 1, is_over=is_over)
    added = counts_of(THINGS, [*found, failure], 1, is_over=is_over)
    if len(added["failed"]) > len(states["failed"]) and before is Verdict.FAIL:
        assert after is Verdict.FAIL


@given(rules, executions(), decisions, st.booleans(), st.integers(0, 90), st.integers(0, 90))
def test_time_alone_never_takes_a_pass_back(rule, found, decided, is_over, now_ms, more_ms):
    before = result_of(rule, found, now_ms, decided, is_over=is_over).verdict

    later = result_of(rule, found, now_ms + more_ms, decided, is_over=is_over).verdict

    assert before is not Verdict.PASS or later is Verdict.PASS

"""What holds for every rollout, every abort criterion and every chain of retries."""

from hypothesis import given
from hypothesis import strategies as st

from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    RateIncreaseCriteria,
    RetryCriterion,
    Rollout,
)
from otactl.model.status import ExecutionStatus, FailureType
from otactl.rules.abort import firing_criterion, missing_failures
from otactl.rules.execution import may_decide, may_follow, may_report
from otactl.rules.retry import retries_left
from otactl.rules.rollout import RolloutState, next_release, rate_per_minute

counts = st.integers(0, 10**7)
rates = st.builds(
    ExponentialRate,
    base_rate_per_minute=st.integers(1, 1000),
    increment_factor=st.integers(11, 50).map(lambda tenths: tenths / 10),
    rate_increase_criteria=st.one_of(
        st.builds(RateIncreaseCriteria, number_of_notified_things=st.integers(1, 10**6)),
        st.builds(RateIncreaseCriteria, number_of_succeeded_things=st.integers(1, 10**6)),
    ),
)
rollouts = st.builds(
    Rollout, maximum_per_minute=st.integers(1, 1000), exponential_rate=st.none() | rates
)
states = st.builds(RolloutState, waiting=counts, notified=counts, succeeded=counts)
abort_criteria = st.builds(
    AbortCriterion,
    failure_type=st.sampled_from(FailureType),
    threshold_percentage=st.integers(1, 10_000).map(lambda hundredths: hundredths / 100),
    min_number_of_executed_things=st.integers(1, 10_000),
)
statuses = st.sampled_from(ExecutionStatus)


@given(rollouts, states)
def test_no_minute_notifies_more_than_the_maximum_or_than_there_are(
    rollout: Rollout, state: RolloutState
) -> None:
    batch = next_release(rollout, state)
    assert 0 <= batch <= min(rollout.maximum_per_minute, state.waiting)
    # A rollout never stands still: the rate is no gate.
    assert batch > 0 or state.waiting == 0


@given(rollouts, states, st.integers(0, 10**6))
def test_progress_never_lowers_the_rate(rollout: Rollout, state: RolloutState, more: int) -> None:
    later = RolloutState(
        waiting=state.waiting, notified=state.notified + more, succeeded=state.succeeded + more
    )
    assert rate_per_minute(rollout, later) >= rate_per_minute(rollout, state)


@given(st.dictionaries(statuses, st.integers(0, 1000)), st.lists(abort_criteria, max_size=4))
def test_one_more_failure_never_calls_an_abort_off(
    seen: dict[ExecutionStatus, int], criteria: list[AbortCriterion]
) -> None:
    if firing_criterion(criteria, seen) is None:
        return
    worse = {**seen, ExecutionStatus.FAILED: seen.get(ExecutionStatus.FAILED, 0) + 1}
    all_types = [c for c in criteria if ExecutionStatus.FAILED in c.failure_type.statuses]
    if firing_criterion(all_types, seen) is not None:
        assert firing_criterion(all_types, worse) is not None


@given(abort_criteria, st.integers(0, 5000), st.integers(0, 5000))
def test_the_distance_is_zero_just_when_the_criterion_is_met(
    criterion: AbortCriterion, failed: int, others: int
) -> None:
    status = next(iter(criterion.failure_type.statuses))
    met = firing_criterion([criterion], {status: failed, ExecutionStatus.SUCCEEDED: others})
    assert (missing_failures(criterion, failed, failed + others) == 0) == (met is not None)


@given(st.lists(st.tuples(statuses, st.booleans())))
def test_whatever_is_reported_or_decided_a_terminal_status_stays(
    changes: list[tuple[ExecutionStatus, bool]],
) -> None:
    current = ExecutionStatus.QUEUED
    for wanted, by_thing in changes:
        allowed = (
            may_report(current, wanted) if by_thing else may_decide(current, wanted, by_force=True)
        )
        if current.is_terminal:
            assert not allowed
        if allowed:
            assert may_follow(current, wanted)
            current = wanted


@given(
    st.lists(
        st.builds(
            RetryCriterion,
            failure_type=st.sampled_from([FailureType.FAILED, FailureType.TIMED_OUT]),
            number_of_retries=st.integers(0, 10),
        ),
        max_size=2,
    ),
    st.lists(st.sampled_from([ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT]), min_size=40),
)
def test_a_chain_of_failures_always_ends(
    criteria: list[RetryCriterion], endings: list[ExecutionStatus]
) -> None:
    attempts = 1
    while retries_left(tuple(criteria), endings[attempts - 1], attempts) > 0:
        attempts += 1
    assert attempts <= 11

"""Retries: their effect on the abort percentage, and on things that are gone."""

from __future__ import annotations

from collections.abc import Iterator

from otactl.errors.problem import Severity
from otactl.forecast.lint.abort_check import TOLERABLE
from otactl.forecast.lint.finding import Finding, chance, finding, percent
from otactl.forecast.lint.lint_context import LintContext
from otactl.model.job_configuration import AbortCriterion, RetryCriterion
from otactl.model.status import FailureType, TargetSelection
from otactl.rules.first_passage import probability_of_firing

_KEYS = {
    FailureType.ALL: "numberOfRetriesAll",
    FailureType.FAILED: "numberOfRetriesFailed",
    FailureType.TIMED_OUT: "numberOfRetriesTimedOut",
}


def check_retry(context: LintContext) -> Iterator[Finding]:
    """Everything about retries."""
    for retry in context.job.retry_criteria:
        if retry.number_of_retries > 0:
            yield from _heavy_failures(context, retry)
            yield from _dead_things(context, retry)
            yield from _rejections(context, retry)


def _heavy_failures(context: LintContext, retry: RetryCriterion) -> Iterator[Finding]:
    """Each attempt counts as an execution of its own (aws-facts A5, C)."""
    counted = [c for c in context.job.abort_criteria if _counts_retried(c, retry)]
    if not counted:
        return
    criterion = min(counted, key=lambda c: c.threshold_percentage)
    attempts = 1 + retry.number_of_retries
    share = criterion.threshold_percentage / 100
    # p bad things make p * attempts failures among p * attempts + (1 - p) executions.
    bad = share / (attempts - share * (attempts - 1))
    message = (
        f"every attempt counts in the abort percentage: a thing that fails each time weighs "
        f"{attempts} times, and {percent(bad)} of such things meet the threshold of "
        f"{criterion.threshold_percentage:g}%"
    )
    trips = _trips(context, criterion, repeats=None)
    repeated = _trips(context, criterion, repeats=1.0)
    if trips >= TOLERABLE:
        message += f"; a healthy fleet trips it with a chance of {chance(trips)}"
    elif repeated >= TOLERABLE:
        message += (
            f"; a healthy fleet, if the things that fail did so every time, would trip it with a "
            f"chance of {chance(repeated)}"
        )
    yield finding(
        "OTA401",
        message,
        safe="fewer retries, or a higher threshold over more executions",
        key=_KEYS[retry.failure_type],
        severity=Severity.WARNING if trips >= TOLERABLE else Severity.NOTE,
    )


def _trips(context: LintContext, criterion: AbortCriterion, *, repeats: float | None) -> float:
    """The chance that a healthy fleet trips the criterion, its retries counted.

    Args:
        context: The deployment and its fleet.
        criterion: The criterion.
        repeats: The chance that a retry after FAILED fails too; None for the profile's own.
    """
    failures, executions = 0.0, 1.0
    counted = criterion.failure_type.statuses
    for failure_type, share, again, retries in _kinds(context, repeats):
        # The n-th retry is made when the n attempts before it have failed.
        attempts = [share * again**number for number in range(retries + 1)]
        if failure_type.statuses <= counted:
            failures += sum(attempts)
        executions += sum(attempts[:-1])
    return probability_of_firing(
        criterion, min(1.0, failures / executions), round(context.things * executions)
    )


def _kinds(
    context: LintContext, repeats: float | None
) -> Iterator[tuple[FailureType, float, float, int]]:
    """How a healthy fleet fails: the type, its share, the chance to repeat it, the retries."""
    failed = context.failure_share(FailureType.FAILED)
    if repeats is None:
        weighed = context.mean(
            lambda g: (
                g.failure_rate
                * (g.failure_rate if g.repeat_failure_rate is None else g.repeat_failure_rate)
            )
        )
        repeats = weighed / failed if failed else 0.0
    yield FailureType.FAILED, failed, repeats, context.retries_of(FailureType.FAILED)
    yield FailureType.REJECTED, context.failure_share(FailureType.REJECTED), 0.0, 0
    # A thing that went silent with the new image never starts its retry; one that is too slow for
    # the timeout is too slow each time.
    timed_out = context.failure_share(FailureType.TIMED_OUT)
    slow = max(0.0, timed_out - context.mean(lambda g: g.silence_rate))
    again = slow / timed_out if timed_out else 0.0
    yield FailureType.TIMED_OUT, timed_out * (1 - again), 0.0, 0
    yield FailureType.TIMED_OUT, slow, 1.0, context.retries_of(FailureType.TIMED_OUT)


def _counts_retried(criterion: AbortCriterion, retry: RetryCriterion) -> bool:
    retried = {FailureType.FAILED, FailureType.TIMED_OUT}
    if retry.failure_type is not FailureType.ALL:
        retried = {retry.failure_type}
    return criterion.failure_type is FailureType.ALL or criterion.failure_type in retried


def _dead_things(context: LintContext, retry: RetryCriterion) -> Iterator[Finding]:
    if retry.failure_type is FailureType.FAILED:
        return
    if context.job.target_selection is TargetSelection.CONTINUOUS:
        return
    silent = context.mean(lambda g: g.silence_rate * g.silence_after_install)
    expected = context.things * silent
    if expected < 1 or context.job.in_progress_timeout_minutes is None:
        return
    yield finding(
        "OTA402",
        f"a thing that went silent, about {expected:,.0f} of {context.things:,}, times out, is "
        "queued again and never begins: nothing times a QUEUED execution, so the job never "
        "completes",
        safe="numberOfRetriesFailed alone, when silent things do not come back by themselves",
        key=_KEYS[retry.failure_type],
    )


def _rejections(context: LintContext, retry: RetryCriterion) -> Iterator[Finding]:
    rejected = context.mean(lambda g: g.rejection_rate)
    if retry.failure_type is not FailureType.ALL or not rejected:
        return
    yield finding(
        "OTA403",
        f"does not cover REJECTED, which {percent(rejected)} of the things answer: ALL means "
        "FAILED and TIMED_OUT here",
        safe="let a thing that should be retried report FAILED",
        severity=Severity.NOTE,
    )

"""Abort criteria: do they ever fire, do they fire on a healthy fleet, do they fire in time?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otactl.errors.problem import Severity
from otactl.forecast.lint.finding import Finding, chance, counted, duration, finding, percent
from otactl.forecast.lint.lint_context import NEARLY_ALL, LintContext
from otactl.model.job_configuration import AbortCriterion
from otactl.model.status import ExecutionStatus, FailureType
from otactl.rules.abort import is_met, threshold_hundredths
from otactl.rules.first_passage import probability_of_firing

#: A person can watch a fleet smaller than this.
FEW_THINGS = 10
#: In a fleet smaller than this a criterion may wait for up to half of the things.
SMALL_FLEET = 80
#: The highest tolerable chance that a healthy fleet trips a criterion or fails a gate.
TOLERABLE = 0.01
LIKELY = 0.5
#: Above this a threshold is too high.
HIGH_PERCENTAGE = 50
#: Values to suggest for minNumberOfExecutedThings, the best first.
_MINIMA = (20, 30, 50, 100, 200, 500, 1000, 10, 5)
#: Half of these is two failures.
_FEWEST = 4
#: The suggestion if one thing a minute is too fast: AWS goes no slower.
WAVES_WAIT = "[WAVE_CONFIG], whose gates wait for results: AWS goes no slower than 1 per minute"


def check_abort(context: LintContext) -> Iterator[Finding]:
    """Everything about the abort criteria."""
    if not context.job.abort_criteria and context.things >= FEW_THINGS:
        yield finding(
            "OTA104",
            f"nothing stops a bad image: all {context.things:,} things get it, however many fail",
            safe=_safe_criterion(context, FailureType.ALL),
        )
    for criterion in context.job.abort_criteria:
        yield from _check_criterion(context, criterion)
    yield from _failed_not_counted(context)


def _failed_not_counted(context: LintContext) -> Iterator[Finding]:
    """FAILED is how a device reports a bad image; the other types alone do not see one."""
    criteria = context.job.abort_criteria
    counted_types = {status for each in criteria for status in each.failure_type.statuses}
    if not criteria or ExecutionStatus.FAILED in counted_types or context.things < FEW_THINGS:
        return
    types = " and ".join(each.failure_type for each in criteria)
    yield finding(
        "OTA107",
        f"no criterion counts FAILED, only {types}: all {context.things:,} things get an image "
        "that fails on every one of them",
        safe=f"useFailedSubsection = True, {_safe_criterion(context, FailureType.FAILED)}",
    )


def _check_criterion(context: LintContext, criterion: AbortCriterion) -> Iterator[Finding]:
    never = _never_fires(context, criterion)
    if never is not None:
        yield never
        return
    yield from _false_alarm(context, criterion)
    yield from _too_high(context, criterion)
    yield from _too_late(context, criterion)


def _never_fires(context: LintContext, criterion: AbortCriterion) -> Finding | None:
    attempts = 1 + max(
        context.retries_of(FailureType.FAILED), context.retries_of(FailureType.TIMED_OUT)
    )
    minimum = criterion.min_number_of_executed_things
    if minimum > context.things * attempts:
        return finding(
            "OTA101",
            f"can never fire: it waits for {minimum:,} executions to end, and "
            f"there are {context.things * attempts:,} at most, of "
            f"{counted(context.things, 'thing')}",
            safe=_safe_criterion(context, criterion.failure_type),
            of=criterion.failure_type,
            severity=Severity.ERROR,
        )
    no_timeout = context.job.in_progress_timeout_minutes is None
    if criterion.failure_type is FailureType.TIMED_OUT and no_timeout:
        return finding(
            "OTA106",
            "can never fire: without a timeout no execution is ever TIMED_OUT",
            safe="useTimeoutConfig = True, with a timeout that the slowest healthy thing meets",
            of=criterion.failure_type,
            severity=Severity.ERROR,
        )
    return None


def _false_alarm(context: LintContext, criterion: AbortCriterion) -> Iterator[Finding]:
    rate = context.failure_share(criterion.failure_type)
    trips = probability_of_firing(criterion, rate, context.things)
    minimum = max(1, criterion.min_number_of_executed_things)
    single = _failures_enough(criterion, 1)
    # With few things it is intended that the first or second failure cancels the job.
    limit = LIKELY if context.things < FEW_THINGS else TOLERABLE
    if trips < limit and not (single and minimum == 1):
        return
    alone = f"one failure among the first {single:,} executions cancels the job"
    odds = (
        f"a healthy fleet, {percent(rate)} of it failing, trips it with a chance of {chance(trips)}"
    )
    yield finding(
        "OTA102",
        "; ".join([alone] * bool(single) + [odds] * (rate > 0)),
        safe=_safe_criterion(context, criterion.failure_type),
        of=criterion.failure_type,
        severity=Severity.ERROR if trips >= LIKELY else Severity.WARNING,
    )


def _failures_enough(criterion: AbortCriterion, failures: int) -> int:
    """The most executions among which N failures meet the criterion; 0 if they never do."""
    if not is_met(criterion, failures, max(failures, criterion.min_number_of_executed_things)):
        return 0
    return failures * 10_000 // threshold_hundredths(criterion)


def _too_high(context: LintContext, criterion: AbortCriterion) -> Iterator[Finding]:
    if criterion.threshold_percentage > HIGH_PERCENTAGE:
        yield finding(
            "OTA103",
            f"{criterion.threshold_percentage:g}% must fail before anything happens: an image "
            "that fails on half of the fleet is rolled out to the end",
            safe=_safe_criterion(context, criterion.failure_type),
            of=criterion.failure_type,
        )


def _too_late(context: LintContext, criterion: AbortCriterion) -> Iterator[Finding]:
    """When it can fire, nearly everything is notified; without staging this is OTA201."""
    if context.things < FEW_THINGS or context.is_unstaged:
        return
    minimum = criterion.min_number_of_executed_things
    seconds = context.seconds_until_executed(minimum)
    notified = context.notified_when_executed(minimum)
    if notified < NEARLY_ALL * context.things:
        return
    when = (
        "when everything that is connected has finished"
        if seconds is None
        else f"after about {duration(seconds)}"
    )
    earlier = _earlier_criterion(context, criterion)
    rollout = context.job.rollout
    is_slowest = rollout is not None and rollout.maximum_per_minute == 1
    yield finding(
        "OTA105",
        f"comes too late: {minimum:,} executions have ended {when}, and by then "
        f"{notified:,} of {context.things:,} things are notified",
        safe=earlier
        or (
            WAVES_WAIT
            if is_slowest
            else "a lower minNumberOfExecutedThings, or a rollout that begins so slowly that the "
            "first things have finished before most are notified"
        ),
        of=criterion.failure_type,
        severity=Severity.NOTE if earlier is None and is_slowest else Severity.WARNING,
    )


def _earlier_criterion(context: LintContext, criterion: AbortCriterion) -> str | None:

    def is_early(minimum: int) -> bool:
        return context.notified_when_executed(minimum) < NEARLY_ALL * context.things

    lower = [n for n in (*_MINIMA, _FEWEST) if n < criterion.min_number_of_executed_things]
    return _search(context, criterion.failure_type, filter(is_early, lower))


def _safe_criterion(context: LintContext, failure_type: FailureType) -> str:
    """A criterion that a healthy fleet trips in less than one rollout of a hundred."""
    found = _search(context, failure_type, _MINIMA)
    if found is not None:
        return found
    if context.things < FEW_THINGS:
        return "no criterion: watch the few things, and run otactl cancel if one of them fails"
    return "a threshold well above the failures of a healthy fleet, of a tenth of it"


def _search(context: LintContext, failure_type: FailureType, minima: Iterable[int]) -> str | None:
    """The first of these minima that has a safe threshold, with the lowest safe threshold.

    It needs two failures at least, and a quarter of the fleet at most; half of a small fleet.
    """
    rate = context.failure_share(failure_type)
    most = context.things // (4 if context.things >= SMALL_FLEET else 2)
    for minimum in minima:
        for threshold in (2, 3, 5, 8, 10, 15, 20, 30, 40, HIGH_PERCENTAGE):
            found = AbortCriterion(
                failure_type=failure_type,
                threshold_percentage=threshold,
                min_number_of_executed_things=minimum,
            )
            if threshold / 100 < 2 * rate or threshold * minimum < 2 * 100:
                continue
            if minimum <= most and (probability_of_firing(found, rate, context.things) < TOLERABLE):
                return f"thresholdPercentage = {threshold} of minNumberOfExecutedThings = {minimum}"
    return None

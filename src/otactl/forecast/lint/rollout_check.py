"""The rollout's rate: is it staged, does it rise, does it wait for results?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from otactl.errors.problem import Severity
from otactl.forecast.lint.abort_check import FEW_THINGS, WAVES_WAIT
from otactl.forecast.lint.finding import Finding, duration, finding
from otactl.forecast.lint.lint_context import LintContext
from otactl.model.job_configuration import ExponentialRate, Rollout, Scheduling
from otactl.model.status import TargetSelection
from otactl.rules.rollout import DEFAULT_MAXIMUM_PER_MINUTE, RolloutState, rate_per_minute
from otactl.rules.schedule import open_minutes

_MINUTE_SECONDS = 60
DAY_MINUTES = 1440
#: A week; a longer rollout is given up, or forgotten, before it is over.
MANY_MINUTES = 7 * DAY_MINUTES
#: Four weeks from a Monday, for the share of time in which windows are open.
_USUAL, _MONTH_MINUTES = datetime(2027, 1, 4, tzinfo=UTC), 28 * DAY_MINUTES
#: Shares of the fleet notified before the first result: a warning, and a note.
MUCH, NOTEWORTHY = 0.5, 0.25


def check_rollout(context: LintContext) -> Iterator[Finding]:
    """Everything about the rollout."""
    if context.things < FEW_THINGS:
        return
    rollout = context.job.rollout
    yield from _no_staging(context)
    rises = list[Finding]()
    if rollout is not None and rollout.exponential_rate is not None:
        rises += _check_rate(context, rollout, rollout.exponential_rate)
    yield from rises
    if all(finding.code != "OTA202" for finding in rises):
        yield from _takes_weeks(context)
    yield from _late_joiners(context)
    yield from _schedule_too_short(context)


def _no_staging(context: LintContext) -> Iterator[Finding]:
    """Much of the fleet is notified before the first result is known."""
    rollout, things = context.job.rollout, context.things
    early = context.notified_before_results
    if early < NOTEWORTHY * things:
        return
    rate = rate_per_minute(rollout, RolloutState(waiting=things))
    whose = (
        f"the service's own {DEFAULT_MAXIMUM_PER_MINUTE:,} per minute"
        if rollout is None
        else f"{rate:,} per minute"
    )
    when = duration(max(_MINUTE_SECONDS, context.typical_seconds))
    # A tenth of the fleet before results are known, even over several minutes.
    tenth = max(1, things // (10 * (1 + int(context.typical_seconds // _MINUTE_SECONDS))))
    yield finding(
        "OTA201",
        f"{'there is no' if early >= MUCH * things else 'there is little'} staging: at "
        f"{whose}, {early:,} of {things:,} things are notified in the first {when}, before "
        "any of them has finished",
        safe=(
            f"maximumPerMinute = {tenth:,}{' or less' if tenth > 1 else ''}, so that a tenth of "
            "the fleet has it by then, or an exponential rate"
            if rate > 1
            else WAVES_WAIT
        ),
        section="" if rollout else "DEFAULT",
        key="" if rollout else "useJobExecutionsRolloutConfig",
        severity=Severity.WARNING if early >= MUCH * things and rate > 1 else Severity.NOTE,
    )


def _takes_weeks(context: LintContext) -> Iterator[Finding]:
    """A rate so slow that the rollout is given up, or forgotten, before it is over."""
    minutes = round(context.rollout_minutes / (_open_share(context) or 1))
    if minutes <= MANY_MINUTES:
        return
    rollout, scheduling = context.job.rollout, context.job.scheduling
    in_windows = " in its windows" if scheduling and scheduling.maintenance_windows else ""
    yield finding(
        "OTA208",
        f"it takes {duration(minutes * _MINUTE_SECONDS)} until the last of "
        f"{context.things:,} things is notified{in_windows}, when all goes well",
        safe=(
            "longer or more windows, or a higher rate"
            if in_windows
            else f"a slow start that rises: {-(-context.things // DAY_MINUTES):,} per minute and "
            "more notify every thing within a day"
        ),
        section="" if rollout else "DEFAULT",
        key="" if rollout else "useJobExecutionsRolloutConfig",
    )


def _open_share(context: LintContext) -> float:
    scheduling = context.job.scheduling
    windows = () if scheduling is None else scheduling.maintenance_windows
    opens = open_minutes(Scheduling(maintenance_windows=windows), _USUAL, _MONTH_MINUTES)
    return len(opens) / _MONTH_MINUTES


def _check_rate(context: LintContext, rollout: Rollout, rate: ExponentialRate) -> Iterator[Finding]:
    criteria = rate.rate_increase_criteria
    step = criteria.number_of_notified_things or criteria.number_of_succeeded_things or 0
    if step >= context.things:
        yield finding(
            "OTA202",
            f"the rate never rises: the first raise comes after {step:,} things, and there are "
            f"{context.things:,}; at {rate.base_rate_per_minute} per minute the rollout takes "
            f"{duration(context.rollout_minutes * _MINUTE_SECONDS)}",
            safe=f"a number well below the fleet, such as {max(1, context.things // 20):,}",
            key=_key(rate),
        )
        return
    if criteria.number_of_succeeded_things is not None:
        yield from _no_gate(context, rate)
    else:
        yield from _blind_raises(context, rollout, rate)


def _key(rate: ExponentialRate) -> str:
    if rate.rate_increase_criteria.number_of_succeeded_things is not None:
        return "numberOfSucceededThings"
    return "numberOfNotifiedThings"


def _no_gate(context: LintContext, rate: ExponentialRate) -> Iterator[Finding]:
    """Successes raise the rate; failures do not hold it back (aws-facts B2)."""
    if context.job.abort_criteria:
        return
    minutes = -(-context.things // rate.base_rate_per_minute)
    yield finding(
        "OTA203",
        "is no gate: when nothing succeeds the rollout goes on at the base rate and has "
        f"notified every thing after {duration(minutes * _MINUTE_SECONDS)}",
        safe="an abort criterion besides; only that stops a rollout",
    )


def _blind_raises(
    context: LintContext, rollout: Rollout, rate: ExponentialRate
) -> Iterator[Finding]:
    """The rate is at its maximum before the first thing has finished."""
    notified = context.notified_after(context.typical_seconds)
    state = RolloutState(waiting=context.things - notified, notified=notified)
    reached = rate_per_minute(rollout, state)
    if notified < context.things and reached < rollout.maximum_per_minute:
        return
    if reached <= rate.base_rate_per_minute:
        return
    yield finding(
        "OTA204",
        f"the slow start is over before it has shown anything: a thing takes about "
        f"{duration(context.typical_seconds)}, and by then {notified:,} of {context.things:,} "
        f"are notified and the rate is {reached:,} per minute",
        safe="numberOfSucceededThings instead, or a larger number of notified things",
    )


def _late_joiners(context: LintContext) -> Iterator[Finding]:
    if context.job.target_selection is not TargetSelection.CONTINUOUS:
        return
    # The groups of waves are otactl's own: no thing joins them.
    if context.job.rollout is None or context.configuration.waves is not None:
        return
    yield finding(
        "OTA206",
        "a thing that joins the group of a CONTINUOUS job later gets it at once: late joiners "
        "escape the rate",
        safe="add things to the group no faster than the rate, or give them a job of their own",
    )


def _schedule_too_short(context: LintContext) -> Iterator[Finding]:
    scheduling = context.job.scheduling
    if scheduling is None or scheduling.start_time is None or scheduling.end_time is None:
        return
    lasts = datetime.fromisoformat(scheduling.end_time) - datetime.fromisoformat(
        scheduling.start_time
    )
    needed = context.rollout_minutes * _MINUTE_SECONDS
    if needed <= lasts.total_seconds():
        return
    reached = context.notified_after(lasts.total_seconds())
    yield finding(
        "OTA207",
        f"comes before the rollout is over: notifying {context.things:,} things takes "
        f"{duration(needed)}, the schedule lasts {duration(lasts.total_seconds())} and reaches "
        f"{reached:,}",
        safe="a later endTime or a higher rate",
    )

"""A second opinion on waves and gates, written from the issue and not from the code.

It is slow and literal on purpose: percentages are fractions, a gate's past is replayed second by
second, and every thing is looked at by itself.
"""

from __future__ import annotations

import math
from fractions import Fraction

from otactl.model.status import ExecutionStatus
from otactl.model.wave import Act, Question

ENDS = {"SUCCEEDED", "FAILED", "REJECTED", "TIMED_OUT"}


def whole_things(percentage_hundredths: int, things: int) -> int:
    return math.ceil(Fraction(percentage_hundredths, 10_000) * things)


def state_of(name, executions, retries_allowed, *, is_over):
    """open, succeeded, failed or not-reached, and when it got there."""
    mine = [one for one in executions if one.thing_name == name]
    if not mine:
        return ("not-reached" if is_over else "open"), None
    number = max(one.execution_number for one in mine)
    last = [one for one in mine if one.execution_number == number]
    ended = [one for one in last if one.status.value not in ("QUEUED", "IN_PROGRESS")]
    if not ended:
        return "open", None
    (status,) = {one.status for one in ended}
    at_ms = max(one.updated_at_ms or 0 for one in ended)
    if status is ExecutionStatus.SUCCEEDED:
        return "succeeded", at_ms
    if status.value in ("CANCELED", "REMOVED"):
        return "not-reached", None
    may_retry = status.value in ("FAILED", "TIMED_OUT") and number <= retries_allowed
    if may_retry and not is_over:
        return "open", None
    return "failed", at_ms


def counts_of(things, executions, retries_allowed, *, is_over):
    found = [state_of(name, executions, retries_allowed, is_over=is_over) for name in things]
    return {
        "succeeded": [at for state, at in found if state == "succeeded"],
        "failed": [at for state, at in found if state == "failed"],
        "open": sum(state == "open" for state, _ in found),
        "not-reached": sum(state == "not-reached" for state, _ in found),
    }


def enough_at(rule, given, counts, moment) -> bool:
    succeeded = sum(at <= moment for at in counts["succeeded"])
    ended = succeeded + sum(at <= moment for at in counts["failed"])
    return ended >= whole_things(rule.required_ended, given) and succeeded >= whole_things(
        rule.required_succeeded, ended
    )


def has_soaked(rule, given, counts, now_ms) -> bool:
    """Whether it was enough at every instant of the last ``soak_ms``."""
    moments = {now_ms - rule.soak_ms, *counts["succeeded"], *counts["failed"]}
    return all(
        enough_at(rule, given, counts, moment)
        for moment in moments
        if moment >= now_ms - rule.soak_ms
    )


def verdict_of(rule, given, counts, *, first_started_ms, now_ms, decisions, alarms_went_off, wave):
    """pass, fail, wait or inconclusive, of a gate in the middle that nothing else holds."""
    acts = [one.act for one in decisions]
    failed = len(counts["failed"])
    if Act.REJECT in acts or alarms_went_off:
        return "fail"
    if Fraction(failed) > Fraction(10_000 - rule.required_succeeded, 10_000) * given:
        return "fail"
    approved = {one.answers for one in decisions if one.act is Act.APPROVE and one.wave == wave}
    if Question.INCONCLUSIVE in approved:
        pass  # a person has released it, whatever has ended since
    elif not enough_at(rule, given, counts, 10**18):
        ended = failed + len(counts["succeeded"])
        can_end = ended + counts["open"] >= whole_things(rule.required_ended, given)
        is_late = first_started_ms is not None and now_ms >= first_started_ms + rule.maximum_ms
        return "inconclusive" if is_late or not can_end or not counts["open"] else "wait"
    elif not has_soaked(rule, given, counts, now_ms):
        return "wait"
    if rule.needs_approval and not approved & {Question.APPROVAL, Question.INCONCLUSIVE}:
        return "wait"
    switches = [act for act in acts if act in (Act.PAUSE, Act.CONTINUE)]
    return "wait" if switches and switches[-1] is Act.PAUSE else "pass"

"""A second opinion on verdicts of versions, written from the issue and not from the code.

Each verdict is a predicate by itself; the first that fits in the issue's order is the verdict.
"""

from __future__ import annotations

MINUTE = 60_000


def proves_new(rule, case) -> bool:
    if case.state.version != rule.expected_version:
        return False
    if case.former == rule.expected_version:
        return case.state.version_at_ms is not None and case.state.version_at_ms > case.ended_ms
    return True


def connected(state):
    """True, False, or "unknown" where the client id is not the thing's name."""
    if state.is_connected is True:
        return True
    return "unknown" if state.is_connected is None or state.connection_at_ms is None else False


def too_many_boots(rule, case) -> bool:
    if case.boots_before is None or case.state.boots is None:
        return False
    if case.state.boots < case.boots_before:
        return case.state.boots > rule.maximum_boots
    return case.state.boots - case.boots_before > rule.maximum_boots


def heard_since(state, moment) -> bool:
    moments = (state.version_at_ms, state.boots_at_ms, state.connection_at_ms)
    return any(each is not None and each > moment for each in moments)


def verdict_of(rule, case) -> str:
    """Of a thing that SUCCEEDED and was polled at ``case.at_ms``."""
    new, state = proves_new(rule, case), case.state
    gone = connected(state) is False
    two_polls = case.first_gone_ms is not None and case.at_ms - case.first_gone_ms >= rule.dark_ms
    is_dark = new and gone and two_polls and not heard_since(state, case.first_gone_ms)
    waits_for_second_poll = new and gone and not two_polls
    reported_since = (
        state.version is not None
        and state.version_at_ms is not None
        and state.version_at_ms > case.ended_ms
    )
    flaps = too_many_boots(rule, case)
    predicates = [
        ("unknown", bool(state.unreadable)),
        ("pending", case.at_ms < case.ended_ms + rule.verify_ms or waits_for_second_poll),
        ("verified", new and not is_dark and not flaps),
        ("old", reported_since and not new),
        ("silent", not new and gone),
        ("dark", is_dark),
        ("flapping", flaps),
        ("no word", True),
    ]
    return next(name for name, fits in predicates if fits)

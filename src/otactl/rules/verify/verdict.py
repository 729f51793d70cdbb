"""The verdict on the version of one thing: the first that applies, in the enumeration's order.

- Nothing is decided before ``verifyMinutes`` after the end of the execution: until then a thing may
  report its former version, reboot, and report the new one.
- A version is new if it is the expected one. If the thing reported that version already before the
  update, only a report later than SUCCEEDED counts.
- Another version is *old* if the shadow's metadata says that it was written after SUCCEEDED.
- A thing is gone if AWS reports it disconnected, with the time: without a time no client of that
  name ever connected, so its client id is not its name and nothing is known.
- *Dark* needs two polls, ``darkMinutes`` apart, with the thing gone at both, and neither a report
  nor a connection in between.
- Boots are counted from before the update. A counter that is smaller now was reset by the update
  and counts from 0. Without a counter no thing flaps.

All of it is pure; every time is AWS's, epoch milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from otactl.model.thing_state import ThingState
from otactl.model.verify import BAD_VERDICTS, ThingVersion, VerifyRule, VersionPoll, VersionVerdict


def judge_version(rule: VerifyRule, thing: ThingVersion) -> VersionVerdict | None:
    """The verdict on a thing whose execution ended.

    Returns:
        None if its execution failed, unless it runs the new version all the same.
    """
    last = thing.last
    is_due = last is not None and last.at_ms >= due_ms(rule, thing)
    if not thing.succeeded:
        is_new = is_due and last is not None and runs_expected(rule, thing, last.state)
        return VersionVerdict.FAILED_BUT_NEW if is_new else None
    if last is not None and last.state.unreadable:
        return VersionVerdict.UNKNOWN
    if last is None or not is_due:
        return VersionVerdict.PENDING
    is_new = runs_expected(rule, thing, last.state)
    return _of_new(rule, thing, last) if is_new else _of_others(rule, thing, last)


def due_ms(rule: VerifyRule, thing: ThingVersion) -> int:
    """The earliest time at which a poll decides, epoch milliseconds."""
    return thing.ended_ms + rule.verify_ms


def next_poll_ms(rule: VerifyRule, thing: ThingVersion) -> int:
    """The earliest time at which another poll can change the verdict, epoch milliseconds."""
    due = due_ms(rule, thing)
    return due if thing.first_gone is None else max(due, thing.first_gone.at_ms + rule.dark_ms)


def runs_expected(rule: VerifyRule, thing: ThingVersion, state: ThingState) -> bool:
    """Whether what it reports proves that the new version runs."""
    return state.version == rule.expected_version and (
        thing.former != rule.expected_version or _is_after(state.version_at_ms, thing.ended_ms)
    )


def is_gone(state: ThingState) -> bool:
    """Whether it is known to be disconnected."""
    return state.is_connected is False and state.connection_at_ms is not None


def _of_new(rule: VerifyRule, thing: ThingVersion, last: VersionPoll) -> VersionVerdict:
    if is_gone(last.state):
        first = thing.first_gone
        if first is None or last.at_ms < first.at_ms + rule.dark_ms:
            return VersionVerdict.PENDING
        signs = (last.state.version_at_ms, last.state.boots_at_ms, last.state.connection_at_ms)
        if not any(_is_after(sign, first.at_ms) for sign in signs):
            return VersionVerdict.DARK
    flaps = _flaps(rule, thing, last.state)
    return VersionVerdict.FLAPPING if flaps else VersionVerdict.VERIFIED


def _of_others(rule: VerifyRule, thing: ThingVersion, last: VersionPoll) -> VersionVerdict:
    state = last.state
    if state.version is not None and _is_after(state.version_at_ms, thing.ended_ms):
        return VersionVerdict.OLD
    if is_gone(state):
        return VersionVerdict.SILENT
    return VersionVerdict.FLAPPING if _flaps(rule, thing, state) else VersionVerdict.NO_WORD


def _flaps(rule: VerifyRule, thing: ThingVersion, state: ThingState) -> bool:
    before, boots = thing.boots_before, state.boots
    if before is None or boots is None:
        return False
    return (boots - before if boots >= before else boots) > rule.maximum_boots


def _is_after(at_ms: int | None, moment_ms: int) -> bool:
    return at_ms is not None and at_ms > moment_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCount:
    """Things of a wave by their verdict.

    Attributes:
        bad: Those whose verdict is bad and confirmed by the source.
        by_verdict: All that have one, by verdict.
    """

    verified: int = 0
    unknown: int = 0
    bad: int = 0
    by_verdict: Mapping[VersionVerdict, int]


def count_versions(things: Iterable[ThingVersion]) -> VersionCount:
    """Count things; a bad verdict that the source has not confirmed counts as *pending*."""
    counts: dict[VersionVerdict, int] = {}
    for thing in things:
        verdict = thing.verdict
        if verdict in BAD_VERDICTS and not thing.is_confirmed:
            verdict = VersionVerdict.PENDING
        if verdict is not None:
            counts[verdict] = counts.get(verdict, 0) + 1
    return VersionCount(
        verified=counts.get(VersionVerdict.VERIFIED, 0),
        unknown=counts.get(VersionVerdict.UNKNOWN, 0),
        bad=sum(count for verdict, count in counts.items() if verdict in BAD_VERDICTS),
        by_verdict={verdict: counts[verdict] for verdict in VersionVerdict if verdict in counts},
    )

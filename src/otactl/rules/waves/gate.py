"""The gate behind a wave: may the next one begin?

One pure function of executions, alarms, time and decisions. The rules, in order; the first that
applies decides:

1. A person rejected the deployment: fail.
2. The wave's job was stopped, or an alarm was in ALARM since the wave began: fail.
3. More things failed than (100 - requiredSucceeded)% of the whole wave, or too many that succeeded
   do not run the new version, so that requiredVerified can no longer be reached: fail. A wave that
   is worse than its control fails too; no other result of a comparison stops anything.
4. Too few ended, or too few of those succeeded: wait; inconclusive if ``maximumMinutes`` have
   passed since the first began, or if the open things are too few. A person may approve that.
5. Enough ended and succeeded, but not for ``soakMinutes`` without a break yet: wait.
6. Too few of those that ended are verified: wait while some are pending; inconclusive if only open
   things, or unreadable ones, could still make it enough.
7. A required comparison without data, an alarm without data, an earlier wave that has failed since
   its gate passed, an approval that is missing, the next wave's group that is not filled, a pause:
   wait.
8. Otherwise: pass.

Thresholds round up to whole things. Every time is AWS's: from executions, and from its answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from otactl.model.comparison import WaveComparison
from otactl.model.progress import AlarmState
from otactl.model.verify import counts_words
from otactl.model.wave import (
    Act,
    Decision,
    GateRule,
    MissingAlarmData,
    Question,
    Verdict,
    percent_words,
)
from otactl.rules.verify.verdict import VersionCount
from otactl.rules.waves.counting import WaveCount, pending_of, why_lost, why_short
from otactl.rules.waves.membership import share_of

_MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAlarm:
    """One alarm, as a gate needs it.

    Attributes:
        is_own: Whether the deployment made it with the job: missing data is then ignored.
        since_wave: Whether it was in ALARM at any time since the wave began.
    """

    name: str
    state: AlarmState
    is_own: bool = False
    since_wave: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierWave:
    """A wave whose gate has passed, with the things that ended since."""

    name: str
    count: WaveCount
    rule: GateRule
    versions: VersionCount | None = None

    @property
    def failed(self) -> int:
        """Things that failed, or that succeeded and do not run the new version."""
        if self.versions is None or self.rule.required_verified is None:
            return self.count.failed
        return self.count.failed + self.versions.bad

    @property
    def has_failed(self) -> bool:
        """Whether its gate would fail by now."""
        lost = why_lost(self.rule, self.count, self.versions)
        return has_failed(self.rule, self.count) or bool(lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInput:
    """Everything that a verdict depends on.

    Attributes:
        now_ms: Epoch milliseconds by AWS's clock.
        decisions: In the order in which they were given.
        stopped: How the wave's job ended early, in words; empty if it did not.
        refused: Why AWS refused the wave's job, in words; empty if it did not.
        held_by: What else must be ready before the next wave can begin, in words.
        is_last: Whether no wave follows: then stragglers and a pause delay nothing.
        versions: The wave's things by verdict; None if versions are not verified.
        comparison: With things that were not updated; None if waves are not compared.
    """

    wave: str
    count: WaveCount
    now_ms: int
    alarms: Sequence[GateAlarm] = ()
    decisions: Sequence[Decision] = ()
    earlier: Sequence[EarlierWave] = ()
    stopped: str = ""
    refused: str = ""
    held_by: str = ""
    is_last: bool = False
    versions: VersionCount | None = None
    comparison: WaveComparison | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The verdict of a gate, with its reasons.

    Attributes:
        reasons: Sentences with numbers, the decisive one first.
        question: What a person must decide; None if nothing.
        is_rejected: Whether it fails because a person rejected it.
        soak_left_ms: The rest of the soak; None if the wave does not soak.
        until_ms: When time alone changes the verdict, epoch milliseconds; None if it does not.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    question: Question | None = None
    is_rejected: bool = False
    soak_left_ms: int | None = None
    until_ms: int | None = None


def needed_ended(rule: GateRule, given: int) -> int:
    """How many of the wave's things must have ended."""
    return share_of(given, rule.required_ended)


def needed_succeeded(rule: GateRule, ended: int) -> int:
    """How many of those that ended must have succeeded."""
    return share_of(ended, rule.required_succeeded)


def allowed_failures(rule: GateRule, given: int) -> int:
    """How many things of the whole wave may fail; one more fails the gate."""
    return given - share_of(given, rule.required_succeeded)


def has_failed(rule: GateRule, count: WaveCount) -> bool:
    """Whether more things have failed than the whole wave may have."""
    return count.failed > allowed_failures(rule, count.given)


def steady_since_ms(rule: GateRule, count: WaveCount) -> int | None:
    """Since when enough have ended and succeeded without a break; None if not enough have."""
    needed, succeeded = needed_ended(rule, count.given), 0
    # If none must have ended, as for offline things, it holds from the beginning.
    since: int | None = None if needed else 0
    for ended, (at_ms, is_success) in enumerate(count.ends, start=1):
        succeeded += is_success
        is_last_of_instant = ended == count.ended or count.ends[ended][0] > at_ms
        if not is_last_of_instant:
            continue
        if ended < needed or succeeded < needed_succeeded(rule, ended):
            since = None
        elif since is None:
            since = at_ms
    return since


def judge(rule: GateRule, inputs: GateInput) -> GateResult:
    """The verdict of a gate."""
    result = (
        _failure(rule, inputs)
        or _unfinished(rule, inputs)
        or _unverified(rule, inputs)
        or _hold(rule, inputs)
        or _passed(inputs)
    )
    compared = inputs.comparison.words if inputs.comparison else ""
    if not compared or any(compared in reason for reason in result.reasons):
        return result
    return replace(result, reasons=(*result.reasons, compared))


def _failure(rule: GateRule, inputs: GateInput) -> GateResult | None:
    rejection = next((one for one in inputs.decisions if one.act is Act.REJECT), None)
    if rejection is not None:
        words = f"rejected by {_person(rejection)}"
        return GateResult(verdict=Verdict.FAIL, reasons=(words,), is_rejected=True)
    if inputs.stopped:
        return _fails(inputs.stopped)
    for alarm in inputs.alarms:
        if alarm.state is AlarmState.ALARM or alarm.since_wave:
            when = "is" if alarm.state is AlarmState.ALARM else "was, since the wave began,"
            return _fails(f"alarm {alarm.name} {when} in ALARM")
        if _lacks_data(alarm) and rule.missing_data is MissingAlarmData.FAIL:
            return _fails(f"alarm {alarm.name} has no data, and alarmMissingData = fail")
    bad = _bad_things(rule, inputs)
    return _fails(bad) if bad else None


def _bad_things(rule: GateRule, inputs: GateInput) -> str:
    """Why too many things of the wave are bad, in words; empty if they are not."""
    count = inputs.count
    if has_failed(rule, count):
        return (
            f"{count.failed:,} of {count.given:,} things failed; at most"
            f" {allowed_failures(rule, count.given):,} may"
            f" (requiredSucceededPercentage {percent_words(rule.required_succeeded)})"
        )
    worse = inputs.comparison and inputs.comparison.worse
    return why_lost(rule, count, inputs.versions) or (
        f"compared with its control, {worse.words}" if worse else ""
    )


def _fails(reason: str) -> GateResult:
    return GateResult(verdict=Verdict.FAIL, reasons=(reason,))


def _asks(*reasons: str) -> GateResult:
    question = Question.INCONCLUSIVE
    return GateResult(verdict=Verdict.INCONCLUSIVE, reasons=reasons, question=question)


def _unfinished(rule: GateRule, inputs: GateInput) -> GateResult | None:
    """Too few ended or succeeded, or not for long enough.

    An approval covers both: otherwise a gate would wait for things that end after the approval,
    and pass if they did not end.
    """
    if _approved(inputs, Question.INCONCLUSIVE):
        return None
    since = None if inputs.refused else steady_since_ms(rule, inputs.count)
    if since is None:
        reported = () if inputs.refused else (_counts_words(rule, inputs.count),)
        why = inputs.refused or _why_inconclusive(rule, inputs)
        if not why:
            began = inputs.count.first_started_ms
            until_ms = None if began is None else began + rule.maximum_ms
            return GateResult(verdict=Verdict.WAIT, reasons=reported, until_ms=until_ms)
        return _asks(why, *reported)
    left_ms = since + rule.soak_ms - inputs.now_ms
    if left_ms <= 0:
        return None
    words = f"soaking: {-(-left_ms // _MS_PER_MINUTE):,} of {rule.soak_ms // _MS_PER_MINUTE:,}"
    return GateResult(
        verdict=Verdict.WAIT,
        reasons=(f"{words} minutes left", _counts_words(rule, inputs.count)),
        soak_left_ms=left_ms,
        until_ms=since + rule.soak_ms,
    )


def _unverified(rule: GateRule, inputs: GateInput) -> GateResult | None:
    """Enough ended and succeeded, but too few are known to run the new version."""
    versions, count = inputs.versions, inputs.count
    short = why_short(rule, count, versions)
    if not short or versions is None or _approved(inputs, Question.INCONCLUSIVE):
        return None
    if pending_of(count, versions) or (count.open and not _is_late(rule, inputs)):
        return GateResult(verdict=Verdict.WAIT, reasons=(short,))
    unreadable = f": {versions.unknown:,} things cannot be read" if versions.unknown else ""
    return _asks(f"nothing is pending any more, and this is not enough{unreadable}", short)


def _is_late(rule: GateRule, inputs: GateInput) -> bool:
    began = inputs.count.first_started_ms
    return began is not None and inputs.now_ms - began >= rule.maximum_ms


def _why_inconclusive(rule: GateRule, inputs: GateInput) -> str:
    count = inputs.count
    if not count.open:
        return "no thing of the wave is open any more, and this is not enough"
    reachable = count.given - count.not_reached
    if reachable < needed_ended(rule, count.given):
        return f"{count.not_reached:,} things were not reached, so enough can never end"
    if _is_late(rule, inputs):
        minutes = rule.maximum_ms // _MS_PER_MINUTE
        return f"{minutes:,} minutes (maximumMinutes) are over since the first thing began"
    return ""


def _counts_words(rule: GateRule, count: WaveCount) -> str:
    return (
        f"{count.ended:,} of {count.given:,} ended ({needed_ended(rule, count.given):,} needed),"
        f" {count.succeeded:,} of them succeeded ({needed_succeeded(rule, count.ended):,} needed)"
        + (f", {count.not_reached:,} not reached" if count.not_reached else "")
    )


def _hold(rule: GateRule, inputs: GateInput) -> GateResult | None:
    """Why the next wave must wait though this one is good; None if it need not."""
    holds = list(_holds(rule, inputs))
    if not holds:
        return None
    questions = [question for question, _ in holds if question is not None]
    return GateResult(
        verdict=Verdict.WAIT,
        reasons=(*(words for _, words in holds), _counts_words(rule, inputs.count)),
        question=questions[0] if questions else None,
    )


def _holds(rule: GateRule, inputs: GateInput) -> Iterator[tuple[Question | None, str]]:
    late = [] if inputs.is_last else list(failed_since(inputs))
    if late:
        words = "; ".join(
            f"{one.failed:,} of {one.count.given:,} things of wave {one.name} have failed"
            " since its gate passed"
            for one in late
        )
        yield Question.STRAGGLERS, f"{words}: a person must say whether to go on"
    answered = _approved(inputs, Question.APPROVAL) or _approved(inputs, Question.INCONCLUSIVE)
    if rule.needs_approval and not answered:
        yield Question.APPROVAL, "everything is as required; it waits for an approval"
    missing = inputs.comparison.missing if inputs.comparison else ""
    answers = (Question.COMPARISON, Question.INCONCLUSIVE)
    if missing and not any(_approved(inputs, question) for question in answers):
        yield (
            Question.COMPARISON,
            f"{missing} (requireComparison): a person must say whether to go on",
        )
    if rule.missing_data is MissingAlarmData.WAIT:
        for alarm in filter(_lacks_data, inputs.alarms):
            yield None, f"alarm {alarm.name} has no data (alarmMissingData = wait)"
    if inputs.held_by:
        yield None, inputs.held_by
    pause = None if inputs.is_last else _pause(inputs.decisions)
    if pause is not None:
        yield None, f"paused by {_person(pause)}; `otactl continue` goes on"


def failed_since(inputs: GateInput) -> Iterator[EarlierWave]:
    """Earlier waves that would fail now, with more failures than at any approval."""
    for one in inputs.earlier:
        known = max(
            (
                decision.failed.get(one.name, 0)
                for decision in inputs.decisions
                if decision.act is Act.APPROVE and decision.answers is Question.STRAGGLERS
            ),
            default=0,
        )
        if one.has_failed and one.failed > known:
            yield one


def _approved(inputs: GateInput, question: Question) -> bool:
    """Whether a person approved this wave when it asked this question."""
    return any(
        one.act is Act.APPROVE and one.wave == inputs.wave and one.answers is question
        for one in inputs.decisions
    )


def _person(decision: Decision) -> str:
    """Who decided it, and their comment if they gave one."""
    return decision.identity + (f": {decision.comment}" if decision.comment else "")


def _pause(decisions: Sequence[Decision]) -> Decision | None:
    acts = [one for one in decisions if one.act in (Act.PAUSE, Act.CONTINUE)]
    return acts[-1] if acts and acts[-1].act is Act.PAUSE else None


def _lacks_data(alarm: GateAlarm) -> bool:
    """Whether a foreign alarm has no data; the deployment's own has none until devices report."""
    no_data = (AlarmState.INSUFFICIENT_DATA, AlarmState.MISSING)
    return not alarm.is_own and alarm.state in no_data


def _passed(inputs: GateInput) -> GateResult:
    count = inputs.count
    reasons = [
        f"{count.succeeded:,} of {count.ended:,} things that ended succeeded, of {count.given:,}"
    ]
    if inputs.versions is not None and inputs.versions.by_verdict:
        reasons.append(counts_words(inputs.versions.by_verdict))
    approvals = [
        one for one in inputs.decisions if one.act is Act.APPROVE and one.wave == inputs.wave
    ]
    if approvals:
        reasons.append(f"approved by {_person(approvals[-1])}")
    return GateResult(verdict=Verdict.PASS, reasons=tuple(reasons))

"""The verdict of the gate of a played wave, and its time.

The rules are those of ``rules.waves.gate``, over arrays: they are evaluated at every time at which
the wave changes, and the first verdict other than "wait" is the result. A test compares the two.

Only alarms on the failures of a period are played (``model.alarm``), not those on what devices
measure. Periods begin with the wave, and a bad one is known at its end: the delay of CloudWatch is
left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otactl.forecast.attempts import (
    CANCELED,
    CODES,
    EXECUTED_CODES,
    NEVER,
    SUCCEEDED,
    Flags,
    Integers,
)
from otactl.forecast.run import Run
from otactl.model.alarm import Alarm, AlarmType
from otactl.model.wave import WHOLE, GateRule, Verdict
from otactl.rules.waves.gate import allowed_failures, needed_ended

#: The verdicts by their code in an array.
_VERDICTS = (Verdict.WAIT, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.FAIL)
_WAIT, _INCONCLUSIVE, _PASS, _FAIL = range(len(_VERDICTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """What a gate reads besides the executions.

    Attributes:
        verify_ms: Time from SUCCEEDED until the version is verified; None if it is not verified.
        alarm_ms: When an alarm of the wave goes off, since the wave began; infinite if never.
        answer_ms: How long a person takes to approve.
    """

    verify_ms: int | None = None
    alarm_ms: float = math.inf
    answer_ms: int = 0


def gate_moment(
    rule: GateRule, things: int, one_run: Run, view: GateView | None = None
) -> tuple[Verdict, float]:
    """The first verdict of a gate other than "wait", and its time, ms since the wave began.

    A gate that needs an approval passes when it is given, unless it fails before.
    """
    view = view or GateView()
    wave = _PlayedWave(rule, things, one_run, view)
    times = wave.instants()
    codes = wave.codes(times)
    passing = np.flatnonzero(codes == _PASS)
    if rule.needs_approval and view.answer_ms and len(passing):
        answered_ms = times[passing[0]] + view.answer_ms
        times = _merged(times, np.array([answered_ms]))
        codes = wave.codes(times)
        codes[(codes == _PASS) & (times < answered_ms)] = _WAIT
    decided = np.flatnonzero(codes)
    found = (Verdict.WAIT, math.inf)
    if len(decided) and times[decided[0]] < NEVER:
        found = (_VERDICTS[codes[decided[0]]], float(times[decided[0]]))
    stopped_ms = view.alarm_ms
    if one_run.abort is not None:
        stopped_ms = min(stopped_ms, one_run.abort.at_ms)
    is_stopped = math.isfinite(stopped_ms) and stopped_ms <= found[1]
    return (Verdict.FAIL, stopped_ms) if is_stopped else found


class _PlayedWave:
    """A wave of one run, as its gate reads it; every array of times is ascending."""

    def __init__(self, rule: GateRule, things: int, one_run: Run, view: GateView) -> None:
        self._rule = rule
        self._things = things
        is_verified = view.verify_ms is not None and rule.required_verified is not None
        self._verify_ms = view.verify_ms if is_verified else None
        times: dict[str, list[Integers]] = {
            name: [] for name in ("good", "failed", "lost", "new", "bad")
        }
        first, notified, is_open = NEVER, 0, False
        for part in one_run.parts:
            last, first_attempt = ~part.retried, part.attempt == 1
            good = last & (part.status == SUCCEEDED)
            failed = last & (part.status < EXECUTED_CODES) & ~good
            lost = last & (part.status == CANCELED)
            times["good"].append(part.ended_ms[good])
            times["failed"].append(part.ended_ms[failed])
            times["lost"].append(part.ended_ms[lost])
            if is_verified:
                is_bad = part.attempts.unproven
                times["new"].append(part.ended_ms[good & ~is_bad])
                times["bad"].append(part.ended_ms[good & is_bad])
            first = min(first, int(part.attempts.started_ms.min(initial=NEVER)))
            notified += int(first_attempt.sum())
            is_open = is_open or bool((last & (part.status > CANCELED)).any())
        self._good, self._failed, self._lost, new, bad = (
            _merged(np.zeros(0, dtype=np.int64), *found) for found in times.values()
        )
        self._new, self._bad = new + (view.verify_ms or 0), bad + (view.verify_ms or 0)
        if one_run.end_ms < NEVER and notified < things and not is_open:
            # The job ends when all notified things have ended: the others are never notified.
            ended = (self._good, self._failed, self._lost)
            over_ms = max(one_run.end_ms, *(int(each.max(initial=0)) for each in ended))
            self._lost = _merged(self._lost, np.full(things - notified, over_ms))
        self._late_ms = min(first + rule.maximum_ms, NEVER)

    def instants(self) -> Integers:
        """Every time at which the verdict may change.

        Successes change nothing before enough have ended, and verified things change nothing until
        ``soakMinutes`` after that.
        """
        needed = needed_ended(self._rule, self._things)
        ended = _merged(self._good, self._failed)
        from_ms = NEVER if needed > len(ended) else int(ended[needed - 1]) if needed else 0
        zero, late = np.zeros(1, dtype=np.int64), np.array([self._late_ms], dtype=np.int64)
        good = self._good[np.searchsorted(self._good, from_ms) :]
        ends = _merged(zero, good, self._failed, self._lost)
        enough = self._enough(_until(self._good, ends), _until(self._failed, ends))
        soaked = ends[enough & ~np.concatenate([[False], enough[:-1]])] + self._rule.soak_ms
        new = self._new[np.searchsorted(self._new, from_ms + self._rule.soak_ms) :]
        return _merged(ends, new, self._bad, soaked, late)

    def codes(self, times: Integers) -> NDArray[np.int8]:
        rule, things = self._rule, self._things
        good, failed = _until(self._good, times), _until(self._failed, times)
        lost = _until(self._lost, times)
        ended = good + failed
        is_open, is_late = things > ended + lost, times >= self._late_ms
        enough = self._enough(good, failed)
        gives_up = ~is_open | (things - lost < needed_ended(rule, things)) | is_late
        codes = np.where(~enough & gives_up, _INCONCLUSIVE, _WAIT).astype(np.int8)
        codes[enough & self._soaked(times, enough)] = _PASS
        is_bad = failed > allowed_failures(rule, things)
        if self._verify_ms is not None:
            required = rule.required_verified or 0
            new, unproven = _until(self._new, times), _until(self._bad, times)
            is_short = (codes == _PASS) & (new * WHOLE < ended * required)
            is_pending = (good > new + unproven) | (is_open & ~is_late)
            codes[is_short] = np.where(is_pending[is_short], _WAIT, _INCONCLUSIVE)
            reachable = things - lost
            is_bad |= (reachable - failed - unproven) * WHOLE < reachable * required
        codes[is_bad] = _FAIL
        return codes

    def _enough(self, good: Integers, failed: Integers) -> Flags:
        """Whether enough had ended, and enough of those succeeded."""
        ended = good + failed
        return (ended >= needed_ended(self._rule, self._things)) & (
            good * WHOLE >= ended * self._rule.required_succeeded
        )

    def _soaked(self, times: Integers, enough: Flags) -> Flags:
        begins = enough & ~np.concatenate([[False], enough[:-1]])
        since = np.where(begins, times, -NEVER)
        if enough[0] and not needed_ended(self._rule, self._things):
            since[0] = -NEVER + 1  # if none must have ended, there were always enough
        return times - np.maximum.accumulate(since) >= self._rule.soak_ms


def _until(at_ms: Integers, times: Integers) -> Integers:
    """The number of events up to each of these times."""
    return np.searchsorted(at_ms, times, side="right")


def _merged(*times: Integers) -> Integers:
    """All times in order, duplicates included."""
    return np.sort(np.concatenate(times), kind="stable")


def is_forecast(alarm: Alarm) -> bool:
    """Whether what the alarm watches is in a forecast."""
    is_upper = alarm.alarm_type is AlarmType.UPPER
    counts = alarm.counted_failures is not None and not alarm.is_running_total
    return is_upper and counts and alarm.adds_up


def alarm_moment(alarm: Alarm, one_run: Run) -> float:
    """When it goes off, in milliseconds since its wave began; infinite if never."""
    counted = alarm.counted_failures
    if counted is None or not is_forecast(alarm):
        return math.inf
    codes = [CODES[status] for status in sorted(counted.statuses)]
    period_ms = 1000 * alarm.period_seconds
    ends = [
        part.ended_ms[np.isin(part.status, codes) & (part.ended_ms < NEVER)]
        for part in one_run.parts
    ]
    periods, counts = np.unique(
        np.concatenate([np.zeros(0, dtype=np.int64), *ends]) // period_ms, return_counts=True
    )
    bad = periods[counts > alarm.threshold]
    # The M-th of the last M bad periods, when they are no more than N periods apart.
    last = bad[alarm.datapoints_to_alarm - 1 :]
    found = last[last - bad[: len(last)] < alarm.evaluation_periods]
    return float((found[0] + 1) * period_ms) if len(found) else math.inf

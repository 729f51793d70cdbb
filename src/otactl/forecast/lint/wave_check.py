"""Gates: do they stop a bad image, do they let a good one through, can they be reached?

Failures of a wave are binomial: each thing fails by itself. A gate fails when more of the whole
wave fail than ``requiredSucceededPercentage`` leaves (``rules.waves.gate``), or more fail or come
back without the new version than ``requiredVerifiedPercentage`` does, so both chances follow from
the size of the wave and those numbers alone.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator

from otactl.errors.problem import Severity
from otactl.forecast.lint.abort_check import TOLERABLE
from otactl.forecast.lint.finding import Finding, chance, duration, finding, percent
from otactl.forecast.lint.lint_context import LintContext
from otactl.model.status import FailureType
from otactl.model.wave import WHOLE, GateRule, Wave, percent_words
from otactl.rules.comparison.fisher import log_choose
from otactl.rules.rollout import DEFAULT_MAXIMUM_PER_MINUTE
from otactl.rules.waves.counting import allowed_unverified
from otactl.rules.waves.gate import allowed_failures, needed_ended
from otactl.rules.waves.membership import (
    expected_sizes,
    share_of,
    share_of_those_taken_last,
)

#: The bad image that a gate must stop: it breaks one thing in twenty.
BAD_SHARE = 0.05
#: The chance with which a gate should stop it.
WANTED_POWER = 0.9
#: Below this it is a warning, not a note.
_SOME_POWER = 0.25
#: No larger wave is suggested.
_MOST_SUGGESTED = 5_000
#: The time until a person of the team reacts.
_QUARTER_MINUTES = 15
#: Fewer things than this notified in that time need no abort criteria.
_FEW_THINGS = 100
_MINUTE_MS = 60_000


def binomial_above(count: int, share: float, most: int) -> float:
    """The chance that more than ``most`` of ``count`` things are of a kind with this share."""
    if most >= count or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    log_odds = math.log(share) - math.log1p(-share)
    none = count * math.log1p(-share)
    terms = (log_choose(count, k) + k * log_odds for k in range(most + 1))
    return max(0.0, 1.0 - math.fsum(math.exp(none + term) for term in terms))


def gate_power(rule: GateRule, things: int, share: float, *, unproven: float = 0.0) -> float:
    """The chance that a gate fails on an image.

    Exact unless more things may be unverified than may fail: then a lower bound.

    Args:
        rule: The rule of the gate.
        things: Size of the wave.
        share: Share of things on which the image fails.
        unproven: Share of those that succeed and come back with the old version, or not at all.
    """
    fails = binomial_above(things, share, allowed_failures(rule, things))
    most = allowed_unverified(rule, things)
    if most is None:
        return fails
    return max(fails, binomial_above(things, share + (1 - share) * unproven, most))


def check_waves(context: LintContext) -> Iterator[Finding]:
    """Everything about the gates. Sizes of groups are not known here; their waves are left out."""
    waves = context.configuration.waves
    if waves is None:
        return
    sizes = expected_sizes([wave.size for wave in waves.waves], context.things)
    healthy = context.failure_share(FailureType.ALL)
    unproven = context.mean(lambda group: group.old_rate + group.dark_rate)
    is_first, before = True, 0
    for wave, things in zip(waves.waves, sizes, strict=True):
        if not things:
            continue
        if is_first:
            yield from _power(wave, things)
        is_first = False
        yield from _false_alarm(wave, things, healthy, unproven)
        never = context.profile.share_gone
        if waves.prefers_recent:
            never = share_of_those_taken_last(before, things, context.things, never)
        yield from _unreachable(wave, things, never)
        before += things
        yield from _no_abort(wave, things)
        yield from _short_soak(wave)


def _power(wave: Wave, things: int) -> Iterator[Finding]:
    power = gate_power(wave.rule, things, BAD_SHARE)
    if power >= WANTED_POWER:
        return
    enough = next(
        (
            size
            for size in range(things, _MOST_SUGGESTED)
            if gate_power(wave.rule, size, BAD_SHARE) >= WANTED_POWER
        ),
        None,
    )
    # If no thing may fail, a higher percentage of the same things changes nothing.
    all_must_succeed = not _allowed_bad(wave.rule, things)
    more = f"more things at a higher {_required_key(wave.rule)}"
    if enough:
        more = f"{enough:,} things, which stop it with {chance(WANTED_POWER)}"
    yield finding(
        "OTA701",
        f"{things:,} things at {percent_words(_required(wave.rule))} stop an image"
        f" that breaks {percent(BAD_SHARE)} of things with {chance(power)}",
        safe=("" if all_must_succeed else f"a higher {_required_key(wave.rule)}, or ") + more,
        severity=Severity.NOTE if power >= _SOME_POWER else Severity.WARNING,
        of=wave.name,
    )


def _required(rule: GateRule) -> int:
    return max(rule.required_succeeded, rule.required_verified or 0)


def _required_key(rule: GateRule) -> str:
    is_verified = _required(rule) > rule.required_succeeded
    return "requiredVerifiedPercentage" if is_verified else "requiredSucceededPercentage"


def _allowed_bad(rule: GateRule, things: int) -> int:
    """The number of things that may fail before the stricter of the two percentages is missed."""
    return things - share_of(things, _required(rule))


def _false_alarm(wave: Wave, things: int, healthy: float, unproven: float) -> Iterator[Finding]:
    fails = gate_power(wave.rule, things, healthy, unproven=unproven)
    if fails <= TOLERABLE:
        return
    bad, key = healthy, _required_key(wave.rule)
    if wave.rule.required_verified is not None and unproven:
        bad, key = healthy + (1 - healthy) * unproven, "requiredVerifiedPercentage"
    allowed = bisect_left(
        range(things + 1),
        x=True,
        key=lambda most: binomial_above(things, bad, most) <= TOLERABLE,
    )
    hundredths = WHOLE * (things - allowed) // things
    back = f" and {percent(unproven)} come back old or dark" if bad > healthy else ""
    yield finding(
        "OTA702",
        f"a healthy fleet, in which {percent(healthy)} fail{back}, fails this gate with"
        f" {chance(fails)}: {_allowed_bad(wave.rule, things):,} of {things:,} things may fail",
        safe=f"{key} = {hundredths // 100}, or more things",
        key=key,
        of=wave.name,
    )


def _unreachable(wave: Wave, things: int, never: float) -> Iterator[Finding]:
    spare = things - needed_ended(wave.rule, things)
    stuck = binomial_above(things, never, spare)
    if stuck <= TOLERABLE:
        return
    yield finding(
        "OTA703",
        f"{percent(never)} of its things never connect, and the gate needs"
        f" {percent_words(wave.rule.required_ended)} ended: it is not reached with"
        f" {chance(stuck)} and then waits for a person",
        safe=f"requiredEndedPercentage = {max(1, math.floor(100 * (1 - never)) - 5)}",
        of=wave.name,
    )


def _no_abort(wave: Wave, things: int) -> Iterator[Finding]:
    """Only a running otactl evaluates the gate of a wave; otherwise only AWS can stop the job."""
    rate = wave.job.rollout.maximum_per_minute if wave.job.rollout else DEFAULT_MAXIMUM_PER_MINUTE
    notified = min(things, rate * _QUARTER_MINUTES)
    if wave.job.abort_criteria or notified < _FEW_THINGS:
        return
    yield finding(
        "OTA704",
        f"there are no abort criteria: in a quarter of an hour {notified:,} of {things:,}"
        " things are notified, and while no otactl runs nothing stops the job",
        safe="useAbortConfig = True with a criterion that a healthy fleet does not trip",
        of=wave.name,
    )


def _short_soak(wave: Wave) -> Iterator[Finding]:
    minutes = wave.job.in_progress_timeout_minutes or 0
    if wave.rule.soak_ms >= minutes * _MINUTE_MS or wave.rule.required_ended == WHOLE:
        return
    yield finding(
        "OTA705",
        f"the gate can pass {duration(wave.rule.soak_ms / 1000)} after enough have ended,"
        f" and a device that dies while it installs ends only after {minutes:,} minutes"
        " (inProgressTimeoutInMinutes)",
        safe=f"soakMinutes = {minutes + 1}, or requiredEndedPercentage = 100",
        severity=Severity.NOTE,
        of=wave.name,
    )

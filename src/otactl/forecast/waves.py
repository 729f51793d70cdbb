"""A deployment in waves, played many times: when each gate decides, and what a bad image reaches.

A wave is played as a rollout of its own (``run``), and its gate is judged over the whole of it at
once: the first instant at which more things have failed than may, the first at which enough had
ended and succeeded for ``soakMinutes``, or ``maximumMinutes``. Those are the rules of
``rules.waves.gate``, over arrays; a test holds the two against each other. When a gate does not
pass, all waves are cut off at that instant, as a cancel without force does.

Alarms and people are not in it: a gate that asks for an approval gets it at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otactl.forecast.abort_finder import Abort
from otactl.forecast.attempts import EXECUTED_CODES, SUCCEEDED
from otactl.forecast.band import Band, band_fields
from otactl.forecast.ensemble import MINUTES_PER_DAY
from otactl.forecast.pace import Pace
from otactl.forecast.run import Run, run
from otactl.forecast.run_result import run_result
from otactl.forecast.sampled_fleet import SampledFleet
from otactl.model.wave import MAX_NAMED_THINGS, WHOLE, Verdict
from otactl.rules.waves.gate import allowed_failures, needed_ended
from otactl.rules.waves.membership import expected_sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.forecast.attempts import Flags, Integers
    from otactl.forecast.profile import FleetProfile
    from otactl.forecast.run_result import RunResult
    from otactl.model.json_output import forecast as json_forecast
    from otactl.model.wave import GateRule, Wave, Waves


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveScenario:
    """What is forecast.

    Attributes:
        things: How many there are in all.
        image_bytes: Size of the image.
        runs: How often the deployment is played.
        seed: Where the draws come from.
        horizon_days: How long a wave is looked at.
    """

    waves: Waves
    profile: FleetProfile
    things: int
    image_bytes: int
    runs: int = 20
    seed: int = 1
    horizon_days: int = 30

    @property
    def planned(self) -> tuple[tuple[Wave, int], ...]:
        """The waves that have things, and how many; those of groups are left out."""
        sizes = expected_sizes([wave.size for wave in self.waves.waves], self.things)
        pairs = zip(self.waves.waves, sizes, strict=True)
        return tuple((wave, size) for wave, size in pairs if size)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedWave:
    """One wave of one run.

    Attributes:
        began_ms, decided_ms: Since the deployment began; infinite when no decision comes.
        notified, bricked: Things, up to the end of everything.
    """

    verdict: Verdict
    began_ms: float
    decided_ms: float
    notified: int = 0
    bricked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WavesForecast:
    """What will probably happen.

    Attributes:
        played: Of each run, the waves that began.
        notes: What the reader should mind.
    """

    scenario: WaveScenario
    name: str
    played: tuple[tuple[PlayedWave, ...], ...]
    notes: tuple[str, ...] = ()

    def with_notes(self, *notes: str) -> WavesForecast:
        """The same forecast with more to be said about it."""
        return replace(self, notes=(*self.notes, *notes))

    def share(self, number: int, verdict: Verdict) -> float:
        """The share of all runs in which the gate of a wave, from 0, says this."""
        hits = sum(len(run) > number and run[number].verdict is verdict for run in self.played)
        return hits / len(self.played)

    def gate_seconds(self, number: int) -> Band | None:
        """When a gate decides, of the runs in which its wave began."""
        times = [run[number].decided_ms / 1000 for run in self.played if len(run) > number]
        return Band.of(times) if times else None

    @property
    def stopped(self) -> tuple[tuple[PlayedWave, ...], ...]:
        """The runs in which a gate failed."""
        return tuple(run for run in self.played if run[-1].verdict is Verdict.FAIL)

    @property
    def end_seconds(self) -> Band:
        """Until the last gate passes; infinite in runs in which one does not."""
        count = len(self.scenario.planned)
        return Band.of(
            run[-1].decided_ms / 1000
            if len(run) == count and run[-1].verdict is Verdict.PASS
            else math.inf
            for run in self.played
        )

    def reached(self, *, bricked: bool = False, only_stopped: bool = False) -> Band | None:
        """How many things were notified, or bricked, when everything was over."""
        runs = self.stopped if only_stopped else self.played
        counts = [sum(one.bricked if bricked else one.notified for one in run) for run in runs]
        return Band.of(counts) if counts else None

    def to_fields(self) -> json_forecast.WavesForecast:
        """The forecast as ``--output json`` shows it."""
        return {
            "name": self.name,
            "things": self.scenario.things,
            "imageBytes": self.scenario.image_bytes,
            "runs": self.scenario.runs,
            "seed": self.scenario.seed,
            "notes": list(self.notes),
            "waves": [
                {
                    "wave": wave.name,
                    "things": things,
                    "passProbability": self.share(number, Verdict.PASS),
                    "failProbability": self.share(number, Verdict.FAIL),
                    "inconclusiveProbability": self.share(number, Verdict.INCONCLUSIVE),
                    "gateSeconds": band_fields(self.gate_seconds(number)),
                }
                for number, (wave, things) in enumerate(self.scenario.planned)
            ],
            "endSeconds": self.end_seconds.to_fields(),
            "stopProbability": len(self.stopped) / len(self.played),
            "notified": band_fields(self.reached()),
            "bricked": band_fields(self.reached(bricked=True)),
            "notifiedWhenStopped": band_fields(self.reached(only_stopped=True)),
            "brickedWhenStopped": band_fields(self.reached(bricked=True, only_stopped=True)),
        }


def forecast_waves(
    scenario: WaveScenario, *, name: str, on_run: Callable[[int], None] | None = None
) -> WavesForecast:
    """Play every run.

    Args:
        scenario: What is forecast.
        name: What to call it.
        on_run: Called with how many runs are done.
    """
    played = []
    for seed in np.random.SeedSequence(scenario.seed).spawn(scenario.runs):
        played.append(_play(scenario, seed))
        if on_run is not None:
            on_run(len(played))
    notes = ["alarms are not in the forecast; an approval comes at once"]
    if len(scenario.planned) < len(scenario.waves.waves):
        notes.append("waves of thing groups are left out: how many things they have is not known")
    return WavesForecast(scenario=scenario, name=name, played=tuple(played), notes=tuple(notes))


def _play(scenario: WaveScenario, seed: np.random.SeedSequence) -> tuple[PlayedWave, ...]:
    planned = scenario.planned
    horizon = scenario.horizon_days * MINUTES_PER_DAY
    began_ms, stop_ms = _fill_ms(scenario, planned[0][1]), math.inf
    runs: list[tuple[Run, int]] = []
    played: list[PlayedWave] = []
    for number, (wave, things) in enumerate(planned):
        generator = np.random.Generator(np.random.SFC64(seed.spawn(1)[0]))
        by_url = wave.job.presigned_url is not None
        fleet = SampledFleet(
            scenario.profile, things, scenario.image_bytes, generator, by_url=by_url
        )
        # The gate is all that this wave may end by: abort criteria fire as they do in any job.
        opens = np.arange(horizon + 1, dtype=np.int64)
        one_run = run(fleet, wave.job, Pace(wave.job.rollout, things), opens)
        verdict, after_ms = gate_moment(wave.rule, things, one_run)
        runs.append((one_run, things))
        played.append(
            PlayedWave(verdict=verdict, began_ms=began_ms, decided_ms=began_ms + after_ms)
        )
        if verdict is not Verdict.PASS:
            stop_ms = began_ms + after_ms if verdict is Verdict.FAIL else math.inf
            break
        if number + 1 < len(planned):
            began_ms += max(after_ms, _fill_ms(scenario, planned[number + 1][1]))
    counted = (
        _cut(one_run, things, scenario, stop_ms - wave.began_ms)
        for (one_run, things), wave in zip(runs, played, strict=True)
    )
    return tuple(
        replace(wave, notified=found.notified, bricked=found.bricked)
        for wave, found in zip(played, counted, strict=True)
    )


def _fill_ms(scenario: WaveScenario, things: int) -> float:
    """How long the thing group of a wave takes to fill; none is needed for a small one."""
    return 0 if things <= MAX_NAMED_THINGS else 1000 * things / scenario.waves.fill_per_second


def _cut(one_run: Run, things: int, scenario: WaveScenario, stop_ms: float) -> RunResult:
    """The run with everything cut off at an instant, unless its job aborted itself before."""
    abort = one_run.abort
    if math.isfinite(stop_ms) and (abort is None or abort.at_ms > stop_ms):
        abort = Abort(at_ms=int(stop_ms), criterion=0, executed=0, failed=0)
    return run_result(
        Run(parts=one_run.parts, abort=abort),
        things=things,
        image_bytes=scenario.image_bytes,
        horizon_minutes=scenario.horizon_days * MINUTES_PER_DAY,
    )


def gate_moment(rule: GateRule, things: int, one_run: Run) -> tuple[Verdict, float]:
    """What the gate of a wave says first but "wait", and when, in milliseconds since it began."""
    ended, succeeded, began_ms = _ends(one_run)
    good = np.cumsum(succeeded)
    count = np.arange(1, len(ended) + 1)
    enough = (count >= needed_ended(rule, things)) & (
        good * WHOLE >= count * rule.required_succeeded
    )
    moments = {Verdict.FAIL: _first(ended, count - good > allowed_failures(rule, things))}
    if one_run.abort is not None:
        moments[Verdict.FAIL] = min(moments[Verdict.FAIL], one_run.abort.at_ms)
    moments[Verdict.PASS] = _soaked(ended, enough, rule.soak_ms)
    late_ms = began_ms + rule.maximum_ms
    at_late = int(np.searchsorted(ended, late_ms, side="right"))
    is_enough = at_late > 0 and bool(enough[at_late - 1])
    moments[Verdict.INCONCLUSIVE] = math.inf if is_enough else late_ms
    # In this order, as the gate asks: a failure at the same instant comes first.
    order = (Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE)
    verdict = min(order, key=lambda each: moments[each])
    found = moments[verdict]
    return (verdict, found) if math.isfinite(found) else (Verdict.WAIT, math.inf)


def _ends(one_run: Run) -> tuple[Integers, Flags, float]:
    """When each thing ended, in order, whether well, and when the first of all began."""
    times, flags, began = [], [], math.inf
    for part in one_run.parts:
        last = ~part.retried & (part.status < EXECUTED_CODES)
        times.append(part.ended_ms[last])
        flags.append(part.status[last] == SUCCEEDED)
        began = min(began, float(part.attempts.started_ms.min(initial=1 << 60)))
    if not times:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_), math.inf
    ended, succeeded = np.concatenate(times), np.concatenate(flags)
    order = np.argsort(ended, kind="stable")
    return ended[order], succeeded[order], began


def _first(ended: Integers, holds: Flags) -> float:
    """When something holds for the first time; infinite when it never does."""
    found = int(np.argmax(holds)) if holds.any() else -1
    return math.inf if found < 0 else float(ended[found])


def _soaked(ended: Integers, enough: Flags, soak_ms: int) -> float:
    """When enough had ended and succeeded for so long without a break; infinite for never."""
    if not enough.any():
        return math.inf
    before = np.concatenate([[False], enough[:-1]])
    starts = np.flatnonzero(enough & ~before)
    breaks = np.flatnonzero(~enough & before)
    for start in starts:
        later = breaks[breaks > start]
        until = float(ended[later[0]]) if len(later) else math.inf
        if float(ended[start]) + soak_ms <= until:
            return float(ended[start]) + soak_ms
    return math.inf

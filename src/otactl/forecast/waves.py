"""The forecast of a deployment in waves: when each gate decides, and how far a bad image gets.

``wave_play`` plays one run. Comparisons with a control and alarms on what devices measure are left
out; every approval is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from otactl.forecast.band import Band, band_fields
from otactl.forecast.ensemble import counted
from otactl.forecast.gate_moment import is_forecast
from otactl.forecast.summary import schedule_notes
from otactl.forecast.wave_play import PlayedRun, PlayedWave, WaveScenario, WayBack, play_waves
from otactl.model.json_output import forecast as json_forecast
from otactl.model.json_output.shaping import shaped
from otactl.model.wave import Verdict

__all__ = ["WaveScenario", "WavesForecast", "forecast_waves"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WavesForecast:
    """The forecast: its runs, and notes for the reader."""

    scenario: WaveScenario
    name: str
    runs: tuple[PlayedRun, ...]
    notes: tuple[str, ...] = ()

    @property
    def played(self) -> tuple[tuple[PlayedWave, ...], ...]:
        """The waves that began, for each run."""
        return tuple(run.waves for run in self.runs)

    @property
    def approvals(self) -> tuple[str, ...]:
        """The waves whose gates need an approval."""
        return tuple(wave.name for wave, _ in self.scenario.planned if wave.rule.needs_approval)

    def refused_share(self, number: int) -> float:
        """The share of all runs in which AWS refuses a wave's job because the schedule ends."""
        return sum(one.is_refused for one in self._of(number)) / len(self.played)

    @property
    def ways_back(self) -> tuple[WayBack, ...]:
        """The rollbacks of the runs that a gate stopped; empty without a rollback."""
        return tuple(run.way_back for run in self.runs if run.way_back is not None)

    @property
    def way_back_seconds(self) -> Band | None:
        """From the failed gate until the rollback's last gate passed."""
        return Band.of_any(each.seconds for each in self.ways_back)

    @property
    def taken_back(self) -> Band | None:
        """The number of things that a rollback gives their former image."""
        return Band.of_any(each.things for each in self.ways_back)

    @property
    def way_back_failed(self) -> float:
        """The share of the rollbacks that too many failures stop."""
        return sum(each.failed for each in self.ways_back) / max(1, len(self.ways_back))

    def share(self, number: int, verdict: Verdict) -> float:
        """The share of all runs in which the gate of a wave, from 0, has this verdict."""
        return sum(one.verdict is verdict for one in self._of(number)) / len(self.played)

    def _of(self, number: int) -> list[PlayedWave]:
        """A wave in each run in which it began."""
        return [run[number] for run in self.played if len(run) > number]

    def gate_seconds(self, number: int) -> Band | None:
        """When a gate decides, over the runs in which its wave began."""
        return Band.of_any(one.decided_ms / 1000 for one in self._of(number))

    @property
    def stopped(self) -> tuple[tuple[PlayedWave, ...], ...]:
        """The runs in which a gate failed."""
        return tuple(run for run in self.played if run[-1].verdict is Verdict.FAIL)

    @property
    def end_seconds(self) -> Band:
        """Until the last gate passes; infinite in runs in which one does not pass."""
        count = len(self.scenario.planned)
        return Band.of(
            run[-1].decided_ms / 1000
            if len(run) == count and run[-1].verdict is Verdict.PASS
            else math.inf
            for run in self.played
        )

    def reached(self, *, bricked: bool = False, only_stopped: bool = False) -> Band | None:
        """The number of things notified, or bricked, at the end of the runs."""
        runs = self.stopped if only_stopped else self.played
        return Band.of_any(
            sum(one.bricked if bricked else one.notified for one in run) for run in runs
        )

    def to_fields(self) -> json_forecast.WavesForecast:
        """The forecast for ``--output json``."""
        waves = [
            shaped(
                json_forecast.ForecastWave,
                wave,
                things=things,
                passProbability=self.share(number, Verdict.PASS),
                failProbability=self.share(number, Verdict.FAIL),
                inconclusiveProbability=self.share(number, Verdict.INCONCLUSIVE),
                refusedProbability=self.refused_share(number),
                gateSeconds=band_fields(self.gate_seconds(number)),
            )
            for number, (wave, things) in enumerate(self.scenario.planned)
        ]
        return shaped(
            json_forecast.WavesForecast,
            self,
            waves=waves,
            approvalSeconds=self.scenario.answer_ms / 1000,
            stopProbability=len(self.stopped) / len(self.played),
            notified=band_fields(self.reached()),
            bricked=band_fields(self.reached(bricked=True)),
            notifiedWhenStopped=band_fields(self.reached(only_stopped=True)),
            brickedWhenStopped=band_fields(self.reached(bricked=True, only_stopped=True)),
            rollback=shaped(json_forecast.WayBack, self) if self.ways_back else None,
        )


def forecast_waves(
    scenario: WaveScenario,
    *,
    name: str,
    notes: Iterable[str] = (),
    on_run: Callable[[int], None] | None = None,
) -> WavesForecast:
    """Play every run; ``on_run`` gets the number done, in the caller's thread."""
    runs = scenario.played(lambda seed: play_waves(scenario, seed))
    notes = (*_notes(scenario), *notes)
    return WavesForecast(scenario=scenario, name=name, runs=counted(runs, on_run), notes=notes)


def _notes(scenario: WaveScenario) -> Iterator[str]:
    waves = scenario.waves
    if any(wave.rule.needs_approval for wave, _ in scenario.planned) and not scenario.answer_ms:
        yield "an approval is taken to come at once: the time until somebody approves comes on top"
    left_out = [alarm.name for alarm in scenario.alarms if not is_forecast(alarm)]
    left_out += sorted({name for wave, _ in scenario.planned for name in wave.rule.alarms})
    if left_out:
        yield f"what these alarms watch is not in the forecast: {', '.join(left_out)}"
    if waves.prefers_recent:
        yield "things that never connect are taken last (preferRecent)"
    if waves.compare is not None:
        yield "comparisons with a control are not in the forecast"
    if scenario.verify is not None and not scenario.profile.names_unproven:
        yield (
            "every thing that succeeds is taken to come back with the new version: the profile has"
            " no old_rate and no dark_rate"
        )
    schedule = next((one.job.scheduling for one in waves.waves if one.job.scheduling), None)
    yield from schedule_notes(schedule, scenario.begins, scenario.horizon_days)
    if scenario.rollback is not None:
        yield (
            "the way back is for one former version, whose image is as large as the new one and"
            " good; what never comes back is not waited for"
        )
    if any(wave.size.groups for wave in waves.waves):
        yield "waves of thing groups are left out: how many things they have is not known"
    played = {wave.name for wave, _ in scenario.planned}
    empty = [one.name for one in waves.waves if one.name not in played and not one.size.groups]
    if empty:
        yield f"of {scenario.things:,} things none is in {', '.join(empty)}"

"""The page of a forecast of waves: the likely outcome first, every name escaped, no script."""

from __future__ import annotations

import re

import pytest

from otactl.forecast.profile import FleetProfile
from otactl.forecast.wave_play import PlayedRun, PlayedWave, WaveScenario
from otactl.forecast.waves import WavesForecast
from otactl.model.job_configuration import JobConfiguration
from otactl.model.wave import GateRule, Verdict, Wave, Waves, WaveSize
from otactl.views.waves_page import headline, waves_page

HOUR_MS = 3_600_000


def wave(name: str, **size: int) -> Wave:
    return Wave(name=name, size=WaveSize(**size), rule=GateRule(), job=JobConfiguration())


def forecast(*runs: tuple[PlayedWave, ...], name: str = "dev.ini") -> WavesForecast:
    scenario = WaveScenario(
        waves=Waves(waves=(wave("canary", things=10), wave("rest"))),
        profile=FleetProfile(),
        things=1000,
        image_bytes=1,
        runs=len(runs),
    )
    return WavesForecast(scenario=scenario, name=name, runs=tuple(map(PlayedRun, runs)))


def run(verdict: Verdict) -> tuple[PlayedWave, ...]:
    canary = PlayedWave(verdict=verdict, began_ms=0, decided_ms=HOUR_MS, notified=10, bricked=2)
    rest = PlayedWave(verdict=Verdict.PASS, began_ms=HOUR_MS, decided_ms=3 * HOUR_MS, notified=990)
    return (canary, rest) if verdict is Verdict.PASS else (canary,)


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ([Verdict.PASS] * 4, "All gates pass after 3 h; a gate stops it in no run."),
        (
            [Verdict.FAIL] * 3 + [Verdict.PASS],
            "A gate stops this image in 75% of the runs, after it reached 10 of 1,000 things.",
        ),
        (
            [Verdict.INCONCLUSIVE] * 3 + [Verdict.PASS],
            "In most runs a gate waits for a person: too few things end, or too few succeed.",
        ),
        (
            [Verdict.FAIL] * 2 + [Verdict.INCONCLUSIVE] + [Verdict.PASS] * 2,
            (
                "All gates pass in 40% of the runs; a gate stops it in 40% of the runs, and waits"
                " for a person in 20%."
            ),
        ),
    ],
)
def test_the_likely_outcome_is_said_first(verdicts, words) -> None:
    assert headline(forecast(*map(run, verdicts))) == words


def test_the_page_has_a_bar_for_each_wave_that_begins_and_runs_no_script() -> None:
    stopped = waves_page([forecast(run(Verdict.FAIL))])
    passed = waves_page([forecast(run(Verdict.PASS))])

    assert [page.count('class="run"') for page in (stopped, passed)] == [1, 2]
    assert "never begins" in stopped
    assert "<script" not in passed


def test_a_bar_begins_when_its_wave_does_and_is_as_faint_as_few_runs_reach_it() -> None:
    # Three of four runs end at the first gate, and early: that is not when the others go on.
    early = (PlayedWave(verdict=Verdict.FAIL, began_ms=0, decided_ms=60_000, notified=10),)
    page = waves_page([forecast(early, early, early, run(Verdict.PASS))])

    drawn = re.findall(r'<rect[^>]* class="run"[^>]*>', page)
    names = ("x", "width", "opacity")
    bars = [{n: float(re.search(f' {n}="([0-9.]+)"', bar)[1]) for n in names} for bar in drawn]
    assert [bar["opacity"] for bar in bars] == [1, 0.25]
    hour = bars[1]["width"] / 2  # from 1 h to 3 h
    assert bars[1]["x"] - bars[0]["x"] == pytest.approx(hour, rel=0.02)
    assert "wave rest begins in 25% of the runs" in page


def test_a_files_name_is_text() -> None:
    hostile = "<img src=x>.ini"
    page = waves_page([forecast(run(Verdict.PASS), name=hostile)] * 2)

    assert hostile not in page
    assert len(re.findall("<h2>&lt;img", page)) == 2

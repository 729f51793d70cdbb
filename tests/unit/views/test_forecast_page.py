"""The page and the table of a forecast: complete, self-contained, and safe with hostile names."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console
from tests.support.forecasting import constant_rate, criterion, scenario

from otactl.forecast.price import shipped_prices
from otactl.forecast.profile import FleetProfile, Group
from otactl.forecast.summary import Forecast, make_forecast
from otactl.views.band_text import (
    band_text,
    bytes_text,
    count_text,
    dollars_text,
    duration_text,
    share_text,
)
from otactl.views.forecast_page import forecast_page
from otactl.views.forecast_rows import headline, ordered_keys, print_forecast, rows

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>.ini"


def made(name: str = "dev.ini", failure_rate: float = 0.3) -> Forecast:
    profile = FleetProfile().with_failure_rate(failure_rate)
    asked = scenario(constant_rate(50, criterion(10, 30)), profile, 2000, runs=19, horizon_days=2)
    return make_forecast(asked, name=name, prices=shipped_prices(), alarms=1)


@pytest.fixture(scope="module")
def aborting() -> Forecast:
    return made()


@pytest.fixture(scope="module")
def page(aborting: Forecast) -> str:
    return forecast_page([aborting])


def test_nothing_is_loaded_from_outside(page: str) -> None:
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(?:src|href)\s*=", markup)
    assert "default-src 'none'" in markup
    assert "@import" not in markup
    assert "url(" not in markup


def test_the_page_holds_the_numbers_that_the_table_shows(page: str, aborting: Forecast) -> None:
    embedded = re.search(r'id="forecasts">(.*?)</script>', page, re.DOTALL)
    assert embedded is not None
    (fields,) = json.loads(embedded[1])
    assert fields["abort"]["probability"] == 1
    assert fields["bricked"]["withoutAbort"]["median"] > fields["bricked"]["total"]["median"]
    for row in rows(aborting):
        assert row.label in page
    assert "would be bricked with no abort" in page
    assert not re.search("@@[A-Z_]+@@", page)


def test_names_from_files_are_shown_as_text() -> None:
    found = forecast_page([made(HOSTILE, 0.0), made("other.ini")])
    markup = re.sub(r"<script>.*?</script>", "", found, flags=re.DOTALL)
    assert "<img" not in markup
    assert "alert(1)</script>" not in found
    assert "&lt;img src=x" in markup


def test_a_file_called_like_a_placeholder_is_not_filled_in() -> None:
    assert "Forecast of @@RUNS@@.ini" in forecast_page([made("@@RUNS@@.ini", 0.0)])


def test_the_table_fits_eighty_columns_and_names_the_band(aborting: Forecast) -> None:
    out = io.StringIO()
    print_forecast(Console(file=out, width=80, color_system=None), [aborting, made("b.ini", 0.0)])
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "median of 19 runs" in text
    assert "bricked with no abort" in text


def test_the_headline_tells_the_abort_or_the_time(aborting: Forecast) -> None:
    assert headline(aborting).startswith("The job aborts itself in 100% of 19 runs")
    assert headline(made("calm.ini", 0.0)).startswith("95% of 2,000 things have finished after")


def test_a_fleet_that_is_too_rarely_online_is_not_said_to_finish_after_never() -> None:
    away = Group(never=0.5, failure_rate=0)
    asked = scenario(constant_rate(50), FleetProfile(group=(away,)), 200, runs=19, horizon_days=2)
    words = headline(make_forecast(asked, name="away.ini", prices=shipped_prices()))
    assert words.startswith("Less than 95% of 200 things finish within 2 days; 0")


def test_an_abort_that_may_come_or_not_is_told_as_two_stories() -> None:
    # At 8% of failures the criterion of 10% fires in some runs only, early, and then hardly
    # anything is bricked. A median over both would say that the abort saved nothing.
    undecided = made("undecided.ini", 0.08)
    assert 0.2 < undecided.abort_probability < 0.9
    stopped = undecided.of_aborted(lambda t: t.bricked)
    others = undecided.of_unaborted(lambda t: t.bricked)
    assert stopped is not None
    assert others is not None
    assert stopped.median < others.low
    assert f"{band_text(stopped, count_text)} are bricked" in headline(undecided)
    assert f"{band_text(others, count_text)} are bricked" in headline(undecided)
    labels = [row.label for row in rows(undecided)]
    assert labels.index("bricked when it aborts") + 1 == labels.index("bricked when it does not")
    assert "bricked when it does not" in forecast_page([undecided])
    assert "bricked when it aborts" not in [row.label for row in rows(made("calm.ini", 0.0))]


def test_the_likely_outcome_comes_first_and_the_rare_one_last() -> None:
    # 20 runs at 6.5% of failures: the criterion of 10% fires in few of them.
    rare, often = made("rare.ini", 0.065), made("often.ini", 0.095)
    assert 0 < rare.abort_probability < 0.5 < often.abort_probability < 1

    assert headline(rare).startswith("In ")
    assert "no abort criterion is met: 95% of 2,000 things" in headline(rare)
    assert headline(often).startswith("The job aborts itself in ")
    labels = [
        re.findall(r'<span class="label">([^<]*)</span>', forecast_page([each]))
        for each in (rare, often)
    ]
    assert labels[0][0] == "bricked when it does not"
    assert labels[0][1].startswith("aborts in ")
    assert labels[1][0].startswith("aborts in ")
    assert labels[1][1] == "bricked when it aborts"


def test_rows_that_only_some_have_stand_where_those_have_them() -> None:
    one = {("A", "a"): "1", ("A", "c"): "1", ("B", "d"): "1"}
    other = {("A", "a"): "2", ("A", "b"): "2", ("B", "d"): "2", ("B", "e"): "2"}
    labels = [label for _, label in ordered_keys([one, other])]
    assert labels == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (250, "4 min 10 s"),
        (7260, "2 h 1 min"),
        (190_000, "2 d 4 h"),
        (float("inf"), "never"),
    ],
)
def test_durations_read_naturally(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_bytes_dollars_and_shares_read_naturally() -> None:
    assert bytes_text(999) == "999 B"
    assert bytes_text(1_510_000_000) == "1.51 GB"
    assert [bytes_text(n) for n in (12_340, 999_400, 999_600, 2e18)] == [
        "12.3 KB",
        "999 KB",
        "1 MB",
        "2,000 PB",
    ]
    assert dollars_text(0.126) == "$0.13"
    assert dollars_text(12_345.6) == "$12,346"
    assert [share_text(s) for s in (0, 0.0056, 0.15, 0.9999, 1)] == [
        *("0%", "0.56%", "15%", "99.9%", "100%")
    ]
    assert share_text(499 / 500) == "99.8%"

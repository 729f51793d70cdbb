"""The arithmetic of comparisons is scipy's, by another way of computing it."""

import itertools
import random
from types import ModuleType

import pytest

from otactl.rules.comparison.compare import difference_interval, wilson
from otactl.rules.comparison.fisher import (
    Design,
    binomial,
    is_worse,
    least_worse,
    p_value,
    power,
    visible_difference,
)


@pytest.fixture(scope="module")
def stats() -> ModuleType:
    """Imported here only: six processes collect all tests, and it takes each of them a second.

    `make test` installs it; an environment from before it was needed goes without.
    """
    return pytest.importorskip("scipy.stats", reason="pip install -c constraints.txt scipy")


def _tables(count: int) -> list[tuple[int, int, int, int]]:
    rng = random.Random(17)  # noqa: S311 - tables, not secrets
    tables = []
    for _ in range(count):
        first, second = rng.choice([1, 2, 10, 50, 333, 2000]), rng.choice([1, 5, 100, 500, 2000])
        share = rng.choice([0, 0.001, 0.01, 0.1, 0.5, 1])
        tables.append(
            (
                min(first, round(first * share * rng.uniform(0, 4))),
                first,
                min(second, round(second * share)),
                second,
            )
        )
    return tables


@pytest.mark.parametrize("table", [*_tables(300), (0, 7, 0, 70), (7, 7, 70, 70), (3, 3, 0, 30)])
def test_p_values_are_scipys(stats: ModuleType, table: tuple[int, int, int, int]) -> None:
    a, n, b, m = table

    expected = stats.fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue

    assert p_value(a, n, b, m) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_every_small_table_has_scipys_p_value(stats: ModuleType) -> None:
    for a, b in itertools.product(range(7), range(10)):
        expected = stats.fisher_exact([[a, 6 - a], [b, 9 - b]], alternative="greater").pvalue
        assert p_value(a, 6, b, 9) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("bad", "things"), [(0, 1), (1, 1), (0, 50), (3, 50), (1999, 2000)])
def test_intervals_of_one_share_are_scipys(stats: ModuleType, bad: int, things: int) -> None:
    expected = stats.binomtest(bad, things).proportion_ci(method="wilson")

    assert wilson(bad, things) == pytest.approx((expected.low, expected.high), abs=1e-12)


# Newcombe (1998), table II: methods compared on eight data sets, the last digit as printed.
@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
        ((10, 10, 0, 10), (0.6075, 1.0000)),
    ],
)
def test_intervals_of_a_difference_are_newcombes(
    table: tuple[int, int, int, int], expected: tuple[float, float]
) -> None:
    assert difference_interval(*table) == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 1.0])
def test_counts_have_scipys_probabilities(stats: ModuleType, share: float) -> None:
    expected = stats.binom.pmf(range(201), 200, share)

    assert binomial(200, share) == pytest.approx(list(expected), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("design", [Design(20, 60, 0.05, 100), Design(50, 100, 0.0125, 500)])
@pytest.mark.parametrize(("control", "wave"), [(0.005, 0.05), (0.02, 0.2), (0.1, 0.1)])
def test_power_is_the_sum_over_every_table(
    stats: ModuleType, design: Design, control: float, wave: float
) -> None:
    expected = sum(
        stats.binom.pmf(a, design.wave, wave) * stats.binom.pmf(b, design.control, control)
        for a in range(design.wave + 1)
        for b in range(design.control + 1)
        if a / design.wave - b / design.control >= design.difference / 10_000 - 1e-12
        and stats.fisher_exact(
            [[a, design.wave - a], [b, design.control - b]], alternative="greater"
        ).pvalue
        <= design.level
    )

    assert power(design, control, wave) == pytest.approx(expected, abs=1e-9)


def test_a_canary_of_50_against_500_sees_what_the_docs_say() -> None:
    alone, two_looks = (Design(50, 500, level, 100) for level in (0.05, 0.025))

    assert power(alone, 0.005, 0.05) == pytest.approx(0.60, abs=0.005)
    assert power(alone, 0.005, 0.10) == pytest.approx(0.93, abs=0.005)
    assert power(two_looks, 0.005, 0.05) == pytest.approx(0.51, abs=0.005)
    assert power(two_looks, 0.005, 0.10) == pytest.approx(0.90, abs=0.006)


@pytest.mark.parametrize("design", [Design(50, 500, 0.025, 100), Design(2000, 2000, 0.01, 100)])
@pytest.mark.parametrize("control", [0.0, 0.005, 0.1])
def test_the_visible_difference_is_the_smallest_that_is_seen(
    design: Design, control: float
) -> None:
    visible = visible_difference(design, control)

    assert visible is not None
    assert power(design, control, control + visible) >= 0.8
    assert power(design, control, control + visible - 0.0005) < 0.8


def test_two_things_see_nothing() -> None:
    assert visible_difference(Design(2, 2, 0.05, 100), 0.0) is None


def test_worse_takes_as_large_a_difference_as_matters() -> None:
    significant = (60, 2000, 40, 2000)

    assert is_worse(*significant, level=0.05, difference=100)
    assert not is_worse(*significant, level=0.05, difference=101)
    assert not is_worse(*significant, level=0.01, difference=100)


def test_the_search_for_the_fewest_worse_may_start_anywhere_below() -> None:
    least, design = 0, Design(80, 800, 0.01, 100)
    for bad in range(0, 200, 7):
        fresh = least_worse(design, bad)
        least = least_worse(design, bad, start=least)
        assert least == fresh

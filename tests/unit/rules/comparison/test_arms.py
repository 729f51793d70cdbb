"""Who is compared, and that the drawing keeps what the power says."""

import random
from collections.abc import Callable, Iterable, Iterator

import pytest

from otactl.model.comparison import (
    ArmCount,
    ComparedOutcome,
    CompareRule,
    Comparison,
    ComparisonVerdict,
    SoakPoint,
)
from otactl.model.thing_state import ThingState
from otactl.model.wave import WaveSize
from otactl.rules.comparison.arms import (
    MAX_ARM,
    ArmSizes,
    control_candidates,
    control_size,
    count_arm,
    draw,
    expected_arms,
)
from otactl.rules.comparison.compare import compare, threshold
from otactl.rules.comparison.fisher import Design, power
from otactl.rules.waves.membership import divide, in_hash_order

_CANARY = (WaveSize(things=50), WaveSize())
_OFFLINE = 0.3
_LEVEL = threshold(1, 1)
_RULE = CompareRule()


def _states(names: Iterable[str], is_connected: Callable[[str], bool]) -> list[ThingState]:
    return [ThingState(thing_name=name, is_connected=is_connected(name)) for name in names]


def _arm(bad: int, readable: int, things: int | None = None) -> ArmCount:
    return ArmCount(things=things or readable, readable=readable, bad=bad)


def test_the_control_is_drawn_by_the_hash_that_deals_the_waves() -> None:
    names = [f"thing-{number}" for number in range(1_000)]
    canary, rest = divide(names, _CANARY, seed="s", members={})

    control = control_candidates(sorted(rest), ["kept"], seed="s")

    assert [*canary, *control] == in_hash_order(names, "s")


def test_only_the_last_wave_takes_things_that_are_in_no_wave() -> None:
    assert control_candidates([], ["b", "a"], seed="s") == in_hash_order(["a", "b"], "s")
    assert control_candidates(["c"], ["b", "a"], seed="s") == ["c"]


def test_an_arm_takes_the_first_that_are_connected_and_reads_no_more() -> None:
    read: list[str] = []

    def states() -> Iterator[ThingState]:
        for name in ("on-1", "off-1", "on-2", "unknown-1", "on-3"):
            read.append(name)
            known = {"on": True, "off": False}.get(name.split("-")[0])
            yield ThingState(thing_name=name, is_connected=known)

    assert [each.thing_name for each in draw(states(), 2)] == ["on-1", "on-2"]
    assert read == ["on-1", "off-1", "on-2"]


def test_sizes_of_arms() -> None:
    assert [control_size(things) for things in (1, 50, 200, 50_000)] == [10, 500, 2_000, MAX_ARM]


def test_which_waves_can_be_compared() -> None:
    sizes = (
        WaveSize(things=50),
        WaveSize(groups=("lab",)),
        WaveSize(hundredths=1_000),
        WaveSize(),
    )

    without = expected_arms(sizes, 1_000, 0)
    kept = expected_arms(sizes, 1_000, 425)
    too_few = expected_arms(sizes, 1_000, 424)

    arms = (ArmSizes(wave=50, control=500), None, ArmSizes(wave=100, control=850))
    assert without == (*arms, None)
    assert kept == (*arms, ArmSizes(wave=850, control=425))
    assert too_few == (*arms, None)


def test_why_arms_are_not_compared() -> None:
    assert (
        "no thing of the wave was known to be connected" in ArmSizes(wave=0, control=9).not_compared
    )
    assert "4 things, under half of the wave's 9" in ArmSizes(wave=9, control=4).not_compared
    assert not ArmSizes(wave=8, control=4).not_compared


def test_what_became_of_an_arm() -> None:
    drawn = [ThingState(thing_name=name, is_connected=True, boots=5) for name in "abcde"]
    now = {
        "a": ThingState(thing_name="a", is_connected=True, boots=7),
        "b": ThingState(thing_name="b", is_connected=False, boots=8),
        "c": ThingState(thing_name="c", is_connected=None),
        "d": ThingState(thing_name="d", is_connected=True, boots=9, unreadable="throttled"),
    }

    def counted(outcome: ComparedOutcome) -> ArmCount:
        return count_arm(drawn, now, outcome, maximum_boots=2)

    assert counted(ComparedOutcome.NOT_CONNECTED) == _arm(1, 2, 5)
    assert counted(ComparedOutcome.BOOTS) == _arm(1, 2, 5)


def test_a_wave_that_is_worse() -> None:
    found = compare(
        ComparedOutcome.NOT_CONNECTED, _arm(6, 50), _arm(3, 500), rule=_RULE, level=_LEVEL
    )

    assert found.verdict is ComparisonVerdict.WORSE
    assert found.words == (
        "worse: not connected 6 of 50 things of the wave, 3 of 500 of the control:"
        " +11.4 points (95% interval +4.9 to +23.2, visible at 80%: +7.9)"
    )


def test_a_wave_that_is_not_shown_worse_says_what_could_have_been_seen() -> None:
    found = compare(
        ComparedOutcome.NOT_CONNECTED, _arm(0, 50), _arm(3, 500), rule=_RULE, level=_LEVEL
    )

    assert found.verdict is ComparisonVerdict.NOT_SHOWN_WORSE
    assert found.words.startswith("not shown worse: not connected 0 of 50 things")
    assert found.visible == pytest.approx(0.078, abs=0.002)


@pytest.mark.parametrize(
    ("wave", "control", "verdict"),
    [
        (_arm(40, 40, 50), _arm(0, 400, 500), ComparisonVerdict.WORSE),
        (_arm(39, 39, 50), _arm(0, 500), ComparisonVerdict.NO_DATA),
        (_arm(50, 50), _arm(0, 399, 500), ComparisonVerdict.NO_DATA),
    ],
)
def test_no_data_is_under_80_percent_of_an_arm(
    wave: ArmCount, control: ArmCount, verdict: ComparisonVerdict
) -> None:
    found = compare(ComparedOutcome.NOT_CONNECTED, wave, control, rule=_RULE, level=_LEVEL)

    assert found.verdict is verdict
    assert (found.p is None) is (verdict is ComparisonVerdict.NO_DATA)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (("worse", "no data"), "worse"),
        (("not shown worse", "no data"), "no data"),
        (("not shown worse", "not shown worse"), "not shown worse"),
    ],
)
def test_outcomes_together(verdicts: tuple[str, str], expected: str) -> None:
    arms = {
        "worse": (_arm(50, 50), _arm(0, 500)),
        "no data": (_arm(0, 0, 50), _arm(0, 500)),
        "not shown worse": (_arm(0, 50), _arm(0, 500)),
    }
    outcomes = tuple(
        compare(outcome, *arms[verdict], rule=_RULE, level=_LEVEL)
        for outcome, verdict in zip(ComparedOutcome, verdicts, strict=True)
    )

    comparison = Comparison(wave=1, point=SoakPoint.HALF, at_ms=0, outcomes=outcomes)
    assert comparison.verdict == expected


class _Fleet:
    """Things of which 30% are offline and stay so; of the wave's connected ones some go dark."""

    def __init__(self, seed: int, *, base: float, worse: float) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - a simulation
        self.names = [f"{seed}-{number}" for number in range(1_000)]
        self.online = {name for name in self.names if self._rng.random() >= _OFFLINE}
        self._base, self._worse = base, worse

    def look(self, wave: Iterable[str]) -> dict[str, ThingState]:
        updated = set(wave)
        return {
            name: ThingState(
                thing_name=name,
                is_connected=name in self.online
                and self._rng.random() >= (self._worse if name in updated else self._base),
            )
            for name in self.names
        }


def _one(fleet: _Fleet, seed: str, *, is_conditioned: bool = True) -> tuple[bool, float]:
    """Whether one simulated wave is worse, and the power that was stated for its arms."""
    wave, rest = divide(fleet.names, _CANARY, seed=seed, members={})
    candidates = control_candidates(rest, (), seed=seed)
    arms = (
        draw(_states(wave, fleet.online.__contains__), MAX_ARM),
        draw(
            _states(candidates, fleet.online.__contains__ if is_conditioned else lambda _: True),
            control_size(len(wave)),
        ),
    )
    now = fleet.look(wave)
    counts = [count_arm(arm, now, ComparedOutcome.NOT_CONNECTED, maximum_boots=2) for arm in arms]
    found = compare(ComparedOutcome.NOT_CONNECTED, *counts, rule=_RULE, level=_LEVEL)
    design = Design(counts[0].things, counts[1].things, _LEVEL, _RULE.minimum_difference)
    return found.verdict is ComparisonVerdict.WORSE, power(design, fleet._base, fleet._worse)


def _simulated(times: int, *, base: float, worse: float) -> tuple[float, float]:
    """The share of waves found worse, and the power stated on average."""
    found = [_one(_Fleet(seed, base=base, worse=worse), str(seed)) for seed in range(times)]
    return sum(each for each, _ in found) / times, sum(each for _, each in found) / times


@pytest.mark.parametrize(("base", "worse"), [(0.005, 0.10), (0.02, 0.25)])
def test_arms_of_a_fleet_with_offline_things_have_the_stated_power(
    base: float, worse: float
) -> None:
    times = 150
    found, stated = _simulated(times, base=base, worse=worse)

    # Three standard deviations of the share of so many simulations.
    assert found >= stated - 3 * (stated * (1 - stated) / times) ** 0.5


def test_a_control_that_was_not_asked_to_be_connected_would_hide_a_rise_of_20_points() -> None:
    times = 60
    fleets = [_Fleet(seed, base=0.005, worse=0.205) for seed in range(times)]

    hidden = sum(_one(fleet, "s", is_conditioned=False)[0] for fleet in fleets)
    seen = sum(_one(fleet, "s")[0] for fleet in fleets)

    assert hidden == 0
    assert seen >= 0.9 * times


@pytest.mark.slow
@pytest.mark.parametrize("base", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("rise", [0.0, 0.05, 0.1, 0.2])
def test_arms_have_the_stated_power_in_the_long_run(base: float, rise: float) -> None:
    times = 500
    found, stated = _simulated(times, base=base, worse=base + rise)

    deviation = 3 * (stated * (1 - stated) / times) ** 0.5
    assert stated - deviation <= found <= stated + deviation
    if not rise:
        assert stated <= 0.05

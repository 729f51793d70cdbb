"""A deployment that changes nothing is stopped in at most 5% of all cases: every case counted.

For one look at one outcome, the probability is summed over every pair of counts. Looks, outcomes
and waves are at worst exclusive, so their sum bounds what a deployment adds up to.
"""

import itertools

import pytest

from otactl.model.comparison import SoakPoint
from otactl.rules.comparison.arms import control_size
from otactl.rules.comparison.compare import FALSE_ALARMS, threshold
from otactl.rules.comparison.fisher import Design, power

_SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


def _false_alarms(wave: int, control: int, share: float, waves: int, outcomes: int) -> float:
    level = threshold(waves, outcomes)
    once = power(Design(wave, control, level, 100), share, share)
    return once * waves * len(SoakPoint) * outcomes


@pytest.mark.parametrize("share", _SHARES)
@pytest.mark.parametrize("wave", [10, 50, 300, 2_000])
def test_false_alarms_of_a_sample(wave: int, share: float) -> None:
    for waves, outcomes in ((1, 1), (3, 2)):
        assert _false_alarms(wave, control_size(wave), share, waves, outcomes) <= FALSE_ALARMS


def test_without_its_share_of_the_level_a_look_would_raise_too_many() -> None:
    """What the bound is worth: three waves judged at 5% each raise far more than 5%."""
    once = power(Design(2_000, 2_000, FALSE_ALARMS, 0), 0.1, 0.1)

    assert once > 0.04
    assert once * 3 * len(SoakPoint) > 4 * FALSE_ALARMS


@pytest.mark.slow
def test_false_alarms_of_the_full_grid() -> None:
    waves_of = (*range(10, 100), *range(100, 400, 10), *range(400, 2_001, 50))
    worst = 0.0
    for wave, share, waves in itertools.product(waves_of, _SHARES, (1, 2, 3, 5, 10)):
        for control, outcomes in ((control_size(wave), 1), (control_size(wave), 2), (wave // 2, 1)):
            worst = max(worst, _false_alarms(wave, control, share, waves, outcomes))
            assert worst <= FALSE_ALARMS, (wave, control, share, waves, outcomes)

    assert worst > 0.02, "the bound would be no bound if nothing came near it"

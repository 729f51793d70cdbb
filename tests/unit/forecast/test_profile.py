"""Fleet profiles: what is read, and what is said about what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from otactl.errors import ConfigurationInvalid
from otactl.forecast.distribution import Distribution
from otactl.forecast.profile import FleetProfile, Group, parse_profile
from otactl.forecast.sampled_fleet import draw

GOOD = """
image_bytes = 1048576
start_hour = 22.5
[delivery]
block_bytes = 8192
[[group]]
name = "home"
share = 3
online = 0.9
bandwidth_bytes_per_second = { median = 60000, p5 = 9000 }
install_seconds = { mean = 30 }
check_in_seconds = { values = [60, 600, 86400] }
reboot_seconds = { low = 5, high = 9 }
[[group]]
name = "field"
start_delay_seconds = 4
"""


def test_a_profile_says_only_what_is_known_and_the_rest_is_assumed() -> None:
    profile = parse_profile(GOOD)
    home, field = profile.group
    assert (home.share, field.share) == (3, 1)
    assert home.failure_rate == Group().failure_rate
    assert field.start_delay_seconds.quantile(0.3) == 4
    assert parse_profile("") == FleetProfile()


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("[[group]]\nonline = 1.2", "group[0].online"),
        ("[[group]]\nonlin = 1", "group[0].onlin"),
        ("[[group]]\n[[group]]\nname='b'\nnever = -0.1", "group[1].never"),
        ("[[group]]\ninstall_seconds = { mean = 3, low = 1 }", "group[0].install_seconds"),
        ("[[group]]\ninstall_seconds = { low = 3, high = 1 }", "group[0].install_seconds"),
        ("[[group]]\ncheck_in_seconds = { values = [3, 1] }", "group[0].check_in_seconds"),
        ("[[group]]\nbandwidth_bytes_per_second = 0", "group[0]"),
        ("[[group]]\nfailure_rate = 0.7\nsilence_rate = 0.7", "group[0]"),
        ("[[group]]\nonline_by_hour = [1, 1]", "group[0]"),
        ("[delivery]\nblock_bytes = 5", "delivery.block_bytes"),
        ("image_bytes = 0", "image_bytes"),
        ("start_hour = 'noon'", "start_hour"),
        ("start_hour = nan", "start_hour"),
        ("[[group]]\nshare = 1e308\n[[group]]\nname='b'\nshare = 1", "group[0].share"),
        (
            "[[group]]\ninstall_seconds = { median = 1, p95 = 1e308 }",
            "group[0].install_seconds.p95",
        ),
        (
            "[[group]]\nbandwidth_bytes_per_second = { median = 9, p5 = 1e-300 }",
            "group[0].bandwidth_bytes_per_second.p5",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_key(text: str, location: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        parse_profile(text, file_name="fleet.toml")
    (problem,) = refused.value.problems
    assert (problem.file, problem.key) == ("fleet.toml", location)
    assert "pydantic" not in str(problem).lower()


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        parse_profile("start_hour = 99\n[[group]]\nonline = 7\nnever = 8")
    assert len(refused.value.problems) == 3


def test_groups_need_names_of_their_own() -> None:
    with pytest.raises(ConfigurationInvalid, match="name of its own"):
        parse_profile("[[group]]\n[[group]]")


def test_a_text_that_is_no_toml() -> None:
    with pytest.raises(ConfigurationInvalid, match="not TOML"):
        parse_profile("[[group")


def test_a_bad_image_fails_everywhere_at_its_rate() -> None:
    bad = parse_profile(GOOD).with_failure_rate(0.999)
    assert {group.failure_rate for group in bad.group} == {0.999}
    assert all(g.failure_rate + g.silence_rate + g.rejection_rate <= 1 for g in bad.group)


@pytest.mark.parametrize(
    "written",
    [
        7,
        {"low": 2, "high": 9},
        {"mean": 30},
        {"median": 60, "p95": 300},
        {"median": 60, "p5": 10},
        {"values": [1, 2, 4, 100]},
        {"values": [3]},
    ],
)
def test_draws_follow_the_quantiles_that_the_linter_reads(written: object) -> None:
    distribution = Distribution.model_validate(written)
    drawn = np.sort(draw(distribution, 40_000, np.random.default_rng(1)))
    for part in (0.05, 0.5, 0.95):
        expected = distribution.quantile(part)
        assert drawn[int(part * len(drawn))] == pytest.approx(expected, rel=0.06, abs=0.02)

"""Keys and sections are found by the names people use."""

from __future__ import annotations

import pytest

from otactl.model.configuration.catalogue import find_keys, near_names
from otactl.model.configuration.sections import SECTIONS, find_section


@pytest.mark.parametrize(
    ("name", "full_names"),
    [
        ("rounds", ["DEFAULT.rounds"]),
        ("DEFAULT.rounds", ["DEFAULT.rounds"]),
        ("roleArn", ["DEFAULT.roleArn", "PRESIGNED_URL_CONFIG.roleArn"]),
        ("fileChunckSize", ["DEFAULT.fileChunkSize"]),
        ("ALARM_CONFIG_v1.2.period", ["ALARM_CONFIG_<alarm_name>.period"]),
        ("ABORT_CONFIG.rounds", []),
        ("NOWHERE.rounds", []),
        ("Rounds", []),
        ("", []),
    ],
)
def test_keys_are_found_by_name(name: str, full_names: list[str]):
    assert [key.full_name for key in find_keys(name)] == full_names


def test_a_section_of_a_family_is_found_but_its_bare_prefix_is_none():
    family = find_section("ALARM_CONFIG_Any")

    assert family is not None
    assert family.name == "ALARM_CONFIG_<alarm_name>"
    assert find_section("ALARM_CONFIG_") is None
    assert find_section("alarm_config") is None


@pytest.mark.parametrize(
    ("name", "near"),
    [("jobid", "jobId"), ("default.Rounds", "DEFAULT.rounds"), ("thinglist", "thingList")],
)
def test_near_names_do_not_mind_the_case(name: str, near: str):
    assert near_names(name)[0] == near


def test_nothing_is_near_to_nonsense():
    assert near_names("xyzzy") == ()


def test_a_section_stands_behind_what_switches_it_on():
    names = [spec.name for spec in SECTIONS]

    assert len(names) == len(set(names))
    for spec in SECTIONS:
        for key in (spec.switch, spec.listed_in):
            if key is not None:
                assert names.index(key.section) < names.index(spec.name)
                assert find_keys(str(key)), key

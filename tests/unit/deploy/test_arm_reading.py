"""Arms of a comparison: in bulk by the fleet index where it is quicker; the source decides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.memory_states import MemoryThingStates

from otactl.deploy.wave_comparison import ArmReader
from otactl.model.thing_state import VersionSource

WAVE = [f"t{number:04}" for number in range(2000)]
CONTROL = [f"t{number:04}" for number in range(2000, 5000)]
ARMS = (WAVE, 2000), (CONTROL, 2000)
LOST = WAVE[:60]


@pytest.fixture
def states():
    found = MemoryThingStates(gap="")
    found.report(*WAVE, *CONTROL, is_connected=True)
    return found


@pytest.fixture
def reader(states):
    return ArmReader(states, None)


def names(arm):
    return [one.thing_name for one in arm]


def test_two_arms_of_two_thousand_take_a_count_and_a_page(states, reader):
    wave, control = reader.draw(*ARMS)
    read = reader.read(names(wave) + names(control))

    assert (names(wave), names(control)) == (WAVE, CONTROL[:2000])
    assert sum(one.is_connected for one in read.values()) == 4000
    calls = {"iot:GetIndexingConfiguration": 2, "iot:GetStatistics": 2, "iot:SearchIndex": 2}
    assert {name: count for name, count in states.calls.items() if count} == calls


def test_who_is_offline_is_in_no_arm_and_costs_a_page_for_each_hundred(states, reader):
    offline = {*WAVE[:300], *CONTROL[:350]}
    states.report(*offline, is_connected=False)

    wave, control = reader.draw(*ARMS)

    assert (names(wave), names(control)) == (WAVE[300:], CONTROL[350:2350])
    assert states.calls["iot:SearchIndex"] == 7
    assert states.calls["iot:GetThingConnectivityData"] == 0


def test_those_that_are_gone_are_confirmed_by_the_source(states, reader):
    states.report(*LOST, is_connected=False)

    read = reader.read(WAVE + CONTROL)

    assert {one.thing_name for one in read.values() if not one.is_connected} == set(LOST)
    assert states.calls["iot:GetThingConnectivityData"] == 60


def test_what_a_late_index_says_is_not_believed(states, reader):
    for name in LOST:
        states.indexed[name] = replace(states.states[name], is_connected=False)

    read = reader.read(WAVE + CONTROL)

    assert all(one.is_connected for one in read.values())
    assert states.calls["iot:GetThingConnectivityData"] == 60


def test_what_the_source_cannot_tell_is_not_readable(states, reader):
    states.report(*LOST, is_connected=False)
    states.report(*LOST, unreadable="AccessDenied")

    read = reader.read(WAVE + CONTROL)

    assert {name for name, one in read.items() if one.unreadable} == set(LOST)


@pytest.mark.parametrize("gap", ["fleet indexing is off", "the fleet index is BUILDING"])
def test_an_index_that_does_not_answer_leaves_the_source(states, reader, gap):
    states.gap = gap

    assert len(reader.read(WAVE + CONTROL)) == 5000

    assert states.calls["iot:GetThingConnectivityData"] == 5000


@pytest.mark.parametrize(("offline", "pages"), [(59_900, 599), (60_000, 0)])
def test_the_index_is_asked_only_where_that_takes_less_time(states, reader, offline, pages):
    # 599 pages take a moment less than the 40 seconds of 4,000 things.
    states.report(*(f"t9{number:06}" for number in range(offline)), is_connected=False)

    reader.draw(*ARMS)

    assert states.calls["iot:SearchIndex"] == pages
    assert (states.calls["iot:GetThingConnectivityData"] == 0) is bool(pages)


def test_up_to_a_hundred_things_are_read_one_by_one(states, reader):
    reader.read(WAVE[:100])

    assert states.calls["iot:GetThingConnectivityData"] == 100
    assert states.calls["iot:GetStatistics"] == 0


def test_boots_are_read_from_the_source(states):
    source = VersionSource(version_path=("version",), boot_count_path=("boots",))

    ArmReader(states, source).read(WAVE)

    assert states.calls["iotdata:GetThingShadow"] == 2000
    assert states.calls["iot:SearchIndex"] == 0

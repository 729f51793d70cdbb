"""Who takes part in a rehearsal of waves, and what they do."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import configuration_of, dev_ini, section
from tests.unit.model.configuration.test_wave_section import GROUP, wave_ini

from otactl.device.behaviour import Behaviour
from otactl.errors import UserMistake
from otactl.model.thing_list import ThingList
from otactl.operations.rehearsal.participants import (
    DealWaves,
    choose_participants,
    usual_versions,
)

THINGS = tuple(f"arn:aws:iot:us-east-1:123456789012:thing/t{number:02}" for number in range(20))


def participants(behave: str, wave_list: str = "canary:5, early:50%", excepted=frozenset()):
    waves = configuration_of(wave_ini(waveList=wave_list)).waves
    assert waves is not None
    deal = DealWaves(waves=waves, excepted=excepted, image_sha256="ab")
    listed = ThingList(file_name="l", things=THINGS)
    found = choose_participants(
        listed,
        behave=behave,
        seed=1,
        things_per_group=3,
        former_versions="factory",
        waves=deal,
    )
    return found, deal.deal(list(found.things), found.groups)


def test_a_behaviour_of_one_wave_is_dealt_in_that_wave_alone():
    found, waves = participants("canary:fail=40, silent=10")

    def count(wave, behaviour):
        return sum(found.behaviours[name] is behaviour for name in waves[wave])

    assert [count(wave, Behaviour.FAIL) for wave in ("canary", "early", "rest")] == [2, 0, 0]
    assert [count(wave, Behaviour.SILENT) for wave in ("canary", "early")] == [0, 1]


def test_a_wave_that_does_not_exist_is_refused():
    with pytest.raises(UserMistake, match="there is no wave late"):
        participants("late:fail=5")


def test_a_group_that_only_a_wave_names_has_some_of_the_listed_things():
    found, waves = participants("", wave_list=f"lab:{GROUP}")

    assert set(waves["lab"]) == set(found.groups["lab"])
    assert len(waves["lab"]) == 3


def test_things_that_are_excepted_take_part_in_no_wave():
    _, waves = participants("", excepted=frozenset({"t00"}))

    assert waves[""] == ["t00"]
    assert sum(len(names) for names in waves.values()) == 20


def test_versions_are_dealt_to_all_things_whatever_they_do():
    listed = ThingList(file_name="l", things=THINGS)

    def chosen(versions):
        return choose_participants(
            listed, behave="fail=50", seed=1, things_per_group=3, former_versions=versions
        )

    found = chosen("1.2.0=50,1.3.0=50")
    versions = {name: image.version for name, image in found.factories.items()}
    failing = [name for name, each in found.behaviours.items() if each is Behaviour.FAIL]

    assert sorted(versions.values()) == ["1.2.0"] * 10 + ["1.3.0"] * 10
    assert len({versions[name] for name in failing}) == 2, "one version is not one behaviour"
    with pytest.raises(UserMistake, match=r"--former-versions 1\.2\.0=50: the shares"):
        chosen("1.2.0=50")


@pytest.mark.parametrize(
    ("ranges", "images", "versions"),
    [
        (None, None, "factory"),
        ("..1.9, 2.1", None, "1.9"),
        ("1.0.., 2.1", None, "1.0"),
        ("1.0.., 2.1", "1.2.0: old.bin, 1.3.0: older.bin as 9.0", "1.2.0,1.3.0"),
    ],
)
def test_a_file_is_rehearsed_with_things_that_it_is_for(ranges, images, versions):
    sections = [section("VERIFY_CONFIG", expectedVersion="2.5")]
    if ranges:
        sections.append(section("ELIGIBILITY_CONFIG", fromVersions=ranges))
    if images:
        sections.append(section("ROLLBACK_CONFIG", imageList=images))
    default = {"useEligibilityConfig": str(bool(ranges))}

    assert usual_versions(configuration_of(dev_ini(*sections, **default))) == versions


def test_devices_have_the_bytes_of_the_versions_that_are_brought_back(tmp_path):
    path = tmp_path / "old.bin"
    path.write_bytes(b"old")
    found = choose_participants(
        ThingList(file_name="l", things=THINGS),
        behave="",
        seed=1,
        things_per_group=3,
        former_versions="1.2,1.3",
        former_images={"1.2": path},
    )

    assert {(one.version, one.path) for one in found.factories.values()} == {
        ("1.2", path),
        ("1.3", None),
    }

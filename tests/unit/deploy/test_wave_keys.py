"""Keys of [WAVE_CONFIG] by their effect on a whole deployment against AWS in memory.

``openDays`` and ``groupFillPerSecond`` are in ``test_waves.py``, ``preferRecent`` in
``test_recent_things.py``.
"""

from __future__ import annotations

import pytest
from tests.support.dev_ini import configuration_of, section
from tests.support.wave_world import a_wave_world
from tests.unit.deploy.test_waves import FIRMWARE, Site
from tests.unit.model.configuration.test_wave_section import wave_ini

from otactl.deploy.targeting import deal_waves
from otactl.errors import GateFailed, GateWaits
from otactl.model.job_configuration import Rollout
from otactl.model.progress import AlarmState
from otactl.model.thing_list import ThingList

GROUP = "arn:aws:iot:us-east-1:123456789012:thinggroup/pumps"


@pytest.fixture
def site(tmp_path):
    sites = []

    def build(**options) -> Site:
        sites.append(Site(tmp_path, **options))
        return sites[-1]

    yield build
    for one in sites:
        one.journal.close()


@pytest.mark.parametrize(
    ("missing", "failure"), [("wait", GateWaits), ("ok", type(None)), ("fail", GateFailed)]
)
def test_alarm_missing_data_decides_about_an_alarm_that_has_none(site, missing, failure):
    it = site(alarmList="crashes", alarmMissingData=missing)
    it.aws.alarms.states_of["crashes"] = AlarmState.INSUFFICIENT_DATA

    executor, _ = it.run(max_wait_seconds=1000)

    assert type(executor.failure) is failure
    later = [name for name in it.names if name not in it.waves["canary"]]
    assert (set(later) <= it.jobs.began.keys()) is (missing == "ok")


def test_except_things_get_nothing_and_percentages_are_of_the_others(site):
    kept = frozenset(f"t{number:04}" for number in range(10))
    it = site(excepted=kept, waveList="half:50%")

    executor, result = it.run()

    assert executor.failure is None
    assert it.jobs.began.keys() == set(it.names) - kept
    assert [wave.things for wave in result.waves] == [10, 10]


def test_except_things_are_in_no_wave_though_a_group_has_them():
    waves = configuration_of(wave_ini(waveList=f"lab:{GROUP}, rest")).waves
    registry = a_wave_world().registry
    registry.groups["pumps"] = ("", ["a", "b", "c"])

    (lab, names), *others = deal_waves(
        waves,
        ThingList(file_name="list", things=(), groups=(GROUP,)),
        registry,
        excepted=["a"],
        image_sha256=FIRMWARE.sha256,
    )

    assert (lab.name, sorted(names), others) == ("lab", ["b", "c"], [])


def test_maximum_per_minute_is_the_rate_of_the_job_that_is_created(site):
    own = section("WAVE_CONFIG_early", maximumPerMinute="7")
    it = site(sections=(own,), maximumPerMinute="50")

    it.run()

    rates = {
        wave: it.jobs.jobs[f"TestJob1234-{wave}"].request.configuration.rollout for wave in it.waves
    }
    assert rates == {
        "canary": Rollout(maximum_per_minute=50),
        "early": Rollout(maximum_per_minute=7),
        "rest": Rollout(maximum_per_minute=50),
    }

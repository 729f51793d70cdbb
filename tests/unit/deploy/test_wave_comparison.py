"""Waves compared with things that were not updated, from end to end against AWS in memory."""

from __future__ import annotations

import json

import pytest
from tests.support.dev_ini import section
from tests.unit.deploy.test_waves import At, Site

from otactl.deploy.journal import Journal
from otactl.deploy.observer import Observer
from otactl.deploy.step import AwaitGate
from otactl.deploy.targeting import check_connectivity
from otactl.errors import GateFailed, GateWaits, Interrupted, UserMistake
from otactl.model.comparison import SoakPoint
from otactl.model.wave import Act, Question, Verdict

#: Large enough that 200 things see a canary of 20 of which a third is gone.
KEYS = {"waveList": "canary:20", "compare": "True", "soakMinutes": "10"}
BOOTS = section("VERIFY_CONFIG", expectedVersion="2", bootCountPath="boots", maximumBoots="2")


@pytest.fixture
def site(tmp_path):
    sites = []

    def build(*, things=220, **options) -> Site:
        it = Site(tmp_path, things=things, **KEYS | options)
        it.states = it.aws.thing_states
        it.states.report(*it.names, is_connected=True)
        sites.append(it)
        return it

    yield build
    for one in sites:
        one.journal.close()


def goes(it, names, **fields):
    """An observer that lets things report something after the first poll of the canary."""
    return At("canary", 1, lambda _: it.states.report(*names, **fields))


def canary_of(it):
    return it.journal.gates[0]


def test_a_wave_that_loses_things_stops_although_all_of_it_succeeded(site):
    it = site()

    executor, result = it.run(goes(it, it.waves["canary"][:7], is_connected=False))

    assert type(executor.failure) is GateFailed
    assert "worse: not connected 7 of 20 things of the wave, 0 of 200" in str(executor.failure)
    assert it.jobs.created == ["TestJob1234-canary"]
    (made,) = canary_of(it).comparison.made
    assert made.point is SoakPoint.HALF
    assert not result.is_success


def test_a_wave_that_is_as_its_control_passes_and_says_what_would_have_been_visible(site):
    it = site()
    lost = [*it.waves["canary"][:1], *it.waves["rest"][:10]]

    executor, result = it.run(goes(it, lost, is_connected=False))

    assert executor.failure is None
    assert result.is_success
    canary = canary_of(it)
    assert [one.point for one in canary.comparison.made] == [SoakPoint.HALF, SoakPoint.END]
    assert "not shown worse: not connected 1 of 20 things of the wave, 10 of 200" in canary.words
    assert "visible at 80%: +" in canary.words
    assert "not compared: nothing was left without the update" in it.journal.gates[1].words


def test_the_result_has_the_comparison_in_its_json(site):
    it = site()

    _, result = it.run()

    canary, rest = result.to_fields()["waves"]
    compared = canary["gate"]["comparison"]
    assert (compared["verdict"], compared["notCompared"]) == ("not shown worse", None)
    (outcome,) = compared["made"][1]["outcomes"]
    assert outcome["wave"] == {"things": 20, "readable": 20, "bad": 0}
    assert outcome["control"] == {"things": 200, "readable": 200, "bad": 0}
    assert outcome["difference"] == 0
    assert outcome["interval95"] == pytest.approx([-0.0188, 0.1611], abs=0.0002)
    assert outcome["visibleAt80"] == pytest.approx(0.13, abs=0.05)
    assert outcome["threshold"] == 0.025
    assert rest["gate"]["comparison"]["verdict"] is None
    assert json.dumps(result.to_fields())


def test_both_arms_are_what_was_connected_when_the_wave_began(site):
    it = site()
    offline = {*it.waves["canary"][:5], *it.waves["rest"][:50]}
    it.states.report(*offline, is_connected=False)
    unknown = {*it.waves["canary"][5:7], *it.waves["rest"][50:60]}
    it.states.report(*unknown, is_connected=None)

    executor, _ = it.run(goes(it, offline, is_connected=True))

    assert executor.failure is None
    wave, control = ({one.thing_name for one in arm} for arm in it.journal.arms(1))
    assert wave == {*it.waves["canary"]} - offline - unknown
    assert control == {*it.waves["rest"]} - offline - unknown


def test_boots_are_compared_where_things_report_them(site):
    it = site(sections=(BOOTS,), default={"useVerifyConfig": "True"})
    it.states.report(*it.names, version="1", boots=5)

    executor, _ = it.run(goes(it, it.waves["canary"][:8], boots=8))

    assert type(executor.failure) is GateFailed
    assert "worse: more boots than maximumBoots 8 of 20 things" in str(executor.failure)
    assert "not shown worse: not connected 0 of 20" in str(executor.failure)


def test_things_in_no_wave_stand_in_for_the_last_waves_control(site):
    kept = frozenset(f"kept{number}" for number in range(100))
    it = site(excepted=kept)
    it.states.report(*kept, is_connected=True)
    gone = At("rest", 1, lambda _: it.states.report(*it.waves["rest"][:30], is_connected=False))

    executor, _ = it.run(gone)

    assert it.plan.comparison.waves == (1, 2)
    assert type(executor.failure) is GateFailed
    assert "30 of 200 things of the wave, 0 of 100 of the control" in str(executor.failure)


def test_what_a_killed_process_found_worse_stays_so(site):
    it = site()
    lost = it.waves["canary"][:7]

    class Killed(Observer):
        def on_gate(self, status, *, written):
            it.states.report(*lost, is_connected=False)
            if status.verdict is Verdict.FAIL:
                raise Interrupted

    executor, _ = it.run(Killed())
    assert isinstance(executor.failure, Interrupted)
    assert canary_of(it).verdict is Verdict.WAIT
    it.states.report(*lost, is_connected=True)

    executor, _ = it.resume()

    assert type(executor.failure) is GateFailed
    assert it.jobs.created == ["TestJob1234-canary"]


def test_arms_are_drawn_once_also_by_several_processes(site):
    it = site()
    executor, _ = it.run(leaves=True)
    drawn = it.journal.arms(1)
    it.states.report(*it.names[::2], is_connected=False)

    executor, _ = it.resume(leaves=True)

    assert isinstance(executor.failure, GateWaits)
    assert it.journal.arms(1) == drawn


def test_a_wave_that_began_on_another_machine_is_not_compared_with_what_is_left(site, tmp_path):
    it = site(requireComparison="True")
    it.run(leaves=True)
    it.states.report(*it.waves["canary"], is_connected=False)
    it.journal.close()
    it.path = tmp_path / "elsewhere" / it.path.name
    it.journal = Journal.create(it.path, it.plan, now_ms=0, about={})
    it.journal.enter_waves(it.plan.wave_things)

    executor, _ = it.run(max_wait_seconds=1000)

    assert isinstance(executor.failure, GateWaits)
    assert it.jobs.created == ["TestJob1234-canary"]
    assert it.journal.arms(1) == ((), ())
    assert canary_of(it).question is Question.COMPARISON
    assert "began on another machine" in canary_of(it).words


def test_no_data_passes_unless_a_comparison_is_required(site):
    it = site()
    blind = it.waves["canary"][:5]

    executor, result = it.run(goes(it, blind, unreadable="AccessDenied"))

    assert executor.failure is None
    assert result.is_success
    assert "no data: not connected could be read of 15 of 20" in canary_of(it).words


def test_a_required_comparison_waits_for_data_and_goes_on_when_there_are(site):
    it = site(requireComparison="True")
    blind = it.waves["canary"][:5]

    executor, _ = it.run(goes(it, blind, unreadable="AccessDenied"), max_wait_seconds=3000)

    assert isinstance(executor.failure, GateWaits)
    assert canary_of(it).question is Question.COMPARISON
    it.states.report(*blind, unreadable="")
    it.aws.clock.ms += 400_000
    executor, result = it.resume()
    assert executor.failure is None
    assert result.is_success


def test_a_person_may_go_on_without_data(site):
    it = site(requireComparison="True")
    it.states.report(*it.names, is_connected=None)

    executor, _ = it.run(max_wait_seconds=1000)

    assert "no thing of the wave was known to be connected" in str(executor.failure)
    it.decide(Act.APPROVE, wave="canary", answers=Question.COMPARISON, comment="no index")
    executor, result = it.resume()
    assert executor.failure is None
    assert result.is_success


def test_the_plan_tells_the_calls_that_comparing_takes(site):
    it = site()
    gates = [step for step in it.plan.steps if isinstance(step, AwaitGate)]

    it.run()

    assert "compared with 200 things" in gates[0].title
    told = it.plan.calls["iot:GetThingConnectivityData"]
    assert told == it.states.calls["iot:GetThingConnectivityData"] == 3 * 220
    assert it.states.calls["iotdata:GetThingShadow"] == 0
    assert "compared" not in gates[1].title


def test_a_deployment_that_is_not_compared_reads_nothing(site):
    it = site(compare="False")

    it.run()

    assert not it.states.calls
    assert canary_of(it).comparison is None


def test_comparing_is_refused_where_aws_does_not_know_what_is_connected(site):
    it = site()
    waves = it.configuration.waves

    with pytest.raises(UserMistake, match=r"compare = True .* fleet indexing is off"):
        check_connectivity(waves, it.states)

    it.states.gap = ""
    check_connectivity(waves, it.states)


def test_what_happens_while_arms_are_read_is_seen_before_the_gate_passes(site):
    # Four thousand things one by one take 40 seconds, in which an alarm may ring.
    it = site(alarmList="crashes")
    read = it.states.read

    def slow_read(names, source, *, connectivity):
        yield from read(names, source, connectivity=connectivity)
        if it.journal.comparisons(1):
            it.aws.clock.sleep(40)
            it.aws.alarms.in_alarm["crashes"] = [(it.aws.clock.ms - 20_000, it.aws.clock.ms)]

    it.states.read = slow_read

    executor, _ = it.run()

    assert type(executor.failure) is GateFailed
    assert [one.point for one in it.journal.comparisons(1)] == [SoakPoint.HALF, SoakPoint.END]
    assert "crashes" in str(executor.failure)


def test_where_the_index_answers_arms_take_a_few_calls_and_the_source_confirms(site):
    it = site()
    it.states.gap = ""
    lost = it.waves["canary"][:7]

    executor, _ = it.run(goes(it, lost, is_connected=False))

    assert type(executor.failure) is GateFailed
    assert "worse: not connected 7 of 20 things of the wave, 0 of 200" in str(executor.failure)
    # When the wave began, and at half of its soak; the plan told the most.
    assert (it.states.calls["iot:GetStatistics"], it.states.calls["iot:SearchIndex"]) == (2, 2)
    assert it.states.calls["iot:GetThingConnectivityData"] == 7
    assert it.plan.calls["iot:GetThingConnectivityData"] == 3 * 220

"""Waves whose gates ask for the version that things report, against AWS in memory."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import section
from tests.support.version_world import (
    BRICKED,
    DARK,
    LATE,
    LOOPING,
    MUTE,
    NEW,
    OLD,
    REVERTED,
    LiveStates,
    Return,
)
from tests.support.wave_world import Fate
from tests.unit.deploy.test_waves import FAILED, At, Site
from tests.unit.deploy.test_waves_killed import Killed, Killer

from otactl.deploy.journal import Journal
from otactl.deploy.observer import Observer
from otactl.deploy.wave_state import WaveState
from otactl.errors import DeploymentRejected, GateFailed, GateWaits
from otactl.model.rollback import REJECTION
from otactl.model.verify import VersionVerdict
from otactl.model.wave import Act, Question, Verdict


class VersionSite(Site):
    """A deployment that verifies: 2 minutes to report, 1 between the polls of one that is gone."""

    def __init__(self, folder, verify=None, sections=(), **options) -> None:
        keys = {
            "expectedVersion": NEW,
            "verifyMinutes": "2",
            "darkMinutes": "1",
            "bootCountPath": "boots",
        } | (verify or {})
        default = {"useVerifyConfig": "True"} | options.pop("default", {})
        options = {"requiredVerifiedPercentage": "95", "soakMinutes": "1"} | options
        super().__init__(
            folder,
            sections=[section("VERIFY_CONFIG", **keys), *sections],
            default=default,
            **options,
        )
        self.states = LiveStates(jobs=self.jobs, registry=self.aws.registry, clock=self.aws.clock)
        self.states.groups = self.aws.registry.groups_of
        self.aws.thing_states = self.states

    def named(self, number=1) -> dict[str, VersionVerdict | None]:
        return {name: one.verdict for name, one in self.journal.versions(number).items()}


@pytest.fixture
def site(tmp_path):
    sites = []

    def build(**options) -> VersionSite:
        sites.append(VersionSite(tmp_path, **options))
        return sites[-1]

    yield build
    for one in sites:
        one.journal.close()


def test_a_gate_passes_when_enough_things_report_the_new_version(site):
    it = site()

    executor, result = it.run()

    assert executor.failure is None
    assert {one.gate.verdict for one in result.waves} == {Verdict.PASS}
    assert set(it.named().values()) == {VersionVerdict.VERIFIED}
    assert result.versions.counts == {VersionVerdict.VERIFIED: 30}
    assert result.is_complete
    # Former versions are kept for a rollback as well.
    assert it.journal.former(it.names) == dict.fromkeys(it.names, OLD)


@pytest.mark.parametrize(
    ("back", "verdict"),
    [
        (REVERTED, VersionVerdict.OLD),
        (MUTE, VersionVerdict.NO_WORD),
        (BRICKED, VersionVerdict.SILENT),
        (DARK, VersionVerdict.DARK),
        (LOOPING, VersionVerdict.FLAPPING),
    ],
)
def test_each_way_to_come_back_wrong_stops_the_canary_by_name(site, back, verdict):
    it = site()
    bad = it.waves["canary"][0]
    it.states.returns[bad] = back

    executor, result = it.run()

    assert type(executor.failure) is GateFailed
    assert f"(4 verified, 1 {verdict})" in str(executor.failure)
    assert it.jobs.created == ["TestJob1234-canary"]
    expected = dict.fromkeys(it.waves["canary"], VersionVerdict.VERIFIED) | {bad: verdict}
    assert it.named() == expected
    assert [one.thing_name for one in result.versions.unverified] == [bad]
    fields = result.to_fields()["waves"][0]["versions"]
    assert fields["counts"] == {"verified": 4, verdict.value: 1}
    assert fields["unverified"][0]["former"] == OLD


def test_a_thing_that_crashes_is_flapping_though_the_last_poll_meets_it_between_two_boots(site):
    it = site()
    looping, dark = it.waves["canary"][:2]
    # The dark one takes a minute more; then all that is bad is read once more.
    it.states.returns |= {looping: Return(boots=9, gone_s=150), dark: DARK}

    it.run()

    assert it.named()[dark] is VersionVerdict.DARK
    assert it.named()[looping] is VersionVerdict.FLAPPING


def test_late_things_are_pending_and_then_verified(site):
    it = site()
    late = it.waves["canary"][0]
    it.states.returns[late] = LATE
    seen = []

    class Watch(Observer):
        def on_gate(self, status, *, written):
            if status.name == "canary":
                seen.append(dict(status.versions))

    executor, _ = it.run(Watch())

    assert executor.failure is None
    assert {VersionVerdict.PENDING: 5} in seen
    assert not any(VersionVerdict.OLD in counts for counts in seen)
    assert it.named()[late] is VersionVerdict.VERIFIED


def test_nothing_is_read_before_it_can_decide(site):
    it = site(things=5, waveList="canary:5")
    it.run()

    # Once before, once when the two minutes are over.
    assert it.states.calls["iotdata:GetThingShadow"] == 10
    assert it.states.calls["iot:GetThingConnectivityData"] == 5


def test_a_thing_that_failed_and_runs_the_new_version_all_the_same_is_named(site):
    it = site(things=20, waveList="canary:20", requiredSucceededPercentage="90")
    failed = it.waves["canary"][0]
    it.jobs.fates[failed] = FAILED
    it.states.new_though_failed = {failed}

    executor, _ = it.run()

    assert executor.failure is None
    assert it.named()[failed] is VersionVerdict.FAILED_BUT_NEW


def test_things_that_cannot_be_read_ask_a_person(site):
    it = site()
    it.states.unreadable = set(it.waves["canary"][:1])

    executor, _ = it.run(max_wait_seconds=900)

    assert type(executor.failure) is GateWaits
    assert it.verdicts() == {"canary": Verdict.INCONCLUSIVE}
    assert it.journal.gates[0].question is Question.INCONCLUSIVE
    it.states.unreadable.clear()
    again, _ = it.resume()
    assert again.failure is None


def test_a_verdict_of_the_gate_stands_when_a_report_comes_late(site):
    it = site()
    bad = it.waves["canary"][0]
    # It is gone at its verdict, and back, with the new version, before the deployment has ended.
    it.states.returns[bad] = Return(back_s=130)
    tardy = it.waves["canary"][1]
    it.jobs.fates[tardy] = Fate(takes_s=60)

    executor, result = it.run()

    assert type(executor.failure) is GateFailed
    assert it.verdicts() == {"canary": Verdict.FAIL}
    assert "1 silent" in it.journal.gates[0].reasons[0]
    assert it.named()[bad] is VersionVerdict.VERIFIED
    assert VersionVerdict.SILENT not in result.versions.counts


def test_late_bad_ones_of_an_earlier_wave_hold_the_next_gate_back(site):
    it = site(
        things=60,
        waveList="canary:20, early:50%",
        requiredEndedPercentage="50",
        requiredVerifiedPercentage="90",
    )
    late = it.waves["canary"][:3]
    it.jobs.fates |= dict.fromkeys(it.waves["early"], Fate(takes_s=300))
    for name in late:
        it.jobs.fates[name] = Fate(takes_s=200)
        it.states.returns[name] = REVERTED

    executor, _ = it.run(max_wait_seconds=3000)

    assert type(executor.failure) is GateWaits
    assert it.verdicts() == {"canary": Verdict.PASS, "early": Verdict.WAIT}
    status = it.journal.gates[1]
    assert (status.question, status.failed_since) == (Question.STRAGGLERS, {"canary": 3})
    it.decide(Act.APPROVE, wave="early", answers=Question.STRAGGLERS, failed={"canary": 3})
    again, _ = it.resume()
    assert again.failure is None


def test_without_the_requirement_versions_are_reported_and_decide_nothing(site):
    it = site(requiredVerifiedPercentage=None)
    it.states.returns |= dict.fromkeys(it.waves["canary"], REVERTED)

    executor, result = it.run()

    assert executor.failure is None
    assert result.waves[0].versions.counts == {VersionVerdict.OLD: 5}
    assert not result.is_complete


class TestLargeWaves:
    """Waves of more than 100 things, for which the index is asked by their group."""

    @pytest.fixture
    def large(self, site):
        def build(lag_s=0, **options):
            it = site(things=300, waveList="canary:250", groupFillPerSecond="100", **options)
            it.states.gap = ""
            it.states.lag_s = lag_s
            return it

        return build

    @pytest.mark.parametrize("lag_s", [0, 30, 60])
    def test_healthy_things_are_verified_by_the_index_alone(self, large, lag_s):
        it = large(lag_s)

        executor, result = it.run()

        assert executor.failure is None
        assert result.versions.counts == {VersionVerdict.VERIFIED: 300}
        # The fifty of the last wave have no group; of the others the index knew all it takes.
        assert it.states.calls["iotdata:GetThingShadow"] == 100

    @pytest.mark.slow
    @pytest.mark.parametrize("run", range(20))
    def test_in_twenty_rollouts_not_one_healthy_thing_is_found_bad(self, site, run):
        it = site(things=220, waveList="canary:110", groupFillPerSecond="100")
        it.states.gap = ""
        it.states.lag_s = 3 * (run + 1)
        seen = set()

        class Watch(Observer):
            def on_gate(self, status, *, written):
                seen.update(status.versions)

        executor, result = it.run(Watch())

        assert executor.failure is None
        assert seen <= {VersionVerdict.PENDING, VersionVerdict.VERIFIED}
        assert result.versions.counts == {VersionVerdict.VERIFIED: 220}

    def test_a_bad_verdict_of_an_index_that_lags_behind_is_not_believed(self, large):
        it = large(lag_s=150)

        executor, result = it.run()

        assert executor.failure is None
        assert result.versions.counts == {VersionVerdict.VERIFIED: 300}

    def test_only_as_many_are_confirmed_as_the_gate_needs(self, large):
        it = large()
        bad = it.waves["canary"][:100]
        it.states.returns |= dict.fromkeys(bad, REVERTED)
        # One that ended later keeps the end of verification away when the gate fails.
        it.jobs.fates[it.waves["canary"][-1]] = Fate(takes_s=100)
        read_at_verdict = []

        class Watch(Observer):
            def on_gate(self, status, *, written):
                if status.verdict is Verdict.FAIL and not written:
                    read_at_verdict.append(it.states.calls["iot:GetThingConnectivityData"])

        executor, result = it.run(Watch())

        assert type(executor.failure) is GateFailed
        # 12 of 250 may be bad where 95% are required; the thirteenth fails it.
        assert read_at_verdict == [13]
        # At the end every one is confirmed.
        assert result.versions.counts[VersionVerdict.OLD] == 100
        assert {name for name, one in it.named().items() if one is VersionVerdict.OLD} == set(bad)

    def test_the_waves_group_is_kept_until_its_verification_is_over(self, large):
        it = large()
        kept = []
        search = it.states.search

        def searching(query, source):
            kept.append(bool(it.aws.registry.groups))
            return search(query, source)

        it.states.search = searching
        it.run()

        assert kept
        assert all(kept)
        assert it.aws.registry.groups == {}

    def test_where_the_index_lacks_something_things_are_read_one_by_one_with_progress(self, large):
        it = large()
        it.states.gap = "the fleet index lacks connectivity"
        told = []

        class Watch(Observer):
            def on_progress(self, step, done, of):
                told.append((step.key, done, of))

        executor, _ = it.run(Watch())

        assert executor.failure is None
        assert it.states.calls["iot:SearchIndex"] == 0
        assert it.states.calls["iotdata:GetThingShadow"] == 600
        assert ("wave-canary/versions", 250, 250) in told
        assert ("wave-canary/gate", 250, 250) in told


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_killed_at_any_instant_it_is_resumed_to_the_same_verdicts(tmp_path, stride):
    def built(folder):
        folder.mkdir()
        it = VersionSite(folder, things=12, waveList="canary:6", requiredVerifiedPercentage="60")
        backs = (REVERTED, DARK, LATE)
        it.states.returns |= dict(zip(it.waves["canary"][1:], backs, strict=False))
        return it

    undisturbed, killer = built(tmp_path / "undisturbed"), Killer()
    executor, _ = undisturbed.run(killer)
    assert executor.failure is None
    undisturbed.journal.close()
    expected = None

    for at in range(1, killer.instants + 1, stride):
        it = built(tmp_path / str(at))
        with pytest.raises(Killed):
            it.run(Killer(at))
        it.aws.clock.sleep(1)
        executor, _ = it.resume()
        found = it.named(1), it.named(2)
        if expected is None:
            bad = it.waves["canary"][1:3]
            names = dict.fromkeys(it.waves["canary"], VersionVerdict.VERIFIED)
            names |= dict(zip(bad, (VersionVerdict.OLD, VersionVerdict.DARK), strict=True))
            expected = names, dict.fromkeys(it.waves["rest"], VersionVerdict.VERIFIED)
        assert executor.failure is None, at
        assert found == expected, at
        it.journal.close()


def test_without_use_verify_config_everything_is_as_it_was(site):
    plain = site(default={"useVerifyConfig": "False"}, requiredVerifiedPercentage=None)

    executor, result = plain.run()

    assert executor.failure is None
    assert not plain.states.calls
    assert plain.journal.versions(1) == {}
    kinds = {step.kind for step in plain.plan.steps}
    assert not kinds & {"note-versions", "verify-versions"}
    assert "versions" not in result.to_fields()
    assert "versions" not in result.to_fields()["waves"][0]
    assert [one.gate.reasons for one in result.waves] == [
        (f"{len(names)} of {len(names)} things that ended succeeded, of {len(names)}",)
        for names in plain.waves.values()
    ]


def test_another_machine_verifies_what_had_ended_before_it_came(site, tmp_path):
    # The gates ask for no version, so most verdicts are still missing when the last wave ends.
    it = site(requiredVerifiedPercentage=None, soakMinutes="0", requiredEndedPercentage="100")
    for _ in range(20):
        executor, _ = it.resume(leaves=True)
        if it.journal.record("waves/end") is not None:
            break
        it.aws.clock.sleep(10)
    assert isinstance(executor.failure, GateWaits)
    assert "have not reported their version yet" in str(executor.failure)
    state = WaveState.of(it.journal, it.plan)
    it.journal.close()

    it.path = tmp_path / "elsewhere" / it.path.name
    it.journal = Journal.create(it.path, it.plan, now_ms=0, about={})
    it.journal.enter_waves(it.plan.wave_things)
    state.enter_into(it.journal, now_ms=0)
    executor, result = it.run()

    assert executor.failure is None
    assert result.versions.counts == {VersionVerdict.VERIFIED: 30}


@pytest.mark.parametrize(("comment", "waits"), [(REJECTION, False), ("not today", True)])
def test_a_rollback_does_not_wait_for_versions_that_it_takes_back(site, comment, waits):
    it = site(verify={"verifyMinutes": "60"})
    rejected_ms = []

    def reject(_status):
        rejected_ms.append(it.aws.clock.span_ms)
        it.decide(Act.REJECT, comment=comment)

    executor, _ = it.run(At("canary", 10, reject))

    assert type(executor.failure) is DeploymentRejected
    assert (it.aws.clock.span_ms - rejected_ms[0] > 600_000) is waits

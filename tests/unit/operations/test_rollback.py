"""A deployment is taken back: stopped, decided on, and each thing gets what it had."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console
from tests.support.rollback_world import (
    DIED,
    FAILED_EARLY,
    NEW,
    SUCCEEDED,
    RollbackSite,
    sha256_of,
)
from tests.support.wave_world import NEVER, Fate
from tests.support.wrong_clock import WrongClock
from tests.unit.deploy.conftest import ACCOUNT

from otactl.deploy.journal import Journal, Phase
from otactl.deploy.journal_file import JournalLocked
from otactl.deploy.store import new_deployment_id
from otactl.errors import AwsUnreachable, GateFailed, Interrupted, RollbackFailed, UserMistake
from otactl.forecast.distribution import constant
from otactl.forecast.profile import FleetProfile, Group
from otactl.model.status import ExecutionStatus
from otactl.operations.forecast_inputs import FleetInputs, read_fleet
from otactl.operations.load import load_deployment
from otactl.operations.report_source import journal_content
from otactl.operations.rollback.run import RollbackRun
from otactl.operations.rollback.start import (
    refuse_if_impossible,
    roll_back_if_planned,
    stored,
    with_forecasts,
)
from otactl.operations.stored_deployment import (
    after_end,
    choose_deployment,
    rollback_is_left,
    stored_deployments,
)
from otactl.rules.rollback import RollbackReason
from otactl.views.rollback_table import print_rollback

THIRTY = [f"t{number:02}" for number in range(30)]
DAY_MS = 86_400_000


@pytest.fixture
def site(tmp_path):
    sites = []

    def build(former=None, **options) -> RollbackSite:
        folder = tmp_path / str(len(sites))
        sites.append(RollbackSite(folder, former or dict.fromkeys(THIRTY, "1.0"), **options))
        return sites[-1]

    yield build
    for one in sites:
        one.close()


def bad_canary(it: RollbackSite):
    """Two of five fail while they download, so three run the new image."""
    _, failure = it.deploy({"canary": [FAILED_EARLY, FAILED_EARLY, *[SUCCEEDED] * 3]})
    assert type(failure) is GateFailed
    took = it.waves["canary"][2:]
    it.took(*took)
    return took


def test_after_a_bad_canary_those_that_took_the_image_get_what_they_had(site):
    it = site(dict.fromkeys(THIRTY[:15], "1.0") | dict.fromkeys(THIRTY[15:], "0.9"))
    took = bad_canary(it)

    report = it.roll_back()

    assert report.failure is None
    expected = {
        sha256_of(version): {name for name in took if it.journal.former([name])[name] == version}
        for version in ("0.9", "1.0")
    }
    assert it.taken_back == {digest: names for digest, names in expected.items() if names}
    assert set(it.jobs.began) == set(it.waves["canary"])
    assert {name: it.jobs.began[name] for name in took} == dict.fromkeys(took, 2)


def test_a_gate_that_fails_rolls_back_by_itself_and_a_rejected_one_does_not(site):
    it = site()
    result, failure = it.deploy({"canary": [FAILED_EARLY] * 2})

    # Killed in this very instant, `otactl resume` goes on with the rollback.
    assert rollback_is_left(it.journal, it.store)
    result, failure = roll_back_if_planned(it.journal, it.environment, result, failure, it.loaded)

    assert type(failure) is GateFailed
    (back,) = result.rollbacks
    assert back.is_success
    assert back.to_fields() == result.to_fields()["rollbacks"][0]
    assert it.taken_back == {sha256_of("1.0"): set(it.waves["canary"][2:])}
    assert not rollback_is_left(it.journal, it.store)
    assert "`otactl rollback" in after_end(it.journal)


def test_after_wave_two_of_three_things_in_progress_and_offline_are_taken_back_in_time(site):
    it = site(requiredEndedPercentage="60")
    slow = Fate(takes_s=600, step="downloading")
    it.deploy(
        {
            "canary": [NEVER, SUCCEEDED, SUCCEEDED, SUCCEEDED, DIED],
            "early": [FAILED_EARLY, FAILED_EARLY, slow, *[SUCCEEDED] * 7],
        }
    )
    offline = it.waves["canary"][4]
    it.states.report(offline, is_connected=False)
    late = it.waves["early"][2]
    it.jobs.fates_of |= {f"TestJob1234-rb-1-{wave}": {offline: NEVER} for wave in ("first", "rest")}

    report = it.roll_back()

    assert report.failure is None
    back = set().union(*it.taken_back.values())
    assert late in back
    assert back == {*it.waves["canary"][1:4], *it.waves["early"][2:]}
    (first, second) = report.results
    assert (first.waves[-1].result.counts[ExecutionStatus.QUEUED], second.things) == (1, 1)
    assert not {*it.waves["rest"], it.waves["canary"][0]} & set(it.jobs.began)
    # The thing that was offline comes, days later, and gets it.
    it.jobs.fates_of["TestJob1234-rb-1-rest"] = {offline: Fate(online_at_s=5 * DAY_MS / 1000)}
    it.clock.sleep(6 * DAY_MS / 1000)
    assert offline in set().union(*it.taken_back.values())


def test_who_never_came_is_cancelled_and_named_when_open_days_are_over(site):
    it = site(rollback={"openDays": "3", "imageList": "1.0: 1.0.bin"})
    took = bad_canary(it)
    it.states.report(took[0], is_connected=False)
    it.jobs.fates_of["TestJob1234-rb-1-rest"] = {took[0]: NEVER}
    it.roll_back()
    it.clock.sleep(2 * DAY_MS / 1000)
    (before,) = it.roll_back().results
    it.clock.sleep(2 * DAY_MS / 1000)

    (after,) = it.roll_back().results

    assert before.waves[1].result.counts[ExecutionStatus.QUEUED] == 1
    (never,) = after.waves[1].result.unsuccessful
    assert (never.thing_name, never.status) == (took[0], ExecutionStatus.CANCELED)


def test_fifty_go_first_and_a_rollback_that_fails_stops(site):
    names = [f"t{number:03}" for number in range(150)]
    it = site(dict.fromkeys(names, "1.0"), waveList="canary:120", soakMinutes="0")
    it.deploy({"canary": [FAILED_EARLY] * 10})
    bad = Fate(status=ExecutionStatus.FAILED, step="testing")
    it.jobs.fates_of["TestJob1234-rb-1-first"] = dict.fromkeys(it.waves["canary"][10:25], bad)

    report = it.roll_back()

    assert type(report.failure) is RollbackFailed
    assert report.failure.exit_code == 11
    assert len(it.jobs.targets["TestJob1234-rb-1-first"]) == 50
    assert "TestJob1234-rb-1-rest" not in it.jobs.jobs
    # It is never rolled back itself, and a second call begins nothing anew.
    created = list(it.jobs.created)
    assert type(it.roll_back().failure) is RollbackFailed
    assert it.jobs.created == created


def test_a_second_call_takes_those_that_installed_since(site):
    it = site(default={"abortWaitMinutes": "0"})
    bad_canary(it)
    it.roll_back()
    assert it.roll_back().found.reasons == dict.fromkeys(
        it.waves["canary"][:2], RollbackReason.NOT_INSTALLED
    )
    it.took(it.waves["canary"][0])

    report = it.roll_back()

    assert [result.job_id for result in report.results] == ["TestJob1234-rb-1", "TestJob1234-rb-2"]
    assert it.waves["canary"][0] in it.taken_back[sha256_of("1.0")]


def test_a_plan_without_a_former_image_is_refused_before_anything_is_created(site):
    it = site(dict.fromkeys(THIRTY[:20], "1.0") | dict.fromkeys(THIRTY[20:], "0.8"), images=["1.0"])

    with pytest.raises(UserMistake, match=r"no image of version 0\.8, which 10 things had before"):
        it.plan()

    unknown = site(dict.fromkeys(THIRTY[:20], "1.0") | dict.fromkeys(THIRTY[20:]))
    with pytest.raises(UserMistake, match=r"10 things report no version.*: t20, t21, .*t29$"):
        unknown.plan()
    assert it.aws.is_empty
    assert unknown.aws.is_empty


def test_with_stop_things_without_a_former_image_stay_and_are_named(site):
    former = dict.fromkeys(THIRTY, "1.0")
    it = site(former, images=[], rollback={"withoutFormerImage": "stop"})
    took = bad_canary(it)

    report = it.roll_back()

    assert report.results == ()
    assert report.without_image == {"1.0": tuple(took)}
    (warning,) = it.frontend.warnings
    assert "no image of version 1.0 was found" in warning
    assert took[0] in warning


def test_where_no_former_version_is_known_a_rollback_is_refused_and_begins_nothing(site):
    it = site(dict.fromkeys(THIRTY), rollback={"withoutFormerImage": "stop"}, onGateFailure="stop")
    took = bad_canary(it)
    report = RollbackRun(it.journal, it.loaded, it.environment, is_dry=True).run()

    with pytest.raises(UserMistake, match="3 things took the image, and none reported the version"):
        refuse_if_impossible(report, "dev.ini")

    assert report.found.no_former == tuple(sorted(took))
    known = site()
    bad_canary(known)
    dry = RollbackRun(known.journal, known.loaded, known.environment, is_dry=True).run()
    refuse_if_impossible(dry, "dev.ini")


def test_images_are_claimed_before_the_first_job_and_found_by_version(site):
    it = site()
    bad_canary(it)
    key = f"firmware/{sha256_of('1.0')}/1.0.bin"

    assert it.aws.objects.claimants("ota-bucket", key) == {it.journal.plan.deployment_id}
    # The file may go: what was claimed lies in the bucket.
    (it.folder / "1.0.bin").unlink()
    it.roll_back()
    assert len(it.taken_back[sha256_of("1.0")]) == 3


def test_an_image_of_an_earlier_deployment_is_found_by_its_version(site):
    it = site()
    it.deploy({})
    assert it.journal.phase is Phase.FINISHED
    it.close()
    for name in it.names:
        it.took(name)
    # The next version, without a word of the one before in [ROLLBACK_CONFIG].
    text = it.dev_ini.read_text().replace(f"imageVer = {NEW}", "imageVer = 3.0")
    text = text.replace("jobId = TestJob1234", "jobId = Next").replace("TestStream", "NextStream")
    it.dev_ini.write_text("\n".join(line for line in text.splitlines() if "imageList" not in line))
    (it.folder / "test.bin").write_bytes(b"a newer image")
    it.loaded = load_deployment(it.dev_ini)

    plan = it.plan()

    (image,) = (step for step in plan.setup if step.key.startswith("image/"))
    assert (image.former, image.offered_as) == (NEW, NEW)


def test_a_version_may_be_offered_under_another(site):
    it = site(rollback={"imageList": "1.0: 1.0.bin as 9.9"})
    bad_canary(it)

    it.roll_back()

    document = json.loads(it.jobs.jobs["TestJob1234-rb-1-first"].request.document)
    assert document["imageVer"] == "9.9"


def test_a_rollback_is_reported_as_belonging_to_the_first(site):
    it = site()
    bad_canary(it)
    (result,) = it.roll_back().results
    first, second = it.journal.plan.deployment_id, result.deployment_id

    entries, _ = stored_deployments(it.environment.state_dir)

    of = {entry["deploymentId"]: (entry["rollbackOf"], entry["rollbacks"]) for entry in entries}
    assert of == {first: (None, [second]), second: (first, [])}
    notes = journal_content(it.store.path(second), 0).notes
    assert notes == (f"It rolls back deployment {first}, to version 1.0.",)
    assert journal_content(it.store.path(first), 0).notes == (f"It was rolled back by {second}.",)


def test_an_image_that_is_kept_outlives_the_clean_up_and_no_other_takes_it(site):
    it = site(
        onGateFailure="stop",
        default={"cleanUpCfg": "True"},
        rollback={"keepImages": "True"},
        images=[],
    )
    result, failure = it.deploy({})
    assert failure is None
    (kept,) = it.aws.objects.stored
    assert it.aws.objects.claimants(*kept) == {result.deployment_id}
    assert not it.jobs.jobs


def test_what_was_in_the_middle_of_the_update_may_reboot_before_it_is_decided_on(site):
    it = site(default={"abortWaitMinutes": "0"})
    it.deploy({"canary": [FAILED_EARLY] * 4 + [Fate(takes_s=600, step="downloading")]})
    late = it.waves["canary"][4]
    it.states.report(late, is_connected=False)
    sleep = it.clock.sleep

    def sleep_and_connect(seconds):
        sleep(seconds)
        (one,) = (e for e in it.jobs.all_of("TestJob1234-canary") if e.thing_name == late)
        if one.status.is_terminal and it.clock.now_ms() > one.updated_at_ms + 20_000:
            it.states.report(late, is_connected=True)
            it.took(late)

    it.clock.sleep = sleep_and_connect

    (result,) = it.roll_back().results

    # It is waited for: as it was gone at its end, it would have counted as offline.
    assert result.waves[0].result.counts == {ExecutionStatus.SUCCEEDED: 1}


@pytest.mark.parametrize("ahead_ms", [0, DAY_MS, -DAY_MS])
def test_a_thing_that_has_just_succeeded_is_given_the_time_to_report(site, ahead_ms):
    """A liar says some seconds later that it runs what it had: it is not touched again."""
    it = site()
    it.deploy({"canary": [FAILED_EARLY] * 2})
    liar, *took = it.waves["canary"][2:]
    it.took(*took)
    sleep = it.clock.sleep

    def sleep_and_report(seconds):
        sleep(seconds)
        now_ms = it.clock.now_ms()
        it.states.report(liar, version="1.0", version_at_ms=now_ms // 1000 * 1000)

    it.clock.sleep = sleep_and_report
    # Its success bears AWS's time, whatever this host's clock shows.
    it.roll_back(clock=WrongClock(it.clock, ahead_ms))

    assert it.taken_back == {sha256_of("1.0"): set(took)}
    assert it.jobs.began[liar] == 1


def test_the_stop_is_written_down_by_the_clock_of_aws(site):
    it = site(soakMinutes="0")
    it.deploy({})
    it.took(*it.names)
    before_ms = it.clock.now_ms()

    it.roll_back(clock=WrongClock(it.clock, DAY_MS))

    stopped_ms = it.journal.find_instant("stopped")
    assert stopped_ms is not None
    assert stopped_ms < before_ms + DAY_MS / 2


def test_two_rollbacks_at_once_are_one(site):
    it = site()
    bad_canary(it)

    with pytest.raises(JournalLocked, match="another process is at work"):
        Journal.open(it.journal.path)


def test_a_dry_run_forecasts_first_fifty_then_the_rest_by_the_connections_it_read(site):
    names = [f"t{number:03}" for number in range(120)]
    it = site(dict.fromkeys(names, "1.0"), waveList="canary:80")
    bad = 24
    _, failure = it.deploy({"canary": [FAILED_EARLY] * bad + [SUCCEEDED] * (80 - bad)})
    assert type(failure) is GateFailed
    took = it.waves["canary"][bad:]
    it.took(*took)
    it.states.report(took[0], version=NEW, version_at_ms=it.clock.ms, is_connected=False)
    run = RollbackRun(it.journal, stored(it.journal), it.environment, is_dry=True)

    report = with_forecasts(run.run(), stored(it.journal), read_fleet(None))

    (found,) = report.forecasts
    assert [(wave.name, things) for wave, things in found.scenario.planned] == [
        ("first", 50),
        ("rest", len(took) - 50),
    ]
    assert found.scenario.connected == (50, len(took) - 50 - 1)
    assert 0 < found.end_seconds.median < 3600
    (fields,) = report.to_fields()["forecasts"]
    assert [wave["things"] for wave in fields["waves"]] == [50, len(took) - 50]
    console = Console(width=200, record=True, file=StringIO())
    print_rollback(console, report)
    text = console.export_text()
    assert "all gates passed after" in text
    assert "an unremarkable fleet is assumed" in text


@pytest.mark.parametrize("count", [40, 120])
def test_a_rollback_takes_as_long_as_its_dry_run_said(site, count):
    names = [f"t{number:03}" for number in range(count + 2)]
    it = site(dict.fromkeys(names, "1.0"), waveList=f"canary:{count}")
    it.deploy({"canary": [FAILED_EARLY] * (count // 10)})
    it.took(*it.waves["canary"][count // 10 :])
    fate = Fate(begins_s=3, takes_s=40)
    for wave in ("first", "rest"):
        it.jobs.fates_of[f"TestJob1234-rb-1-{wave}"] = dict.fromkeys(names, fate)
    group = Group(
        failure_rate=0,
        silence_rate=0,
        online=0,
        start_delay_seconds=constant(3),
        bandwidth_bytes_per_second=constant(10**9),
        install_seconds=constant(40),
        reboot_seconds=constant(0),
    )
    fleet = FleetInputs(profile=FleetProfile(group=(group,)), is_assumed=False)
    run = RollbackRun(it.journal, stored(it.journal), it.environment, is_dry=True)
    (found,) = with_forecasts(run.run(), stored(it.journal), fleet).forecasts
    began_ms = it.clock.ms

    assert it.roll_back().failure is None

    seconds = (it.clock.ms - began_ms) / 1000
    waves = len(found.scenario.planned)
    assert waves == (1 if count < 50 else 2)
    # What is left of the minute for reports, and a poll for each gate and for the stop and the end.
    assert found.end_seconds.low <= seconds <= found.end_seconds.high + 60 + 5 * (waves + 3)


def test_a_dry_run_names_who_gets_what_and_changes_nothing(site):
    it = site()
    took = bad_canary(it)
    created, claims = list(it.jobs.created), set(it.aws.objects.claims)

    report = RollbackRun(it.journal, stored(it.journal), it.environment, is_dry=True).run()

    (plan,) = report.plans
    assert plan.things_by_wave == {"first": took}
    assert plan.rollback_of == it.journal.plan.deployment_id
    assert (it.jobs.created, it.aws.objects.claims) == (created, claims)
    assert len(list(it.store.ids())) == 1


def test_a_job_id_that_was_rolled_back_before_is_rolled_back_again(site):
    # As a job id in a file is used again and again, so are the names made of it.
    it = site()
    bad_canary(it)
    (first,) = it.roll_back().results
    it.close()
    for job_id in it.waves:
        it.jobs.jobs.pop(f"TestJob1234-{job_id}", None)
    it.aws.streams.streams = {
        name: found
        for name, found in it.aws.streams.streams.items()
        if first.deployment_id in found.description
    }
    for name in it.names:
        it.states.report(name, version="1.0", version_at_ms=it.clock.now_ms() // 1000 * 1000)
    it.clock.sleep(100)
    took = bad_canary(it)

    report = it.roll_back()

    assert report.failure is None
    (second,) = report.results
    assert second.things == len(took)
    assert first.job_id != second.job_id
    assert it.taken_back[sha256_of("1.0")] >= set(took)


def test_resume_without_a_name_finds_the_newest_whose_rollback_did_not_begin(site):
    it = site()
    it.deploy({"canary": [FAILED_EARLY] * 2})

    chosen = choose_deployment(it.store, None, to_resume=True)

    assert chosen == it.journal.plan.deployment_id
    # What is only cleaned or decided on has ended.
    with pytest.raises(UserMistake, match="no unfinished deployment"):
        choose_deployment(it.store, None)


def rehearsed(it: RollbackSite, plan, *, is_rehearsal=True):
    """The journal of a rehearsal of a plan."""
    about = {"rehearsal": is_rehearsal}
    Journal.create(it.store.path(plan.deployment_id), plan, now_ms=0, about=about).close()


@pytest.mark.parametrize("account", [ACCOUNT, "999999999999"])
def test_an_image_that_was_only_rehearsed_or_is_of_another_account_is_no_former_one(site, account):
    it = site(onGateFailure="stop", rollback={"openDays": "3"}, images=[])
    bad_canary(it)
    # Somebody tried a stand-in of the image that the things had.
    later = new_deployment_id(it.clock.now_ms() + DAY_MS)
    changes = {"deployment_id": later, "image_version": "1.0", "account": account}
    tried = it.journal.plan.model_copy(update=changes)
    rehearsed(it, tried, is_rehearsal=account == ACCOUNT)

    with pytest.raises(UserMistake, match=r"no image of version 1\.0"):
        it.roll_back()


def test_by_its_job_a_deployment_is_found_though_it_was_rehearsed_since(site):
    it = site()
    it.deploy({})
    later = new_deployment_id(it.clock.now_ms() + DAY_MS)
    rehearsed(it, it.journal.plan.model_copy(update={"deployment_id": later}))

    assert choose_deployment(it.store, "TestJob1234") == it.journal.plan.deployment_id
    assert choose_deployment(it.store, "TestJob1234", rehearsals_last=False) == later


def test_an_automatic_rollback_that_is_interrupted_has_not_failed(site):
    it = site()
    result, failure = it.deploy({"canary": [FAILED_EARLY] * 2})
    it.clock.stop = True

    result, failure = roll_back_if_planned(it.journal, it.environment, result, failure, it.loaded)

    assert type(failure) is Interrupted
    assert any("`otactl rollback" in words for words in it.frontend.warnings)
    assert rollback_is_left(it.journal, it.store)


@pytest.mark.parametrize("call", ["describe", "cancel", "executions"])
def test_an_outage_pauses_a_rollback_and_does_not_end_it(site, call):
    it = site()
    result, failure = it.deploy({"canary": [NEVER, *[FAILED_EARLY] * 2]})
    took = it.waves["canary"][3:]
    it.took(*took)
    if call == "cancel":
        # Somebody's job that the stop has to cancel.
        it.jobs.jobs["TestJob1234-canary"].canceled_ms = None
    answer, failures = getattr(it.jobs, call), [1, 2, 3]

    def unreachable(*args, **more):
        if failures:
            failures.pop()
            raise AwsUnreachable(f"iot:{call}", "EndpointConnectionError", "no route")
        return answer(*args, **more)

    setattr(it.jobs, call, unreachable)

    result, failure = roll_back_if_planned(it.journal, it.environment, result, failure, it.loaded)

    assert type(failure) is GateFailed
    assert not failures
    assert it.taken_back == {sha256_of("1.0"): set(took)}


def test_where_no_number_is_free_a_rollback_is_refused(site):
    it = site()
    bad_canary(it)

    with pytest.raises(UserMistake, match="all 99 numbers of rollbacks of job TestJob1234 are in"):
        RollbackRun(it.journal, it.loaded, it.environment, numbers_from=99).run()

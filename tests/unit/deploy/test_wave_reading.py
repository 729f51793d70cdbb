"""What others read of waves: the journal's view of one job, the report, the policy, the plan."""

from __future__ import annotations

import fnmatch
import io
import json

import pytest
from rich.console import Console
from tests.support.dev_ini import configuration_of, section
from tests.unit.deploy.test_waves import FAILED, Site
from tests.unit.model.configuration.test_wave_section import wave_ini

from otactl.deploy.journal_reader import JournalReader
from otactl.deploy.permissions import DeploymentNames, user_policy
from otactl.deploy.store import DeploymentStore
from otactl.model.rollback import rollback_stream_id
from otactl.model.status import ExecutionStatus
from otactl.model.thing_list import ThingList
from otactl.operations.report_source import journal_content
from otactl.operations.retry import failed_things
from otactl.views.plan_table import print_wave_things
from otactl.views.report import to_html, to_json
from otactl.views.result_table import print_result


@pytest.fixture
def ended(tmp_path):
    """A deployment that failed in its second wave, after one failure in its first."""
    folder = tmp_path / "deployments"
    folder.mkdir()
    it = Site(folder, things=60, waveList="canary:20, early:30%")
    it.bad = {it.waves["canary"][0], *it.waves["early"][:4]}
    it.jobs.fates |= dict.fromkeys(it.bad, FAILED)
    it.run()
    yield it
    it.journal.close()


def test_a_waves_job_is_read_as_a_deployment_of_its_own(ended):
    status = JournalReader(ended.path, "TestJob1234-early").now()

    assert status is not None
    assert (status.things, status.rounds, len(status.done)) == (18, 1, 1)
    assert status.done[0].counts[ExecutionStatus.FAILED] == 4
    assert "wave early: fail" in str(status.failure)


def test_a_deployment_is_found_by_the_job_of_any_of_its_waves(ended, tmp_path):
    store = DeploymentStore(tmp_path)

    for job_id in ("TestJob1234", "TestJob1234-early", "TestJob1234-rest"):
        assert store.newest_of_job(job_id) == ended.plan.deployment_id
    assert store.newest_of_job("TestJob1234-late") is None


def test_the_report_has_a_part_for_each_wave_and_says_what_its_gate_said(ended):
    content = journal_content(ended.path, made_ms=0)

    page = to_html(content)
    fields = to_json(content)

    assert "Wave canary" in page
    assert "4 of 18 things failed; at most 0 may" in page
    assert "never began" in page
    assert [wave["wave"] for wave in fields["waves"]] == ["canary", "early", "rest"]
    assert fields["succeeded"] is False
    assert json.dumps(fields)


def test_what_failed_in_any_wave_is_worth_another_try(ended):
    content = journal_content(ended.path, made_ms=0)

    assert set(failed_things(content)) == ended.bad


def test_the_plan_tells_each_wave_its_job_and_its_gate(ended):
    waves = ended.plan.to_fields()["waves"]

    assert [(wave["wave"], wave["things"]) for wave in waves] == [
        ("canary", 20),
        ("early", 18),
        ("rest", 22),
    ]
    titles = [step.title for step in ended.plan.steps]
    assert (
        "gate of wave canary: 80% of 20 things ended, 95% of those succeeded, for 1 min" in titles
    )


def test_two_plans_of_the_same_list_and_seed_are_the_same_plan(ended, tmp_path):
    (tmp_path / "other").mkdir()
    other = Site(tmp_path / "other", things=60, waveList="canary:20, early:30%")
    another = Site(
        tmp_path / "other" / "..", things=60, waveList="canary:20, early:30%", sampleSeed="2"
    )
    try:
        assert other.plan.fingerprint == ended.plan.fingerprint
        assert another.plan.fingerprint != ended.plan.fingerprint
    finally:
        other.journal.close()
        another.journal.close()


def test_the_policy_names_the_jobs_of_all_waves_and_what_gates_look_at():
    configuration = configuration_of(wave_ini(alarmList="crashes"))
    names = DeploymentNames(account="123456789012", object_key="firmware/*", stream_id="s_*")
    listed = ThingList(file_name="l", things=("arn:aws:iot:us-east-1:123456789012:thing/t",))

    statements = {one["Sid"]: one for one in user_policy(configuration, listed, names)["Statement"]}

    job = "arn:aws:iot:us-east-1:123456789012:job/TestJob1234-*"
    assert statements["WatchAndEndTheJob"]["Resource"] == job
    assert "cloudwatch:DescribeAlarmHistory" in statements["SeeTheirPast"]["Action"]
    assert (
        "arn:aws:iot:us-east-1:123456789012:thinggroup/otactl-*"
        in (statements["CreateTheJob"]["Resource"])
    )
    assert statements["SeeItFill"]["Action"] == ["iot:ListThingsInThingGroup"]


def test_the_policy_reads_connections_and_boots_only_where_waves_are_compared_by_them():
    names = DeploymentNames(account="123456789012", object_key="firmware/*", stream_id="s_*")
    listed = ThingList(file_name="l", things=("arn:aws:iot:us-east-1:123456789012:thing/t",))
    boots = section("VERIFY_CONFIG", expectedVersion="2", bootCountPath="boots")

    def actions(text):
        found = user_policy(configuration_of(text), listed, names)["Statement"]
        return [
            one["Action"]
            for one in found
            if one["Sid"] in ("CompareWaves", "FindArms", "SeeTheIndex")
        ]

    index = ["iot:GetIndexingConfiguration", "iot:DescribeIndex"]
    arms = ["iot:SearchIndex", "iot:GetStatistics"]
    assert actions(wave_ini()) == []
    assert actions(wave_ini(compare="True")) == [["iot:GetThingConnectivityData"], arms, index]
    assert actions(wave_ini(boots, compare="True", default={"useVerifyConfig": "True"})) == [
        ["iot:GetThingConnectivityData", "iot:GetThingShadow"],
        index,
    ]


def test_the_plan_lists_who_is_in_which_wave(ended):
    shown = Console(file=io.StringIO(), width=80)

    print_wave_things(shown, ended.plan)

    assert ended.plan.things_by_wave == {wave: sorted(names) for wave, names in ended.waves.items()}
    lines = shown.file.getvalue().splitlines()
    assert lines[0] == "wave canary"
    assert lines[1:21] == [f"  {name}" for name in sorted(ended.waves["canary"])]


def test_the_result_has_a_line_for_each_wave_and_names_no_wave_that_never_began(ended):
    shown = Console(file=io.StringIO(), width=120)

    print_result(shown, ended.executor().result())

    text = shown.file.getvalue()
    assert "canary" in text
    assert "never began" in text
    assert "4 of 18 things failed; at most 0 may" in text
    assert "round 1:" not in text
    assert "did not get the job" not in text


def test_the_policy_of_a_file_that_rolls_back_reaches_former_images_and_its_own_streams():
    image, source = section("IMAGE_CONFIG", imageVer="2"), section("VERIFY_CONFIG", source="own")
    configuration = configuration_of(wave_ini(image, source, onGateFailure="rollback"))
    listed = ThingList(file_name="list", things=("arn:aws:iot:us-east-1:123456789012:thing/t",))
    names = DeploymentNames(
        account="123456789012", object_key="firmware/one", stream_id="TestStream1234_1"
    )

    statements = {one["Sid"]: one for one in user_policy(configuration, listed, names)["Statement"]}

    assert "arn:aws:s3:::ota-bucket/firmware/*" in statements["KeepFirmware"]["Resource"]
    streams = statements["Streams"]["Resource"]
    ours = f"arn:aws:iot:us-east-1:123456789012:stream/{rollback_stream_id('TestStream1234', 7)}_9"
    assert any(fnmatch.fnmatchcase(ours, pattern) for pattern in streams)
    assert "ReadThings" in statements

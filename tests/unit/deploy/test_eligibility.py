"""Whom an image is for, decided at the plan against AWS in memory."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console
from tests.support.dev_ini import configuration_of, dev_ini, section
from tests.support.plan import a_plan_with, a_summary
from tests.unit.model.configuration.test_wave_section import wave_ini

from otactl.deploy.eligibility import Choice, choose_again, choose_things
from otactl.deploy.journal import Journal
from otactl.deploy.planner import PlanOptions, Request
from otactl.deploy.preparation import prepare
from otactl.errors import UserMistake
from otactl.model.eligibility import LeftOut, LeftOutReason
from otactl.model.thing_list import ThingList
from otactl.model.thing_state import ThingState
from otactl.views.plan_table import print_plan

ARN = "arn:aws:iot:us-east-1:123456789012:thing"
DAY_MS = 86_400_000


class Asked:
    """A thing list and its account, asked whom an image is for."""

    def __init__(self, aws, things=(), groups=()) -> None:
        self.aws, self.notes = aws, []
        self.aws_time_ms = lambda: None
        self.states = aws.thing_states
        for name, members in dict(groups).items():
            aws.registry.groups[name] = ("", list(members))
        self.listed = ThingList(
            file_name="list",
            things=tuple(f"{ARN}/{name}" for name in things),
            groups=tuple(f"{ARN}group/{name}" for name in dict(groups)),
        )

    def choose(self, *sections, excepted=(), default=None, **keys) -> Choice:
        own = section("ELIGIBILITY_CONFIG", **keys)
        verify = section("VERIFY_CONFIG", expectedVersion="2.0")
        switch = default or {"useEligibilityConfig": "True"}
        configuration = configuration_of(dev_ini(own, verify, *sections, **switch))
        return choose_things(
            configuration,
            self.listed,
            replace(self.aws.services, aws_time_ms=self.aws_time_ms),
            self.notes.append,
            excepted=frozenset(excepted),
        )

    def again(self, kept: Choice, *, excepted=(), **changes) -> Choice:
        """What another process makes of the choice that was kept, or of a changed one."""
        fields = {"former": kept.former, "left_out": kept.left_out} | changes
        own = section("ELIGIBILITY_CONFIG", fromVersions="1.0..1.9")
        verify = section("VERIFY_CONFIG", expectedVersion="2.0")
        return choose_again(
            configuration_of(dev_ini(own, verify, useEligibilityConfig="True")),
            self.listed,
            excepted=frozenset(excepted),
            **fields,
        )


def reasons(choice: Choice) -> dict[str, str]:
    return {one.thing_name: one.reason.value for one in choice.left_out}


def test_things_are_left_out_with_their_reason_and_the_rest_keeps_its_order(aws):
    asked = Asked(aws, things=["d", "c", "b", "a", "x"])
    asked.states.report("d", version="1.0")
    asked.states.report("c", version="2.0")
    asked.states.report("b", version="1.5")
    asked.states.report("a", version="0.1")

    choice = asked.choose(fromVersions="1.0..1.9")

    assert choice.thing_list.things == (f"{ARN}/d", f"{ARN}/b")
    assert choice.former == {"d": "1.0", "b": "1.5"}
    assert reasons(choice) == {
        "a": "not one of fromVersions",
        "c": "has the version already",
        "x": "unknown version",
    }
    assert choice.counts == {
        "has the version already": 1,
        "not one of fromVersions": 1,
        "unknown version": 1,
    }
    assert asked.states.calls["iotdata:GetThingShadow"] == 5
    assert asked.states.calls["iot:SearchIndex"] == 0
    assert "fleet indexing is off" in asked.notes[0]


def test_groups_become_the_things_that_are_left_of_them(aws):
    asked = Asked(aws, things=["a"], groups={"g": ["b", "a", "c"], "h": ["c", "d"]})
    asked.states.report("a", "b", "d", version="1.0")
    asked.states.report("c", version="2.0")

    choice = asked.choose(excepted=["d"])

    assert choice.thing_list.things == (f"{ARN}/a", f"{ARN}/b")
    assert choice.thing_list.groups == ()
    assert reasons(choice) == {"c": "has the version already"}
    assert asked.states.calls["iotdata:GetThingShadow"] == 3


def test_many_things_are_read_from_the_index_and_what_it_lacks_singly(aws):
    names = [f"t{number:03}" for number in range(250)]
    asked = Asked(aws, groups={"g": names})
    asked.states.gap = ""
    asked.states.report(*names[:-2], version="1.0")
    asked.states.report("other", version="1.0")
    # The index has one thing late, and another not at all.
    asked.states.indexed[names[0]] = asked.states.states[names[0]]
    asked.states.report(names[0], version="1.1")

    choice = asked.choose(unknownVersion="include")

    assert choice.former[names[0]] == "1.0"
    assert len(choice.thing_list.things) == 250
    calls = asked.states.calls
    assert (calls["iot:GetStatistics"], calls["iot:SearchIndex"]) == (1, 3)
    assert calls["iotdata:GetThingShadow"] == 2
    assert "3 iot:SearchIndex, 2 iotdata:GetThingShadow" in asked.notes[0]


def test_things_without_a_version_in_the_index_are_read_from_the_source(aws):
    names = [f"t{number:03}" for number in range(300)]
    asked = Asked(aws, things=names)
    asked.states.gap = ""
    asked.states.report(*names[:290], version="1.0")
    # The index has not heard of five yet; others of that name make up for those that are missing.
    for name in names[:5]:
        asked.states.indexed[name] = ThingState(thing_name=name)
    asked.states.report(*(f"t{number:03}" for number in range(500, 510)), version="1.0")

    choice = asked.choose()

    assert choice.counts == {"unknown version": 10}
    assert choice.former == dict.fromkeys(names[:290], "1.0")
    assert asked.states.calls["iotdata:GetThingShadow"] == 15
    assert asked.notes[1] == "15 things have no version in the fleet index: read one by one"


def test_the_index_is_believed_where_it_would_take_too_many_reads(aws):
    names = [f"t{number:03}" for number in range(300)]
    asked = Asked(aws, groups={"g": names})
    asked.states.gap = ""
    asked.states.report(*names, version="1.0")
    for name in names[:5]:
        asked.states.indexed[name] = ThingState(thing_name=name)

    choice = asked.choose(maximumReads="4")

    assert choice.counts == {"unknown version": 5}
    assert asked.states.calls["iotdata:GetThingShadow"] == 0
    assert "5 things have no version in the fleet index: too many to read" in asked.notes


def test_a_few_things_of_a_large_account_are_read_singly(aws):
    asked = Asked(aws, things=["fleet-1", "fleet-2"] * 1 + [f"z{n}" for n in range(20)])
    asked.states.gap = ""
    asked.states.report(*(f"t{number}" for number in range(2_000)), version="1.0")

    asked.choose(unknownVersion="include")

    assert asked.states.calls["iotdata:GetThingShadow"] == 22
    assert asked.states.calls["iot:SearchIndex"] == 0


def test_hardware_is_read_with_the_version(aws):
    asked = Asked(aws, things=["a", "b"])
    asked.states.report("a", version="1.0", hardware="rev-b")
    asked.states.report("b", version="1.0", hardware="rev-a")

    choice = asked.choose(hardware="attributes.board: rev-b")

    assert reasons(choice) == {"b": "other hardware"}
    assert choice.left_out[0].words == "other hardware (version 1.0; attributes.board is rev-a)"
    assert asked.states.calls["iot:DescribeThing"] == 2


def test_offline_days_need_connections_and_say_what_lacks(aws):
    asked = Asked(aws, things=["a", "b"])
    asked.aws.clock.ms = 100 * DAY_MS
    asked.states.gap = ""
    asked.states.report("a", version="1.0", is_connected=False, connection_at_ms=80 * DAY_MS)
    asked.states.report("b", version="1.0", is_connected=False, connection_at_ms=99 * DAY_MS)

    assert reasons(asked.choose(offlineDays="10")) == {"a": "offline too long"}

    asked.states.lacks_connectivity = True
    with pytest.raises(UserMistake, match=r"offlineDays .*lacks connectivity") as refusal:
        asked.choose(offlineDays="10")
    assert "otactl never does" in (refusal.value.hint or "")


def test_offline_days_are_those_of_aws_on_a_host_whose_clock_is_wrong(aws):
    asked = Asked(aws, things=["a", "b"])
    asked.aws.clock.ms = 10 * DAY_MS
    asked.aws_time_ms = lambda: 100 * DAY_MS
    asked.states.gap = ""
    asked.states.report("a", version="1.0", is_connected=False, connection_at_ms=80 * DAY_MS)
    asked.states.report("b", version="1.0", is_connected=False, connection_at_ms=99 * DAY_MS)

    assert reasons(asked.choose(offlineDays="10")) == {"a": "offline too long"}


def test_more_single_reads_than_allowed_are_refused_before_the_first(aws):
    asked = Asked(aws, things=["a", "b", "c"])

    with pytest.raises(UserMistake, match=r"3 things .*maximumReads .*is 2, and fleet indexing"):
        asked.choose(maximumReads="2")
    assert asked.states.calls["iotdata:GetThingShadow"] == 0


def test_unknown_versions_can_be_refused(aws):
    asked = Asked(aws, things=["a", "b"])
    asked.states.report("a", version="1.0")

    with pytest.raises(UserMistake, match="1 things report no version: b"):
        asked.choose(unknownVersion="refuse")


def test_when_nobody_is_left_it_says_why(aws):
    asked = Asked(aws, things=["a", "b"])
    asked.states.report("a", "b", version="2")

    with pytest.raises(UserMistake, match="leaves out every thing: 2 has the version already"):
        asked.choose()


def test_former_versions_are_kept_wherever_versions_count(aws):
    asked = Asked(aws, things=["a", "b"])
    asked.states.report("a", version="1.0")

    choice = asked.choose(default={"useVerifyConfig": "True"})

    assert choice.thing_list is asked.listed
    assert choice.former == {"a": "1.0", "b": None}
    assert asked.choose(default={"debug": "True"}).former == {}
    assert asked.states.calls["iotdata:GetThingShadow"] == 2


def test_things_that_cannot_be_read_are_named_with_the_reason(aws):
    asked = Asked(aws, things=["a", "b", "c"])
    asked.states.report("a", version="1.0")
    asked.states.report("b", "c", unreadable="AccessDenied: not allowed")

    choice = asked.choose(default={"useVerifyConfig": "True"})

    assert choice.former == {"a": "1.0", "b": None, "c": None}
    assert asked.notes[-1] == (
        "2 of 3 things cannot be read, so their version is not known: b, c;"
        " of b: AccessDenied: not allowed"
    )


def test_the_journal_keeps_who_was_left_out(tmp_path):
    plan = a_plan_with(deployment_id="d")
    left = LeftOut(
        thing_name="a", reason=LeftOutReason.OFFLINE, version="1.0", detail="for 3.0 days"
    )
    with_one = Journal.create(tmp_path / "d.sqlite", plan, now_ms=0, about={})
    with_one.enter_left_out([left])
    with_one.close()

    assert Journal.read(tmp_path / "d.sqlite").left_out == (left,)


def test_a_plan_lists_who_is_left_out():
    left_out = tuple(
        LeftOut(thing_name=f"t{number:02}", reason=LeftOutReason.CURRENT, version="2.0")
        for number in range(12)
    )
    choice = Choice(thing_list=ThingList(file_name="list", things=()), left_out=left_out)
    plan = a_plan_with(deployment_id="d", choice=choice, left_out=choice.counts)
    text = io.StringIO()

    print_plan(Console(file=text, width=200), plan, a_summary())

    assert "left out 12 things: 12 has the version already" in text.getvalue()
    assert "t09: has the version already (version 2.0)" in text.getvalue()
    assert "and 2 more" in text.getvalue()
    assert plan.to_fields()["leftOut"][11] == {
        "thing": "t11",
        "reason": "has the version already",
        "version": "2.0",
        "detail": None,
    }
    assert json.loads(plan.model_dump_json())["left_out"] == {"has the version already": 12}
    others = a_plan_with(deployment_id="d")
    assert plan.fingerprint != others.fingerprint


@pytest.mark.parametrize("with_waves", [False, True])
def test_a_plan_is_for_those_who_are_left_and_its_journal_knows_them(aws, tmp_path, with_waves):
    names = [f"t{number:03}" for number in range(150)]
    aws.registry.groups["g"] = ("", names)
    aws.objects.buckets["ota-bucket"] = ("123456789012", "us-east-1")
    aws.thing_states.gap = ""
    aws.thing_states.report(*names[:120], version="1.0")
    aws.thing_states.report(*names[120:], version="2.0")
    (tmp_path / "test.bin").write_bytes(b"image")
    sections = (
        section("ELIGIBILITY_CONFIG", fromVersions="1.0"),
        section("VERIFY_CONFIG", expectedVersion="2.0"),
    )
    default = {"useEligibilityConfig": "True", "binName": str(tmp_path / "test.bin")}
    text = dev_ini(*sections, **default)
    if with_waves:
        text = wave_ini(*sections, default=default, waveList="canary:10%")
    request = Request(
        configuration=configuration_of(text),
        thing_list=ThingList(file_name="list", things=(), groups=(f"{ARN}group/g",)),
        custom_document=None,
        account="123456789012",
        deployment_id="d",
        options=PlanOptions(),
    )

    plan = prepare(request, aws.services)

    assert plan.things == 120
    assert plan.left_out == {"has the version already": 30}
    assert plan.choice is not None
    assert plan.choice.former == dict.fromkeys(names[:120], "1.0")
    assert plan.choice.thing_list.things == tuple(f"{ARN}/{name}" for name in names[:120])
    if with_waves:
        assert [wave.things for wave in plan.waves] == [12, 108]
    else:
        # More than a job may name: they go into a group of the deployment's own.
        assert [step.key for step in plan.setup if "thing" in step.kind] == [
            "thing-group",
            "thing-group/members",
        ]


def test_a_choice_that_was_kept_is_made_again_without_asking_a_thing(aws):
    asked = Asked(aws, things=["b", "a"], groups={"pumps": ["m", "n"]})
    for name, version in {"b": "1.0", "a": "2.0", "m": "1.5", "n": "0.1"}.items():
        asked.states.report(name, version=version)
    first = asked.choose(fromVersions="1.0..1.9")
    # What things report, and who is in the group, may be another thing by now.
    asked.states.report("b", version="2.0")
    aws.registry.groups["pumps"] = ("", ["n"])
    asked.states.calls.clear()

    assert asked.again(first) == first
    assert not asked.states.calls


@pytest.mark.parametrize("groups", [{}, {"pumps": ["m"]}], ids=["things", "a group"])
def test_a_choice_that_somebody_changed_is_refused(aws, groups):
    asked = Asked(aws, things=["c", "b", "a"], groups=groups)
    for name, version in {"c": "1.1", "b": "1.0", "a": "2.0", "m": "1.5"}.items():
        asked.states.report(name, version=version)
    kept = asked.choose(fromVersions="1.0..1.9")
    (out,) = kept.left_out
    wrong = {
        "left out and not": {"former": kept.former | {"a": "2.0"}},
        "a listed thing is missing": {"former": {"b": "1.0"}},
        "nobody left out": {"left_out": ()},
        "nobody gets it": {"former": {}},
        "no name": {"left_out": (out, replace(out, thing_name="no name"))},
        "excepted": {"excepted": ("b",)},
    }
    if not groups:
        wrong["a stranger"] = {"former": kept.former | {"stranger": "1.0"}}

    for name, change in wrong.items():
        with pytest.raises(UserMistake, match="not one among those of list"):
            pytest.fail(f"{name}: {asked.again(kept, **change)}")

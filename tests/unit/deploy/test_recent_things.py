"""Things that AWS IoT saw lately come first: what is read for it, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.dev_ini import configuration_of, section
from tests.support.memory_queue import request_for
from tests.unit.deploy.test_bulk_reading import Account
from tests.unit.model.configuration.test_wave_section import wave_ini
from tests.unit.operations.queue.test_lost_workers import Bucket

from otactl.aws.thing_states import IotThingStates
from otactl.deploy.eligibility import choose_things
from otactl.deploy.permissions import DeploymentNames, user_policy
from otactl.deploy.planner import PlanOptions, Request
from otactl.deploy.preparation import prepare
from otactl.deploy.targeting import deal_again
from otactl.errors import UserMistake
from otactl.model.thing_list import ThingList
from otactl.operations.queue.wave_file import KeptWaves, read_waves, write_kept

ARN = "arn:aws:iot:us-east-1:123456789012:thing"
DAY_MS = 86_400_000
NAMES = [f"t{number:03}" for number in range(300)]
RECENT = NAMES[100:130]


class Planned:
    """A plan for 300 things of a group, 30 of which are recent."""

    def __init__(self, aws, folder) -> None:
        self.aws, self.folder, self.notes = aws, folder, list[str]()
        self.states = aws.thing_states
        aws.clock.ms = 100 * DAY_MS
        aws.objects.buckets["ota-bucket"] = ("123456789012", "us-east-1")
        aws.registry.groups["g"] = ("", NAMES)
        self.states.gap = ""
        gone_ms = aws.clock.ms - 3 * DAY_MS
        self.states.report(*NAMES, version="1.0", is_connected=False, connection_at_ms=gone_ms)
        self.states.report(*RECENT[:20], is_connected=True)
        self.states.report(*RECENT[20:], connection_at_ms=aws.clock.ms - DAY_MS // 2)
        self.states.report(*NAMES[:7], is_connected=None, connection_at_ms=None)

    def plan(self, *sections, groups=True, default=None, **keys):
        (self.folder / "test.bin").write_bytes(b"image")
        keys = {"waveList": "canary:20, early:5%", "preferRecent": "True"} | keys
        default = {"binName": str(self.folder / "test.bin")} | (default or {})
        self.configuration = configuration_of(wave_ini(*sections, default=default, **keys))
        self.listed = ThingList(
            file_name="list",
            things=() if groups else tuple(f"{ARN}/{name}" for name in NAMES),
            groups=(f"{ARN}group/g",) if groups else (),
        )
        request = Request(
            configuration=self.configuration,
            thing_list=self.listed,
            custom_document=None,
            account="123456789012",
            deployment_id="d",
            options=PlanOptions(),
        )
        return prepare(request, self.aws.services, self.notes.append)


@pytest.fixture
def planned(aws, tmp_path):
    return Planned(aws, tmp_path)


@pytest.mark.parametrize("groups", [True, False])
def test_canaries_are_things_that_were_seen_lately(planned, groups):
    plan = planned.plan(groups=groups)

    canary, early, rest = (set(names) for names in plan.wave_things)
    assert canary < set(RECENT)
    assert early > set(RECENT) - canary
    assert (len(canary), len(early), len(rest)) == (20, 15, 265)
    assert planned.states.calls["iot:SearchIndex"] == 3
    assert planned.states.calls["iotdata:GetThingShadow"] == 0
    assert planned.states.calls["iot:GetThingConnectivityData"] == 0
    reading, found = planned.notes
    assert reading == "reading which of 300 things are connected: 3 iot:SearchIndex, at least 0 s"
    assert found == (
        "30 of 300 things are connected, or were within a day, and are taken first (preferRecent);"
        " for 7 this is unknown: they come last"
    )


def test_without_the_key_nothing_is_read_and_the_waves_are_those_of_the_hash(planned):
    plan = planned.plan(preferRecent="False")

    assert not set(plan.wave_things[0]) <= set(RECENT)
    assert sum(planned.states.calls.values()) == 0


def test_what_verification_reads_anyway_is_not_read_again(planned):
    verify = section("VERIFY_CONFIG", expectedVersion="2.0")

    plan = planned.plan(verify, default={"useVerifyConfig": "True"})

    assert set(plan.wave_things[0]) < set(RECENT)
    assert plan.choice is not None
    assert plan.choice.former == dict.fromkeys(NAMES, "1.0")
    assert planned.states.calls["iot:SearchIndex"] == 3
    assert planned.notes[0].startswith("reading what 300 things report: 3 iot:SearchIndex")


def test_connections_are_read_though_versions_would_be_too_many_calls(planned):
    names = [f"t{number:05}" for number in range(10_001)]
    planned.aws.registry.groups["g"] = ("", names)
    planned.states.states.clear()
    planned.states.report(*names, is_connected=False, connection_at_ms=1)
    planned.states.report(*names[:20], is_connected=True)
    gap = planned.states.index_gap
    # The index has connections, and not the shadow.
    planned.states.index_gap = lambda source, *, connectivity=True: (
        gap(source, connectivity=connectivity) if source is None else "the fleet index lacks it"
    )
    verify = section("VERIFY_CONFIG", expectedVersion="2.0")

    plan = planned.plan(verify, default={"useVerifyConfig": "True"})

    assert set(plan.wave_things[0]) == set(names[:20])
    assert plan.choice is not None
    assert plan.choice.former == {}
    assert "the former versions of 10,001 things are not read" in planned.notes[0]
    assert planned.states.calls["iotdata:GetThingShadow"] == 0


def test_an_index_without_connectivity_is_refused_in_plain_words(planned):
    planned.states.lacks_connectivity = True

    with pytest.raises(UserMistake, match=r"preferRecent in .*lacks connectivity") as refusal:
        planned.plan()
    assert "or write preferRecent = False" in (refusal.value.hint or "")


def test_an_index_that_is_being_built_leaves_a_limited_number_to_be_read_singly(planned):
    planned.states.gap = "the fleet index is BUILDING"

    plan = planned.plan()

    assert set(plan.wave_things[0]) < set(RECENT)
    assert planned.states.calls["iot:GetThingConnectivityData"] == 300
    many = [f"t{number:05}" for number in range(10_001)]
    planned.aws.registry.groups["g"] = ("", many)
    with pytest.raises(
        UserMistake, match=r"10,001 things .*preferRecent .* reads 10,000 .*BUILDING"
    ):
        planned.plan()


def test_waves_of_groups_stay_as_they_are(planned):
    lab = [*NAMES[:3], *RECENT[:2]]
    planned.aws.registry.groups["lab"] = ("", lab)

    plan = planned.plan(waveList=f"lab:{ARN}group/lab, canary:20")

    assert set(plan.wave_things[0]) == set(lab)
    assert set(plan.wave_things[1]) < set(RECENT)


def test_eligibility_reads_once_for_both(planned):
    planned.states.report(*RECENT[:5], version="2.0")
    sections = (
        section("ELIGIBILITY_CONFIG", fromVersions="1.0"),
        section("VERIFY_CONFIG", expectedVersion="2.0"),
    )

    plan = planned.plan(*sections, default={"useEligibilityConfig": "True"})

    assert set(plan.wave_things[0]) < set(RECENT[5:])
    assert plan.left_out == {"has the version already": 5}
    assert planned.states.calls["iot:SearchIndex"] == 3


def test_a_reviewed_plan_still_holds_when_other_things_are_connected(planned):
    before = planned.plan()
    planned.states.report(*NAMES[200:220], is_connected=True)
    after = planned.plan()

    assert set(before.wave_things[0]) != set(after.wave_things[0])
    assert before.fingerprint == after.fingerprint
    assert before.fingerprint != planned.plan(waveList="canary:21, early:5%").fingerprint
    # Without the key the names are promised.
    assert planned.plan(preferRecent="False").fingerprint != before.fingerprint


def test_another_worker_deals_the_same_waves_without_asking_again(planned):
    plan = planned.plan()
    request, bucket = replace(request_for("a"), fence=3), Bucket()
    file = write_kept(request, bucket, KeptWaves.of(plan))
    kept = read_waves(replace(request, waves=file), bucket)
    planned.states.calls.clear()

    def again(**changes):
        return deal_again(
            planned.configuration.waves,
            planned.listed,
            changes.get("names", kept.names),
            excepted=(),
            image_sha256=plan.image_sha256,
            recent=changes.get("recent", kept.recent),
        )

    assert set(kept.recent) == set(RECENT)
    assert tuple(names for _, names in again()) == plan.wave_things
    assert sum(planned.states.calls.values()) == 0
    for wrong in ({"recent": ()}, {"recent": NAMES[:40]}):
        with pytest.raises(UserMistake, match="not those"):
            again(**wrong)
    with pytest.raises(UserMistake, match="not those"):
        again(names={**kept.names, "canary": kept.names["canary"][:-1]})


def test_the_printed_policy_allows_what_is_read(planned):
    def searches(**keys):
        planned.plan(**keys)
        names = DeploymentNames(account="123456789012", object_key="firmware/*", stream_id="s")
        policy = user_policy(planned.configuration, planned.listed, names)
        return {one["Sid"]: one["Action"] for one in policy["Statement"]}

    allowed = searches()
    assert {"iot:SearchIndex", "iot:GetStatistics", "iot:GetThingConnectivityData"} < set(
        allowed["SearchThings"]
    )
    assert allowed["SeeWhatIsIndexed"] == ["iot:GetIndexingConfiguration"]
    assert "ReadThings" not in allowed
    assert "SearchThings" not in searches(preferRecent="False")


def test_a_hundred_thousand_connections_take_a_thousand_calls_at_the_quota(aws):
    account = Account(100_000, aws.clock, indexes=True)
    listed = ThingList(file_name="list", things=tuple(f"{ARN}/{name}" for name in account.names))
    notes: list[str] = []
    began_ms = aws.clock.monotonic_ms()

    choice = choose_things(
        configuration_of(wave_ini(preferRecent="True")),
        listed,
        replace(aws.services, thing_states=IotThingStates(account.clients, aws.clock)),
        notes.append,
    )

    assert choice.recent == {name for name in account.names if name.endswith("7")}
    assert account.clients.calls.snapshot()["iot:SearchIndex"] == 1_000
    assert "iot:GetThingConnectivityData" not in account.clients.calls.snapshot()
    assert 66_000 < aws.clock.monotonic_ms() - began_ms < 70_000
    assert "1,000 iot:SearchIndex, at least 67 s" in notes[0]
    assert "for 90,000 this is unknown" in notes[-1]

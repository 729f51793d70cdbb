"""The registry of the local cloud as AWS has it: pages, groups in groups, limits, small rules.

The clouds here cut lists into pages of two, so that a program that forgets ``nextToken`` shows.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.inventory import take_inventory
from otactl.aws.jobs import IotJobs
from otactl.aws.registry import IotRegistry, all_things
from otactl.cloud import CloudSettings, start_local_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

THINGS = [f"t{number}" for number in range(5)]


@pytest.fixture(scope="module")
def clients() -> Iterator[AwsClients]:
    settings = CloudSettings(account_id="123456789012", largest_page=2)
    with start_local_cloud(settings) as cloud:
        yield AwsClients(AwsSettings.for_local_cloud(cloud.address))


@pytest.fixture(scope="module")
def iot(clients: AwsClients) -> Any:
    """A site of two floors: five things, one of them on no floor."""
    iot = clients.iot
    iot.create_thing_group(thingGroupName="site")
    for floor in ("floor-1", "floor-2"):
        iot.create_thing_group(thingGroupName=floor, parentGroupName="site")
    for name, group in zip(
        THINGS, ("site", "floor-1", "floor-1", "floor-2", "floor-2"), strict=True
    ):
        iot.create_thing(thingName=name)
        iot.add_thing_to_thing_group(thingName=name, thingGroupName=group)
    return iot


def groups(answer: dict[str, Any]) -> set[str]:
    return {group["groupName"] for group in answer["thingGroups"]}


def refusal(call: Any, **members: Any) -> str | None:
    """The error code of a call that is refused; None if it is not."""
    try:
        call(**members)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def test_a_page_has_as_many_as_asked_for_and_a_token_for_the_rest(iot: Any) -> None:
    first = iot.list_things(maxResults=2)
    second = iot.list_things(maxResults=2, nextToken=first["nextToken"])
    third = iot.list_things(maxResults=2, nextToken=second["nextToken"])

    names = [thing["thingName"] for page in (first, second, third) for thing in page["things"]]
    assert [len(page["things"]) for page in (first, second, third)] == [2, 2, 1]
    assert set(names) == set(THINGS)
    assert "nextToken" not in third
    assert refusal(iot.list_things, nextToken="forged") == "InvalidRequestException"
    # A token of another list is none of this one.
    token = first["nextToken"]
    assert refusal(iot.list_thing_groups, nextToken=token) == "InvalidRequestException"


@pytest.mark.parametrize(
    ("operation", "listed"),
    [
        ("list_things", "things"),
        ("list_thing_groups", "thingGroups"),
        ("list_thing_types", "thingTypes"),
        ("list_policies", "policies"),
        ("list_certificates", "certificates"),
        ("list_topic_rules", "rules"),
        ("list_jobs", "jobs"),
        ("list_job_templates", "jobTemplates"),
    ],
)
def test_every_list_comes_in_pages(iot: Any, operation: str, listed: str) -> None:
    made = 3
    for number in range(made):
        name = f"paged{number}"
        with contextlib.suppress(iot.exceptions.ResourceAlreadyExistsException):
            make(iot, operation, name)

    pages = [page[listed] for page in iot.get_paginator(operation).paginate()]

    assert sum(map(len, pages)) >= made
    assert all(len(page) <= 2 for page in pages)


def make(iot: Any, operation: str, name: str) -> None:
    match operation:
        case "list_thing_types":
            iot.create_thing_type(thingTypeName=name)
        case "list_policies":
            iot.create_policy(policyName=name, policyDocument='{"Version":"2012-10-17"}')
        case "list_certificates":
            iot.create_keys_and_certificate()
        case "list_topic_rules":
            iot.create_topic_rule(
                ruleName=name, topicRulePayload={"sql": "SELECT * FROM 'a'", "actions": []}
            )
        case "list_jobs":
            target = iot.describe_thing(thingName=THINGS[0])["thingArn"]
            iot.create_job(jobId=name, targets=[target], document="{}")
        case "list_job_templates":
            iot.create_job_template(jobTemplateId=name, document="{}", description="d")


def test_our_own_readers_follow_every_page(iot: Any, clients: AwsClients) -> None:
    arns = [iot.describe_thing_group(thingGroupName=name)["thingGroupArn"] for name in ("site",)]
    iot.create_job(jobId="read", targets=arns, document="{}")

    assert sorted(IotRegistry(clients).things_in_group("site")) == THINGS
    assert set(all_things(clients)) >= set(THINGS)
    assert {group for group in take_inventory(clients, ()) if "floor" in group or "site" in group}
    outcomes = list(IotJobs(clients).executions("read"))
    assert sorted(outcome.thing_name for outcome in outcomes) == THINGS


def test_a_group_lists_its_children_and_what_is_in_them(iot: Any) -> None:
    pages = iot.get_paginator("list_things_in_thing_group")

    def things(group: str, *, recursive: bool) -> list[str]:
        found = pages.paginate(thingGroupName=group, recursive=recursive)
        return sorted(thing for page in found for thing in page["things"])

    assert things("site", recursive=True) == THINGS
    assert things("site", recursive=False) == THINGS[:1]
    assert things("floor-1", recursive=True) == THINGS[1:3]
    assert groups(iot.list_thing_groups(parentGroup="site")) == {"floor-1", "floor-2"}
    assert groups(iot.list_thing_groups(namePrefixFilter="floor-2")) == {"floor-2"}
    assert groups(iot.list_thing_groups_for_thing(thingName="t1")) == {"floor-1", "site"}


def test_a_job_for_a_parent_group_reaches_the_things_of_its_children(iot: Any) -> None:
    site = iot.describe_thing_group(thingGroupName="site")["thingGroupArn"]

    iot.create_job(jobId="snapshot", targets=[site], document="{}")
    iot.create_job(jobId="continuous", targets=[site], document="{}", targetSelection="CONTINUOUS")
    iot.create_thing(thingName="late")
    iot.add_thing_to_thing_group(thingName="late", thingGroupName="floor-2")

    def queued(job_id: str) -> int:
        return int(
            iot.describe_job(jobId=job_id)["job"]["jobProcessDetails"]["numberOfQueuedThings"]
        )

    assert (queued("snapshot"), queued("continuous")) == (5, 6)
    iot.remove_thing_from_thing_group(thingName="late", thingGroupName="floor-2")
    iot.delete_thing(thingName="late")


def test_the_limits_of_groups_are_kept(iot: Any) -> None:
    iot.create_thing(thingName="busy")
    for number in range(11):
        iot.create_thing_group(thingGroupName=f"flat-{number}")
    answers = [
        refusal(iot.add_thing_to_thing_group, thingName="busy", thingGroupName=f"flat-{number}")
        for number in range(11)
    ]
    assert answers == [None] * 10 + ["InvalidRequestException"]
    # A second group of one hierarchy.
    second = {"thingName": "t1", "thingGroupName": "floor-2"}
    assert refusal(iot.add_thing_to_thing_group, **second) == "InvalidRequestException"
    # Seven levels.
    iot.create_thing_group(thingGroupName="level-1")
    for level in range(2, 8):
        iot.create_thing_group(
            thingGroupName=f"level-{level}", parentGroupName=f"level-{level - 1}"
        )
    eighth = {"thingGroupName": "level-8", "parentGroupName": "level-7"}
    assert refusal(iot.create_thing_group, **eighth) == "InvalidRequestException"


def test_the_small_rules_of_the_registry(iot: Any) -> None:
    iot.create_thing_type(thingTypeName="old")
    iot.deprecate_thing_type(thingTypeName="old")
    of_old_type = {"thingName": "new", "thingTypeName": "old"}
    assert refusal(iot.create_thing, **of_old_type) == "InvalidRequestException"

    iot.create_thing(thingName="attributed", attributePayload={"attributes": {"a": "1", "b": "2"}})
    iot.update_thing(thingName="attributed", attributePayload={"attributes": {"a": "3", "b": ""}})
    assert iot.describe_thing(thingName="attributed")["attributes"] == {"a": "3"}

    document = '{"Version":"2012-10-17"}'
    iot.create_policy(policyName="versions", policyDocument=document)
    answers = [
        refusal(iot.create_policy_version, policyName="versions", policyDocument=document)
        for _ in range(5)
    ]
    assert answers == [None] * 4 + ["VersionsLimitExceededException"]

    made = iot.create_keys_and_certificate()
    found = iot.describe_certificate(certificateId=made["certificateId"])
    validity = found["certificateDescription"]["validity"]
    assert validity["notBefore"] < validity["notAfter"]


def test_the_executions_of_a_deleted_thing_are_removed_and_counted(iot: Any) -> None:
    arns = [iot.create_thing(thingName=name)["thingArn"] for name in ("stays", "goes")]
    iot.create_job(jobId="removal", targets=arns, document="{}")

    iot.delete_thing(thingName="goes")

    counts = iot.describe_job(jobId="removal")["job"]["jobProcessDetails"]
    assert counts["numberOfRemovedThings"] == 1
    assert counts["numberOfQueuedThings"] == 1
    listed = iot.list_job_executions_for_job(jobId="removal", status="REMOVED")
    [execution] = listed["executionSummaries"]
    assert execution["thingArn"] == arns[1]

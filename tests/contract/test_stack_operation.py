"""Stacks that fail: the first reason is found, and what is left is dealt with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from otactl.aws.stack import ChangeSet, Stack, StackState
from otactl.errors import AwsRefused, UserMistake
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend
from otactl.operations.stack_operation import StackOperation, hint_after_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otactl.aws.clients import AwsClients
    from otactl.aws.stack import StackEvent


class Dealings:
    """An operation on one stack, and the events it told of."""

    def __init__(self, clients: AwsClients, name: str) -> None:
        self.stack = Stack(clients, name)
        self.reported: list[StackEvent] = []
        self.operation = StackOperation(
            self.stack, CommandClock(), self.reported.append, Frontend(), poll_seconds=0.05
        )

    def deploy(self, template: dict[str, Any]) -> StackState:
        change_set = self.operation.prepare(json.dumps(template), {}, self.stack.state())
        return self.operation.execute(change_set)


@pytest.fixture
def dealings(clients: AwsClients, unique: str) -> Iterator[Dealings]:
    dealings = Dealings(clients, f"stack-{unique}")
    yield dealings
    clients.cloudformation.delete_stack(StackName=dealings.stack.name)


def group(name: str) -> dict[str, Any]:
    return {"Type": "AWS::IoT::ThingGroup", "Properties": {"ThingGroupName": name}}


def template(*names: str) -> dict[str, Any]:
    """Thing groups, made one after the other."""
    resources = {f"Group{number}": group(name) for number, name in enumerate(names)}
    for number in range(1, len(names)):
        resources[f"Group{number}"]["DependsOn"] = f"Group{number - 1}"
    return {"Resources": resources}


def test_a_creation_that_fails_says_what_failed_first(
    dealings: Dealings, clients: AwsClients, unique: str
) -> None:
    clients.iot.create_thing_group(thingGroupName=f"taken-{unique}")

    with pytest.raises(AwsRefused, match="cloudformation:CreateStack") as failure:
        dealings.deploy(template(f"free-{unique}", f"taken-{unique}"))

    assert "Group1 (AWS::IoT::ThingGroup)" in str(failure.value)
    assert "already exists" in str(failure.value)
    assert failure.value.code == "ROLLBACK_COMPLETE"
    assert "deploy again" in (failure.value.hint or "")
    assert [event.logical_id for event in dealings.reported if event.is_failure] == ["Group1"]
    left = {each["groupName"] for each in clients.iot.list_thing_groups()["thingGroups"]}
    assert f"free-{unique}" not in left, "rolled back"


def test_the_remains_of_a_failed_creation_can_be_deleted_and_made_anew(
    dealings: Dealings, clients: AwsClients, unique: str
) -> None:
    clients.iot.create_thing_group(thingGroupName=f"taken-{unique}")
    with pytest.raises(AwsRefused):
        dealings.deploy(template(f"taken-{unique}"))
    remains = dealings.stack.state()
    assert remains is not None
    assert remains.is_remains

    dealings.operation.delete(remains)

    assert dealings.stack.state() is None
    assert dealings.deploy(template(f"free-{unique}")).is_healthy


def test_an_update_that_fails_leaves_the_stack_as_it_was(
    dealings: Dealings, clients: AwsClients, unique: str
) -> None:
    clients.iot.create_thing_group(thingGroupName=f"taken-{unique}")
    dealings.deploy(template(f"first-{unique}"))

    with pytest.raises(AwsRefused, match="cloudformation:UpdateStack") as failure:
        dealings.deploy(template(f"first-{unique}", f"taken-{unique}"))

    assert failure.value.code == "UPDATE_ROLLBACK_COMPLETE"
    assert "as it was before" in (failure.value.hint or "")
    assert list(dealings.stack.resources()) == ["Group0"]


def test_events_are_told_once_each_and_in_the_order_of_time(
    dealings: Dealings, unique: str
) -> None:
    dealings.deploy(template(f"a-{unique}", f"b-{unique}"))

    made = [event.logical_id for event in dealings.reported if event.status == "CREATE_COMPLETE"]
    assert made == ["Group0", "Group1", dealings.stack.name]
    assert len({event.event_id for event in dealings.reported}) == len(dealings.reported)


def test_a_change_set_that_changes_nothing_is_no_failure(dealings: Dealings, unique: str) -> None:
    same = template(f"a-{unique}")
    dealings.deploy(same)

    change_set = dealings.operation.prepare(json.dumps(same), {}, dealings.stack.state())

    assert change_set.changes == ()


def test_a_template_that_is_none_is_the_users_mistake_and_leaves_no_draft(
    dealings: Dealings,
) -> None:
    with pytest.raises(UserMistake, match="CloudFormation does not accept it"):
        dealings.operation.prepare('{"Resources": ', {}, None)

    assert dealings.stack.state() is None


@pytest.mark.parametrize(
    ("creates", "status", "hint"),
    [
        (True, "ROLLBACK_COMPLETE", "nothing of it is left"),
        (True, "ROLLBACK_FAILED", "some of it is left: `otactl stack delete --name s`"),
        (False, "UPDATE_ROLLBACK_COMPLETE", "the stack is as it was before"),
        (False, "UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name s"),
    ],
)
def test_what_is_left_after_a_failure_is_told_as_it_is(
    *, creates: bool, status: str, hint: str
) -> None:
    # A rollback can fail as well: MiniStack's never does, CloudFormation's may.
    change_set = ChangeSet(change_set_id="c", stack_id="s", creates=creates, changes=())
    assert hint in hint_after_failure(change_set, StackState(stack_id="s", name="s", status=status))

"""The monitoring stack in CloudFormation: prepared as a change set, reviewed, then executed.

Source: botocore ``cloudformation`` CreateChangeSet, DescribeChangeSet, ExecuteChangeSet,
DescribeStackEvents, DeleteStack; CloudFormation User Guide, stack status codes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from otactl.aws.clients import account_of
from otactl.aws.translate import translated
from otactl.model.arn import partition_of

if TYPE_CHECKING:
    from types_boto3_cloudformation.literals import CapabilityType
    from types_boto3_cloudformation.type_defs import TagTypeDef

    from otactl.aws.clients import AwsClients


#: CloudFormation's reasons for a resource that failed only because another one did.
_CANCELLED = ("Resource creation cancelled", "Resource update cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """One event of a stack (botocore ``cloudformation`` StackEvent)."""

    event_id: str
    logical_id: str
    resource_type: str
    status: str
    reason: str = ""

    @classmethod
    def from_fields(cls, fields: Any) -> Self:
        """Read an event of DescribeStackEvents."""
        return cls(
            event_id=fields["EventId"],
            logical_id=fields.get("LogicalResourceId", ""),
            resource_type=fields.get("ResourceType", ""),
            status=fields.get("ResourceStatus", ""),
            reason=fields.get("ResourceStatusReason", ""),
        )

    @property
    def is_failure(self) -> bool:
        """Whether an operation on a resource failed."""
        return self.status.endswith("_FAILED")

    def __str__(self) -> str:
        """``EmailTopic (AWS::SNS::Topic): the reason``."""
        return f"{self.logical_id} ({self.resource_type}): {self.reason or self.status}"


def first_failure(events: Iterable[StackEvent]) -> StackEvent | None:
    """The event that made an operation fail; operations cancelled by it are skipped.

    Args:
        events: Of one operation, oldest first.
    """
    for event in events:
        if event.is_failure and not event.reason.startswith(_CANCELLED):
            return event
    return None


#: The template creates roles, without names of our choosing.
_CAPABILITIES: tuple[CapabilityType, ...] = ("CAPABILITY_IAM",)
_TAGS: tuple[TagTypeDef, ...] = ({"Key": "createdBy", "Value": "otactl"},)
_UNFINISHED = "_IN_PROGRESS"
#: The status of a stack that has a change set and nothing else yet.
_REVIEW = "REVIEW_IN_PROGRESS"
#: CloudFormation's reasons for a change set that changes nothing.
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_HEALTHY = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "IMPORT_COMPLETE"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """A stack as CloudFormation describes it.

    Attributes:
        reason: Why it has its status; empty if not given.
        parameters: The values it was deployed with.
    """

    stack_id: str
    name: str
    status: str
    reason: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        """Whether no operation is in progress."""
        return not self.status.endswith(_UNFINISHED)

    @property
    def is_healthy(self) -> bool:
        """Whether the last operation succeeded."""
        return self.status in _HEALTHY

    @property
    def is_draft(self) -> bool:
        """Whether there is a change set and nothing else yet."""
        return self.status == _REVIEW

    @property
    def is_deleted(self) -> bool:
        """Whether it is deleted; CloudFormation still finds it by its id for a while."""
        return self.status == "DELETE_COMPLETE"

    @property
    def is_remains(self) -> bool:
        """Whether its creation was rolled back; it has no resources and can only be deleted."""
        return self.status == "ROLLBACK_COMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """What a change set does to one resource.

    Attributes:
        action: Add, Modify or Remove.
        replaces: Whether the old one is deleted and a new one made: True, False or Conditional.
    """

    action: str
    logical_id: str
    resource_type: str
    replaces: str = "False"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """A change set that can be executed."""

    change_set_id: str
    stack_id: str
    creates: bool
    changes: tuple[ResourceChange, ...]


class ChangeSetRefused(Exception):
    """Raised when CloudFormation cannot create the change set; the message is its reason."""


class Stack:
    """One stack."""

    def __init__(self, clients: AwsClients, name: str) -> None:
        self._clients = clients
        self.name = name

    @translated("cloudformation")
    def state(self, stack_id: str | None = None) -> StackState | None:
        """The stack, or None if it does not exist; a deleted stack is still found by its id."""
        try:
            answer = self._clients.cloudformation.describe_stacks(StackName=stack_id or self.name)
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        found: Any = answer["Stacks"][0]
        return StackState(
            stack_id=found["StackId"],
            name=found["StackName"],
            status=found["StackStatus"],
            reason=found.get("StackStatusReason", ""),
            parameters={
                each["ParameterKey"]: each.get("ParameterValue", "")
                for each in found.get("Parameters", ())
            },
            outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())},
        )

    @translated("cloudformation")
    def defaults(self, template: str) -> dict[str, str]:
        """The default values of the template's parameters."""
        summary = self._clients.cloudformation.get_template_summary(TemplateBody=template)
        return {
            each["ParameterKey"]: each["DefaultValue"]
            for each in summary.get("Parameters", ())
            if "DefaultValue" in each
        }

    @translated("cloudformation")
    def begin_change_set(
        self, template: str, given: Mapping[str, str], state: StackState | None
    ) -> str:
        """Start to create a change set for a template.

        Args:
            template: YAML.
            given: Parameters; others keep the value they have.

        Returns:
            The id of the change set.
        """
        exists = state is not None and not state.is_draft
        kept = state.parameters if state is not None and exists else {}
        parameters: list[Any] = [
            *({"ParameterKey": key, "ParameterValue": value} for key, value in given.items()),
            *({"ParameterKey": key, "UsePreviousValue": True} for key in kept if key not in given),
        ]
        answer = self._clients.cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=f"otactl-{uuid.uuid4().hex[:12]}",
            ChangeSetType="UPDATE" if exists else "CREATE",
            TemplateBody=template,
            Parameters=parameters,
            Capabilities=list(_CAPABILITIES),
            Tags=list(_TAGS),
        )
        return answer["Id"]

    @translated("cloudformation")
    def change_set(self, change_set_id: str) -> ChangeSet | None:
        """A change set, or None while it is being created.

        Raises:
            ChangeSetRefused: It cannot be created.
        """
        answer = self._clients.cloudformation.describe_change_set(ChangeSetName=change_set_id)
        status, reason = answer["Status"], answer.get("StatusReason", "")
        if status in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            return None
        nothing_to_do = any(words in reason for words in _NO_CHANGES)
        if status != "CREATE_COMPLETE" and not nothing_to_do:
            raise ChangeSetRefused(reason or status)
        changes = self._clients.listed(
            "cloudformation", "describe_change_set", "Changes", ChangeSetName=change_set_id
        )
        state = self.state(answer["StackId"])
        return ChangeSet(
            change_set_id=change_set_id,
            stack_id=answer["StackId"],
            creates=state is not None and state.is_draft,
            changes=tuple(map(_resource_change, changes)),
        )

    @translated("cloudformation")
    def execute(self, change_set: ChangeSet) -> None:
        """Start to execute a change set."""
        self._clients.cloudformation.execute_change_set(ChangeSetName=change_set.change_set_id)

    @translated("cloudformation")
    def discard(self, change_set_id: str) -> None:
        """Delete a change set, and the draft of a stack that it leaves."""
        self._clients.cloudformation.delete_change_set(ChangeSetName=change_set_id)
        state = self.state()
        if state is not None and state.is_draft:
            self.delete(state)

    @translated("cloudformation")
    def delete(self, state: StackState) -> None:
        """Start to delete the stack."""
        self._clients.cloudformation.delete_stack(StackName=state.stack_id)

    def events(self, stack_id: str, after: str | None = None) -> list[StackEvent]:
        """The events after one, oldest first; all of them if it is None.

        Args:
            stack_id: The id, which also finds deleted stacks.
            after: The id of the last event known.
        """
        events: list[StackEvent] = []
        for fields in self._clients.listed(
            "cloudformation", "describe_stack_events", "StackEvents", StackName=stack_id
        ):
            if fields["EventId"] == after:
                break
            events.append(StackEvent.from_fields(fields))
        return events[::-1]

    @translated("cloudformation")
    def newest_event(self, stack_id: str) -> str | None:
        """The id of the last event so far, with one call: the history can be long."""
        answer = self._clients.cloudformation.describe_stack_events(StackName=stack_id)
        events = answer["StackEvents"]
        return events[0]["EventId"] if events else None

    def resources(self) -> dict[str, str]:
        """The status of each resource, by its name in the template."""
        listed = self._clients.listed(
            *("cloudformation", "list_stack_resources", "StackResourceSummaries"),
            StackName=self.name,
        )
        return {each["LogicalResourceId"]: each["ResourceStatus"] for each in listed}


def _resource_change(change: Any) -> ResourceChange:
    fields = change["ResourceChange"]
    return ResourceChange(
        action=fields["Action"],
        logical_id=fields["LogicalResourceId"],
        resource_type=fields["ResourceType"],
        replaces=fields.get("Replacement", "False"),
    )


# A topic's name is unique in an account and region. A second stack, or the sample tool's, uses the
# same three names; deleting one stack would then stop the notifications of the other.

#: As the manual names them; a test keeps the template equal.
TOPIC_NAMES = ("email-notification", "sms-notification", "ota-force-stopper")


def taken_topics(clients: AwsClients, prefix: str) -> list[str]:
    """The topic names of the stack that already exist in this account and region."""
    region = clients.region or ""
    start = f"arn:{partition_of(region)}:sns:{region}:{account_of(clients)}"
    return [prefix + name for name in TOPIC_NAMES if _exists(clients, f"{start}:{prefix}{name}")]


@translated("sns", {"NotFound": False, "NotFoundException": False})
def _exists(clients: AwsClients, topic_arn: str) -> bool:
    clients.sns.get_topic_attributes(TopicArn=topic_arn)
    return True

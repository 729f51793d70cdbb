"""What happened in a stack, event by event, and which of them is why an operation failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

#: CloudFormation's words for a resource that only fell with the others.
_BYSTANDERS = ("Resource creation cancelled", "Resource update cancelled")


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
        """Read what DescribeStackEvents gave."""
        return cls(
            event_id=fields["EventId"],
            logical_id=fields.get("LogicalResourceId", ""),
            resource_type=fields.get("ResourceType", ""),
            status=fields.get("ResourceStatus", ""),
            reason=fields.get("ResourceStatusReason", ""),
        )

    @property
    def is_failure(self) -> bool:
        """Whether something could not be done."""
        return self.status.endswith("_FAILED")

    def __str__(self) -> str:
        """``EmailTopic (AWS::SNS::Topic): the reason``."""
        return f"{self.logical_id} ({self.resource_type}): {self.reason or self.status}"


def first_failure(events: Iterable[StackEvent]) -> StackEvent | None:
    """The event that made an operation fail; those that failed with it say nothing.

    Args:
        events: Of one operation, in the order of time.
    """
    for event in events:
        if event.is_failure and not event.reason.startswith(_BYSTANDERS):
            return event
    return None

"""Which event of a stack is the reason of a failure."""

from __future__ import annotations

from otactl.aws.stack import StackEvent, first_failure


def event(number: int, status: str, reason: str = "", resource: str = "Topic") -> StackEvent:
    return StackEvent.from_fields(
        {
            "EventId": str(number),
            "LogicalResourceId": resource,
            "ResourceType": "AWS::SNS::Topic",
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }
    )


def test_the_first_that_failed_of_itself_is_the_reason() -> None:
    events = [
        event(1, "CREATE_IN_PROGRESS"),
        event(2, "CREATE_FAILED", "Resource creation cancelled", "Other"),
        event(3, "CREATE_FAILED", "it exists already", "Topic"),
        event(4, "CREATE_FAILED", "no permission", "Later"),
        event(5, "ROLLBACK_IN_PROGRESS", "[Topic, Later]", "stack"),
    ]

    found = first_failure(events)

    assert str(found) == "Topic (AWS::SNS::Topic): it exists already"


def test_an_operation_in_which_nothing_failed_has_no_reason() -> None:
    assert first_failure([event(1, "CREATE_COMPLETE")]) is None


def test_a_failure_without_a_reason_tells_its_status() -> None:
    assert str(event(1, "DELETE_FAILED")) == "Topic (AWS::SNS::Topic): DELETE_FAILED"

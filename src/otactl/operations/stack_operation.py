"""Runs operations on a stack to their end, with progress, and a clear reason if one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from otactl.aws.clients import AwsClients
from otactl.aws.stack import (
    ChangeSet,
    ChangeSetRefused,
    Stack,
    StackEvent,
    StackState,
    first_failure,
    taken_topics,
)
from otactl.errors import AwsRefused, Interrupted, UserMistake
from otactl.errors.first_failure import after_failure
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend

_CHANGE_SET = "cloudformation:CreateChangeSet"

_PREFIX = "TopicNamePrefix"
_M, _N = "DownloadTimeDatapointsToAlarm", "DownloadTimeEvaluationPeriod"


class StackOperation:
    """One command's operations on a stack; ``on_event`` is called for each event."""

    def __init__(
        self,
        stack: Stack,
        clock: CommandClock,
        on_event: Callable[[StackEvent], None],
        frontend: Frontend,
        *,
        poll_seconds: float,
    ) -> None:
        self._stack = stack
        self._clock = clock
        self._on_event = on_event
        self._frontend = frontend
        self._poll_seconds = poll_seconds

    def prepare(
        self, template: str, given: Mapping[str, str], state: StackState | None
    ) -> ChangeSet:
        """Create a change set.

        Raises:
            UserMistake: CloudFormation does not accept the template or a parameter.
        """
        try:
            with self._frontend.handle_signals(self._clock, "deleting the change set"):
                change_set_id = self._stack.begin_change_set(template, given, state)
                with after_failure(lambda: self._stack.discard(change_set_id)):
                    while (made := self._stack.change_set(change_set_id)) is None:
                        self._clock.sleep(self._poll_seconds)
        except ChangeSetRefused as error:
            raise AwsRefused(_CHANGE_SET, "FAILED", str(error)) from error
        except AwsRefused as error:
            if error.code == "ValidationError":
                raise UserMistake(f"CloudFormation does not accept it: {error}") from error
            raise
        return made

    def execute(self, change_set: ChangeSet) -> StackState:
        """Execute a change set and wait for the end.

        Raises:
            AwsRefused: It was rolled back; the message has the first failure.
        """
        seen = self._stack.newest_event(change_set.stack_id)
        self._stack.execute(change_set)
        with self._handling_signals():
            state, events = self._settle(change_set.stack_id, seen)
        if state is None or not state.is_healthy:
            operation = "CreateStack" if change_set.creates else "UpdateStack"
            raise _failure(operation, state, events, hint_after_failure(change_set, state))
        return state

    def delete(self, state: StackState) -> None:
        """Delete the stack and wait for the end.

        Raises:
            AwsRefused: Something could not be deleted.
        """
        seen = self._stack.newest_event(state.stack_id)
        self._stack.delete(state)
        with self._handling_signals():
            after, events = self._settle(state.stack_id, seen)
        if after is not None and not after.is_deleted:
            raise _failure("DeleteStack", after, events, "delete what uses it, and try again")

    def settle(self, state: StackState) -> StackState | None:
        """Wait for the end of a running operation; None if the stack is deleted then."""
        if state.is_settled or state.is_draft:
            return state
        self._frontend.note(f"stack {state.name} is {state.status}; waiting")
        with self._handling_signals():
            after, _ = self._settle(state.stack_id, self._stack.newest_event(state.stack_id))
        return None if after is None or after.is_deleted else after

    def _settle(
        self, stack_id: str, seen: str | None
    ) -> tuple[StackState | None, list[StackEvent]]:
        events: list[StackEvent] = []
        while True:
            # State first: then the events include everything up to a final state.
            state = self._stack.state(stack_id)
            if state is not None:
                for event in self._stack.events(stack_id, after=seen):
                    events.append(event)
                    seen = event.event_id
                    self._on_event(event)
            if state is None or state.is_settled:
                return state, events
            self._clock.sleep(self._poll_seconds)

    @contextmanager
    def _handling_signals(self) -> Iterator[None]:
        try:
            stopping = "CloudFormation finishes what it began"
            with self._frontend.handle_signals(self._clock, stopping):
                yield
        except Interrupted:
            self._frontend.note(
                "CloudFormation continues; `otactl stack status` shows its progress"
            )
            raise


def hint_after_failure(change_set: ChangeSet, state: StackState | None) -> str:
    """What is left of the stack after a failure, and what to do."""
    if state is not None and state.status == "UPDATE_ROLLBACK_FAILED":
        return (
            "the rollback failed as well: fix what CloudFormation names, then"
            f" `aws cloudformation continue-update-rollback --stack-name {state.name}`"
        )
    if state is not None and state.status.endswith("_FAILED"):
        return f"some of it is left: `otactl stack delete --name {state.name}`, then deploy again"
    if change_set.creates:
        return "nothing of it is left; fix it and deploy again"
    return "the stack is as it was before"


def _failure(
    operation: str, state: StackState | None, events: list[StackEvent], hint: str
) -> AwsRefused:
    cause = first_failure(events)
    message = str(cause) if cause else (state.reason if state else "") or "no reason given"
    if cause and cause.resource_type == "AWS::SNS::Topic" and "exist" in message:
        hint = f"another stack has a topic of that name: give this one a --prefix; {hint}"
    status = state.status if state else "DELETED"
    return AwsRefused(f"cloudformation:{operation}", status, message, hint=hint)


def check_stack(clients: AwsClients, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Check the parameters that a stack will have, against its present ones; it may be new.

    CloudFormation cannot compare two parameters, so CloudWatch would refuse the alarm later; and
    existing topics would make it fail after creating half a stack.

    Raises:
        UserMistake: The parameters are not possible.
    """
    if int(after[_M]) > int(after[_N]):
        raise UserMistake(
            f"--datapoints {after[_M]}: M out of N needs an M that is at most N, which is"
            f" {after[_N]} (--evaluation-periods)"
        )
    taken = taken_topics(clients, after[_PREFIX]) if before.get(_PREFIX) != after[_PREFIX] else ()
    if taken:
        raise UserMistake(
            f"there are topics of these names already: {', '.join(taken)}",
            hint="another stack has them; `--prefix NAME-` gives this one's topics other names",
        )

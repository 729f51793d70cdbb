"""The queue's table in DynamoDB behind ``jobqueue.ports.RequestTable`` (botocore ``dynamodb``).

A state is part of the key (the manual's schema), so a change of state is one transaction: delete
the item if it is unchanged since it was read, put the new one if none exists.

The gate is an item of its own, ``jobStatus = otactl-gate``: each claim increases its number, on the
condition that it is still the number that the worker read with the active requests.

A failed condition is an answer, not an error; see ``aws.transaction`` for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from otactl.aws.clients import AwsClients
from otactl.aws.queue_item import (
    FENCE,
    LEASE_UNTIL,
    ORDER_KEY,
    OWNER,
    RUN,
    STATE,
    Item,
    due_query,
    item_of,
    key_of,
    left_open_of,
    open_item,
    open_key,
    quarantined_item,
    query_of,
)
from otactl.aws.queue_item_reading import request_of
from otactl.aws.transaction import MAX_ACTIONS, REFUSED, RetryingDynamo
from otactl.aws.translate import translated
from otactl.errors import UserMistake
from otactl.jobqueue.ports import ActiveRequests, ClaimAnswer, Gate
from otactl.jobqueue.request import Failure, JobRequest, LeftOpen, MalformedRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.transition import Guard

#: Requests on the first page: as many as a worker usually reads. Each page doubles, up to 100.
_FIRST_PAGE, _LARGEST_PAGE = 10, 100
_GATE_KEY: Item = {STATE: {"S": "otactl-gate"}, ORDER_KEY: {"S": "-"}}
#: More claims than there will ever be; DynamoDB counts exactly up to 38 digits.
_GATE_DIGITS = 30
_EXISTS, _MISSING = "attribute_exists(jobStatus)", "attribute_not_exists(jobStatus)"


class DynamoRequestTable:
    """The table of requests.

    Args:
        clients: The clients of the command, in the queue's region.
    """

    def __init__(self, clients: AwsClients, name: str) -> None:
        self._clients = clients
        self._name = name
        self._dynamo = RetryingDynamo(clients)

    @translated("dynamodb")
    def add(self, requests: Sequence[JobRequest]) -> None:
        """Add new requests, the last ones first: the others of a series wait for the first one."""
        for end in range(len(requests), 0, -MAX_ACTIONS):
            batch = requests[max(0, end - MAX_ACTIONS) : end]
            actions = [self._put(item_of(request)) for request in batch]
            if any(code == REFUSED for code in self._dynamo.transact(actions)):
                raise UserMistake(
                    f"a request of {batch[0].job_id} to {batch[-1].job_id} is in the queue already",
                    hint="add it again: it gets another id",
                )

    @translated("dynamodb")
    def active(self) -> ActiveRequests:
        """The gate, then the requests in Deploying, both read consistently, in this order."""
        gate = self._clients.dynamodb.get_item(
            TableName=self._name, Key=_GATE_KEY, ConsistentRead=True
        )
        found = [request_of(item) for item in self._items(RequestState.DEPLOYING, consistent=True)]
        return ActiveRequests(
            gate=gate.get("Item", {}).get("number"),
            requests=tuple(each for each in found if isinstance(each, JobRequest)),
            malformed=tuple(each for each in found if isinstance(each, MalformedRequest)),
        )

    def listed(self, state: RequestState) -> Iterator[JobRequest | MalformedRequest]:
        """The requests of one state, page by page."""
        for item in self._items(state, consistent=False):
            yield request_of(item)

    @translated("dynamodb")
    def find(self, order_keys: Sequence[str]) -> tuple[JobRequest | MalformedRequest, ...]:
        """The requests of these keys, in any state."""
        keys = [key_of(state, order_key) for order_key in order_keys for state in RequestState]
        found = [
            request_of(item)
            for start in range(0, len(keys), MAX_ACTIONS)
            for item in self._dynamo.get(self._name, keys[start : start + MAX_ACTIONS])
        ]
        return tuple(sorted(found, key=lambda request: request.order_key))

    @translated("dynamodb")
    def claim(self, before: JobRequest, after: JobRequest, *, gate: Gate) -> ClaimAnswer:
        """Move a pending request to Deploying, if nothing was claimed since ``gate`` was read."""
        opened: Item = {
            "TableName": self._name,
            "Key": _GATE_KEY,
            "UpdateExpression": "SET #number = :next",
            "ConditionExpression": "attribute_not_exists(#number)"
            if gate is None
            else "#number = :seen",
            "ExpressionAttributeNames": {"#number": "number"},
            "ExpressionAttributeValues": {":next": _next_gate(gate)}
            | ({} if gate is None else {":seen": gate}),
        }
        unclaimed = self._guarded(before, Guard(fence=before.fence, owner=None))
        actions = [
            {"Delete": _without_empty_values(unclaimed)},
            self._put(item_of(after)),
            {"Update": opened},
        ]
        codes = self._dynamo.transact(actions)
        if not codes:
            return ClaimAnswer.CLAIMED
        return ClaimAnswer.GONE if REFUSED in codes[:2] else ClaimAnswer.OUTDATED

    @translated("dynamodb")
    def amend(self, before: JobRequest, after: JobRequest, guard: Guard) -> bool:
        """Change the attributes in which the two differ."""
        old, new = item_of(before), item_of(after)
        changed = {name: value for name, value in new.items() if old.get(name) != value}
        removed = [name for name in old if name not in new]
        if not changed and not removed:
            return True
        update = self._guarded(before, guard)
        names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        sets = []
        for number, (name, value) in enumerate(changed.items()):
            names[f"#s{number}"], values[f":s{number}"] = name, value
            sets.append(f"#s{number} = :s{number}")
        for number, name in enumerate(removed):
            names[f"#r{number}"] = name
        expression = "SET " + ", ".join(sets) if sets else ""
        if removed:
            expression += " REMOVE " + ", ".join(f"#r{number}" for number in range(len(removed)))
        return self._update(update | {"UpdateExpression": expression.strip()}, after)

    @translated("dynamodb")
    def move(
        self,
        before: JobRequest,
        after: JobRequest,
        guard: Guard,
        left_open: LeftOpen | None = None,
    ) -> bool:
        """Move a request to another state, and add the jobs that it left open."""
        delete = _without_empty_values(self._guarded(before, guard))
        actions = [{"Delete": delete}, self._put(item_of(after))]
        if left_open is not None:
            actions.append(self._put(open_item(left_open)))
        if not self._dynamo.transact(actions):
            return True
        # An attempt whose answer was lost may have succeeded.
        return self._stands(after)

    @translated("dynamodb")
    def quarantine(self, malformed: MalformedRequest, failure: Failure, *, now_ms: int) -> bool:
        """Move an invalid item to Failed, as it is; False if it stays where it is."""
        if malformed.is_too_large:
            return False  # with the reason it would not fit into the table
        delete = self._delete(key_of(malformed.state, malformed.order_key))
        put = self._put(quarantined_item(malformed, failure, now_ms=now_ms))
        return not self._dynamo.transact([delete, put])

    def due(self, now_ms: int) -> Iterator[LeftOpen]:
        """The jobs that finished requests left open and that are due to be closed, page by page."""
        found = map(left_open_of, self._queried(due_query(self._name, now_ms)))
        return (each for each in found if each is not None)

    @translated("dynamodb")
    def reschedule(self, left_open: LeftOpen, due_ms: int | None) -> bool:
        """Set a later due time, or delete the item if it is None."""
        actions = [self._delete(open_key(left_open))]
        if due_ms is not None:
            actions.append(self._put(open_item(replace(left_open, due_ms=due_ms))))
        return not self._dynamo.transact(actions)

    def _put(self, item: Item) -> Item:
        return {
            "Put": {"TableName": self._name, "Item": item, "ConditionExpression": _MISSING},
        }

    def _delete(self, key: Item) -> Item:
        return {"Delete": {"TableName": self._name, "Key": key, "ConditionExpression": _EXISTS}}

    def _guarded(self, request: JobRequest, guard: Guard) -> Item:
        """The key of a request, on the condition that no other process has claimed it since."""
        names = {"#fence": FENCE, "#owner": OWNER}
        values: Item = {}
        conditions = [_EXISTS]
        if guard.fence:
            values[":fence"] = {"N": str(guard.fence)}
        conditions.append("#fence = :fence" if guard.fence else "attribute_not_exists(#fence)")
        if guard.owner is not None:
            values[":owner"] = {"S": guard.owner}
        conditions.append("#owner = :owner" if guard.owner else "attribute_not_exists(#owner)")
        if guard.until_ms is not None:
            names["#until"], values[":until"] = LEASE_UNTIL, {"N": str(guard.until_ms)}
            conditions.append("#until = :until")
        return {
            "TableName": self._name,
            "Key": key_of(request.state, request.order_key),
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }

    def _update(self, update: Item, after: JobRequest) -> bool:
        try:
            self._clients.dynamodb.update_item(**_without_empty_values(update))
        except self._clients.dynamodb.exceptions.ConditionalCheckFailedException:
            # An attempt whose answer was lost may have succeeded.
            return self._stands(after)
        return True

    def _stands(self, request: JobRequest) -> bool:
        """Whether a request is in the table as this worker tried to write it."""
        answer = self._clients.dynamodb.get_item(
            TableName=self._name,
            Key=key_of(request.state, request.order_key),
            ConsistentRead=True,
        )
        wanted = item_of(request)
        item = answer.get("Item")
        return item is not None and all(
            item.get(name) == wanted.get(name) for name in (FENCE, OWNER, LEASE_UNTIL, RUN)
        )

    def _items(self, state: RequestState, *, consistent: bool) -> Iterator[Item]:
        return self._queried(query_of(self._name, state.value, consistent=consistent))

    def _queried(self, query: Item) -> Iterator[Item]:
        start: Item | None = None
        size = _FIRST_PAGE
        while True:
            items, start = self._page(query | {"Limit": size}, start)
            yield from items
            if start is None:
                return
            size = min(2 * size, _LARGEST_PAGE)

    @translated("dynamodb")
    def _page(self, query: Item, start: Item | None) -> tuple[list[Item], Item | None]:
        page = self._clients.dynamodb.query(
            **(query if start is None else query | {"ExclusiveStartKey": start})
        )
        return page["Items"], page.get("LastEvaluatedKey")


def _without_empty_values(action: Item) -> Item:
    """Leave out empty maps: DynamoDB refuses them (ExpressionAttributeValues)."""
    return {name: value for name, value in action.items() if value != {}}


def _next_gate(seen: Gate) -> Item:
    """The gate after the one that was read; a damaged one is replaced."""
    number = "" if seen is None else seen.get("N", "")
    is_sound = isinstance(number, str) and number.isascii() and number.isdigit()
    return {"N": str(int(number) + 1 if is_sound and len(number) < _GATE_DIGITS else 1)}

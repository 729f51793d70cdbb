"""People's decisions about a queued deployment in waves, in the queue's own table.

Decisions have their own hash key, ``jobStatus = otactl-decision``, so that a policy can allow a
person to decide but not to add or deploy (IAM ``dynamodb:LeadingKeys``). Their range key is the
deployment and a number: they are in the order in which they were written, independent of the
hosts' clocks. Items are not trusted: an invalid one is skipped.
"""

from __future__ import annotations

from itertools import islice

from pydantic import ValidationError

from otactl.aws.clients import AwsClients
from otactl.aws.queue_item import ORDER_KEY, STATE, Item, query_of
from otactl.aws.translate import translated
from otactl.errors import UserMistake
from otactl.model.wave import DECISION, Decision

DECISION_STATE = "otactl-decision"
_CONTENT = "decision"
_DIGITS = 8
#: Decisions read at most: more than people make about one deployment.
_MOST_READ = 10_000
_TRIES = 20


class QueueDecisions:
    """The decisions of one deployment (``deploy.decision_file.Decisions``).

    Args:
        clients: The clients of the command, in the queue's region.
        deployment_id: The deployment of the request's run.
    """

    def __init__(self, clients: AwsClients, table_name: str, deployment_id: str) -> None:
        self._clients = clients
        self._table_name = table_name
        self._start = f"{deployment_id}/"

    def read(self) -> tuple[Decision, ...]:
        """All decisions, in order."""
        found = []
        items = self._clients.listed("dynamodb", "query", "Items", **self._query())
        for item in islice(items, _MOST_READ):
            try:
                found.append(DECISION.validate_json(item[_CONTENT]["S"]))
            except (KeyError, ValidationError):
                continue
        return tuple(found)

    @translated("dynamodb")
    def append(self, decision: Decision) -> None:
        """Add a decision after all others.

        Raises:
            UserMistake: Each number is taken by another process, or the last key has no number.
        """
        dynamodb = self._clients.dynamodb
        content = {_CONTENT: {"S": DECISION.dump_json(decision).decode()}}
        for _ in range(_TRIES):
            key = {STATE: {"S": DECISION_STATE}, ORDER_KEY: {"S": self._next_key()}}
            try:
                dynamodb.put_item(
                    TableName=self._table_name,
                    Item=key | content,
                    ConditionExpression=f"attribute_not_exists({STATE})",
                )
            except dynamodb.exceptions.ConditionalCheckFailedException:
                # Another process took this number, or an attempt whose answer was lost succeeded.
                if self._item(key) == key | content:
                    return
                continue
            return
        raise UserMistake("others write decisions about this request at the same time; try again")

    def _item(self, key: Item) -> Item | None:
        answer = self._clients.dynamodb.get_item(
            TableName=self._table_name, Key=key, ConsistentRead=True
        )
        return answer.get("Item")

    def _next_key(self) -> str:
        page = self._clients.dynamodb.query(**self._query(), ScanIndexForward=False, Limit=1)
        last = page["Items"][0][ORDER_KEY]["S"].removeprefix(self._start) if page["Items"] else "0"
        if not (last.isascii() and last.isdigit() and len(last) <= _DIGITS):
            raise UserMistake(
                f"the table has a decision that otactl did not write: {self._start}{last!r}",
                hint="delete that item, then decide again",
            )
        return f"{self._start}{int(last) + 1:0{_DIGITS}d}"

    def _query(self) -> Item:
        key = ("begins_with(#key, :key)", self._start)
        return query_of(self._table_name, DECISION_STATE, consistent=True, key=key)

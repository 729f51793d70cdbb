"""DynamoDB calls that are tried again as long as trying again can help.

Two errors (API Reference, TransactionCanceledException): a condition that did not hold is an answer
for the caller; a transaction that collided with another one, or was throttled, is tried again after
a pause drawn at random; everything else is an error. Botocore repeats throttled calls itself, but
not cancelled transactions, nor the keys that BatchGetItem leaves undone. The token makes a repeated
transaction harmless for ten minutes: what an answer that got lost had done is not done twice.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from otactl.aws.clients import AwsClients
from otactl.errors import AwsUnreachable
from otactl.rules.backoff import Backoff, Retry

#: The most TransactWriteItems and BatchGetItem take (botocore ``dynamodb``).
MAX_ACTIONS = 100
#: The code of an action whose condition did not hold.
REFUSED = "ConditionalCheckFailed"
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_IN_PROGRESS = "TransactionInProgressException"
_TRIES = 12


class PatientDynamo:
    """Calls DynamoDB, again if need be.

    Args:
        clients: The clients of the command, in the table's region.
        sleep: Waits N seconds.
        draw: Random numbers of [0, 1).
    """

    def __init__(
        self,
        clients: AwsClients,
        *,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._clients = clients
        self._sleep = sleep
        self._backoff = Backoff(first_seconds=0.05, longest_seconds=4.0, draw=draw)

    def transact(self, actions: Sequence[dict[str, Any]]) -> list[str]:
        """Do all of it or nothing.

        Args:
            actions: Up to a hundred, as TransactWriteItems takes them.

        Returns:
            Nothing when it is done; otherwise, for each action, the code of what hindered it.

        Raises:
            AwsUnreachable: It collided with others, or was throttled, again and again.
            ClientError: Anything else.
        """
        token = str(uuid.uuid4())

        def write() -> list[str]:
            try:
                self._clients.dynamodb.transact_write_items(
                    TransactItems=list(actions),  # type: ignore[arg-type]  # made as plain dicts
                    ClientRequestToken=token,
                )
            except ClientError as error:
                codes = _codes(error)
                if REFUSED in codes:
                    return codes
                if not _PASSING.union((_IN_PROGRESS,)).intersection(codes):
                    raise
                raise _busy("TransactWriteItems", codes) from error
            return []

        return self._retry().until_done(write)

    def get(self, table: str, keys: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The items of up to a hundred keys, read consistently; those that exist.

        Raises:
            AwsUnreachable: The table left some of them undone again and again.
            ClientError: Anything else.
        """
        found: list[dict[str, Any]] = []
        undone = list(keys)

        def read() -> None:
            answer = self._clients.dynamodb.batch_get_item(
                RequestItems={table: {"Keys": undone, "ConsistentRead": True}}
            )
            found.extend(answer["Responses"].get(table, []))
            left = answer.get("UnprocessedKeys", {}).get(table)
            if left:
                undone[:] = [dict(key) for key in left["Keys"]]
                raise _busy("BatchGetItem", ["UnprocessedKeys"])

        self._retry().until_done(read)
        return found

    def _retry(self) -> Retry:
        return Retry(
            self._sleep, lambda _why, _seconds: None, backoff=self._backoff, max_tries=_TRIES
        )


def _codes(error: ClientError) -> list[str]:
    """Why a transaction was cancelled, action by action; or that it is still under way."""
    if error.response["Error"]["Code"] == _IN_PROGRESS:
        return [_IN_PROGRESS]
    return [
        str(reason.get("Code", "None")) for reason in error.response.get("CancellationReasons", [])
    ]


def _busy(operation: str, codes: Sequence[str]) -> AwsUnreachable:
    return AwsUnreachable(
        f"dynamodb:{operation}",
        ", ".join(sorted(set(codes) - {"None"})),
        f"the table is busy: {_TRIES} tries in a row did not get through",
        hint="give the table more capacity, or let fewer workers run",
    )

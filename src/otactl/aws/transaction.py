"""DynamoDB calls that are retried when a retry can help.

A failed condition is an answer for the caller. A transaction that conflicts with another one, or is
throttled, is retried after a random pause (API Reference, TransactionCanceledException). Everything
else is an error. Botocore retries throttled calls itself, but neither cancelled transactions nor
the unprocessed keys of BatchGetItem. The token makes a retry idempotent for ten minutes: a
transaction whose answer was lost is not done twice.
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
#: The code of an action whose condition failed.
REFUSED = "ConditionalCheckFailed"
_TRANSIENT = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_IN_PROGRESS = "TransactionInProgressException"
_TRIES = 12


class RetryingDynamo:
    """Calls DynamoDB, with retries.

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
        """Write all of it or nothing.

        Args:
            actions: Up to 100, as TransactWriteItems takes them.

        Returns:
            Empty on success; otherwise, for each action, the code of its cancellation reason.

        Raises:
            AwsUnreachable: After all retries it still conflicts or is throttled.
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
                if not _TRANSIENT.union((_IN_PROGRESS,)).intersection(codes):
                    raise
                raise _busy("TransactWriteItems", codes) from error
            return []

        return self._retry().until_done(write)

    def get(self, table: str, keys: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The existing items of up to 100 keys, read consistently.

        Raises:
            AwsUnreachable: After all retries some keys are still unprocessed.
            ClientError: Anything else.
        """
        found: list[dict[str, Any]] = []
        pending = list(keys)

        def read() -> None:
            answer = self._clients.dynamodb.batch_get_item(
                RequestItems={table: {"Keys": pending, "ConsistentRead": True}}
            )
            found.extend(answer["Responses"].get(table, []))
            left = answer.get("UnprocessedKeys", {}).get(table)
            if left:
                pending[:] = [dict(key) for key in left["Keys"]]
                raise _busy("BatchGetItem", ["UnprocessedKeys"])

        self._retry().until_done(read)
        return found

    def _retry(self) -> Retry:
        return Retry(
            self._sleep, lambda _why, _seconds: None, backoff=self._backoff, max_tries=_TRIES
        )


def _codes(error: ClientError) -> list[str]:
    """Why a transaction was cancelled, action by action; or that it is still in progress."""
    if error.response["Error"]["Code"] == _IN_PROGRESS:
        return [_IN_PROGRESS]
    return [
        str(reason.get("Code", "None")) for reason in error.response.get("CancellationReasons", [])
    ]


def _busy(operation: str, codes: Sequence[str]) -> AwsUnreachable:
    return AwsUnreachable(
        f"dynamodb:{operation}",
        ", ".join(sorted(set(codes) - {"None"})),
        f"the table is busy: {_TRIES} attempts in a row failed",
        hint="give the table more capacity, or run fewer workers",
    )

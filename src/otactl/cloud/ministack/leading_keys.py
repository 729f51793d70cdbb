"""The condition key ``dynamodb:LeadingKeys``, so that policies can bind writers to some items.

A policy can allow only items whose partition key has certain values (DynamoDB Developer Guide,
specifying-conditions). MiniStack does not know the key, so nothing keeps one user of a table from
the items of another.

Touched: ``ministack.core.iam_actions.request_tag_context``, which the gateway looks up for each
request, is wrapped; ``_tables`` of ``ministack.services.dynamodb`` says what the partition key is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb

from otactl.cloud.ministack.shape import require, require_parameters

_KEY = "dynamodb:LeadingKeys"
_PREFIX = "dynamodb:"
#: Where an action of a transaction says which item it is for.
_WHOLE, _KEYED = ("Put",), ("Delete", "Update", "Get", "ConditionCheck")


def install() -> None:
    """Put it in place.

    Raises:
        ShapeChanged: MiniStack collects condition keys in another way, or knows this one.
    """
    tag_context = iam_actions.request_tag_context
    require_parameters(tag_context, "service", "iam_action", "body", "params")
    known = tag_context("dynamodb", "dynamodb:PutItem", b'{"TableName":"t"}', {})
    require(_KEY not in known, f"no {_KEY}, found {known}")
    require(hasattr(dynamodb, "_tables"), "the tables of DynamoDB by name")

    def request_tag_context(service: str, iam_action: str, body: bytes, params: Any) -> Any:
        found = tag_context(service, iam_action, body, params)
        if not iam_action.startswith(_PREFIX):
            return found
        keys = list(dict.fromkeys(_leading_keys(_json_object(body))))
        return {**found, _KEY: keys} if keys else found

    iam_actions.request_tag_context = request_tag_context


def _leading_keys(request: dict[str, Any]) -> Iterator[str]:
    """The partition keys of every item a request names."""
    yield from _keys_in(request.get("TableName"), request.get("Item"), request.get("Key"))
    actions = request.get("TransactItems")
    for action in actions if isinstance(actions, list) else []:
        for name in (*_WHOLE, *_KEYED):
            part = action.get(name) if isinstance(action, dict) else None
            if isinstance(part, dict):
                yield from _keys_in(part.get("TableName"), part.get("Item"), part.get("Key"))
    tables = request.get("RequestItems")
    for table, part in tables.items() if isinstance(tables, dict) else ():
        writes = part if isinstance(part, list) else []
        for write in (one for one in writes if isinstance(one, dict)):
            put, delete = write.get("PutRequest") or {}, write.get("DeleteRequest") or {}
            yield from _keys_in(table, put.get("Item"), delete.get("Key"))


def _keys_in(table: Any, *items: Any) -> Iterator[str]:
    record = dynamodb._tables.get(table) if isinstance(table, str) else None  # noqa: SLF001
    schema = (record or {}).get("KeySchema") or []
    name = next((one["AttributeName"] for one in schema if one.get("KeyType") == "HASH"), None)
    for item in items:
        value = item.get(name) if isinstance(item, dict) and name is not None else None
        if isinstance(value, dict):
            yield from (str(text) for text in value.values())


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

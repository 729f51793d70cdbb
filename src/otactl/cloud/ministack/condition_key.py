"""What MiniStack lacks of IAM policies: the ARN of a stream, and two condition keys.

- MiniStack checks ``iot:DescribeStream`` and the others against the resource ``*``, because it has
  no streams; with a policy that names streams by ARN, for least privilege, they would be refused.
- ``cloudwatch:namespace`` limits PutMetricData, which has no resources, to one namespace: the only
  limit that a policy can set (Service Authorization Reference, Amazon CloudWatch).
- ``dynamodb:LeadingKeys`` limits users to items with certain partition keys (DynamoDB Developer
  Guide, specifying-conditions). Without it one user of a table could write the items of another.

Touched: ``extract_resource_arn`` and ``request_tag_context`` of ``ministack.core.iam_actions``,
which the gateway looks up for each request, are wrapped; ``_tables`` of
``ministack.services.dynamodb`` is read for the partition key's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import cbor2
from ministack.core import iam_actions
from ministack.services import dynamodb

from otactl.cloud.ministack.shape import Changes, require
from otactl.cloud.operation import json_object

_STREAM_PATH = re.compile(r"/streams/([^/]+)")
_NAMESPACE, _PUT_METRICS = "cloudwatch:namespace", "cloudwatch:PutMetricData"
_LEADING_KEYS = "dynamodb:LeadingKeys"
#: The members of a transaction's action that can name its item.
_ACTIONS = ("Put", "Delete", "Update", "Get", "ConditionCheck")


def name_streams(changes: Changes) -> None:
    """Check policies against the ARN of a stream."""
    found = iam_actions.extract_resource_arn(
        "iot", "GET", "/streams/s", {}, b"", {}, "eu-west-1", "123456789012"
    )
    require(found == "*", f"no ARN for a stream, found {found}")

    @changes.around(
        *(iam_actions, "extract_resource_arn"),
        *("service", "method", "path", "headers", "body", "query_params", "region"),
    )
    def extract_resource_arn(extract: Any, service: str, method: str, path: str, *rest: Any) -> str:
        stream = _STREAM_PATH.fullmatch(path) if service == "iot" else None
        if stream is None:
            return str(extract(service, method, path, *rest))
        *_, region, account_id = rest
        return f"arn:aws:iot:{region}:{account_id}:stream/{unquote(stream[1])}"


def add_keys(changes: Changes) -> None:
    """Add both condition keys to a request's context."""
    known = iam_actions.request_tag_context
    for key, service, action, body in (
        (_NAMESPACE, "monitoring", _PUT_METRICS, b'{"Namespace":"n"}'),
        (_LEADING_KEYS, "dynamodb", "dynamodb:PutItem", b'{"TableName":"t"}'),
    ):
        found = known(service, action, body, {})
        require(key not in found, f"no {key}, found {found}")
    require(hasattr(dynamodb, "_tables"), "the tables of DynamoDB by name")

    @changes.around(
        *(iam_actions, "request_tag_context"), *("service", "iam_action", "body", "params")
    )
    def request_tag_context(
        tag_context: Any, service: str, iam_action: str, body: bytes, params: Any
    ) -> Any:
        found = tag_context(service, iam_action, body, params)
        if iam_action == _PUT_METRICS:
            return {**found, _NAMESPACE: _namespace(body, params)}
        keys: list[str] = []
        if iam_action.startswith("dynamodb:"):
            keys = list(dict.fromkeys(_leading_keys(json_object(body) or {})))
        return {**found, _LEADING_KEYS: keys} if keys else found


def _namespace(body: bytes, params: Any) -> str:
    """The namespace of a request in any of three encodings; empty if it has none."""
    if "Namespace" in params:
        given = params["Namespace"]
        return str(given[0] if isinstance(given, list) else given)
    try:
        fields = json.loads(body) if body[:1] == b"{" else cbor2.loads(body)
    except (ValueError, cbor2.CBORDecodeError):
        return ""
    return str(fields.get("Namespace", "")) if isinstance(fields, dict) else ""


def _leading_keys(request: dict[str, Any]) -> Iterator[str]:
    """The partition keys of every item a request names."""
    yield from _keys_in(request.get("TableName"), request.get("Item"), request.get("Key"))
    actions = request.get("TransactItems")
    for action in actions if isinstance(actions, list) else []:
        for name in _ACTIONS:
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
    record = dynamodb._tables.get(table) if isinstance(table, str) else None
    schema = (record or {}).get("KeySchema") or []
    name = next((one["AttributeName"] for one in schema if one.get("KeyType") == "HASH"), None)
    for item in items:
        value = item.get(name) if isinstance(item, dict) and name is not None else None
        if isinstance(value, dict):
            yield from (str(text) for text in value.values())

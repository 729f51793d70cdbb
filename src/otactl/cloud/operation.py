"""The operation of a botocore model that an HTTP request calls, and the request's members.

For the ``rest-json`` services of AWS IoT: members are in the path, the query, headers and the body,
by the model.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from otactl.cloud.service_model import service_model

_LABEL = re.compile(r"\{(\w+)(\+?)\}")
_INTEGERS = ("integer", "long")
_SPELLED_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service, with the pattern of its requests.

    Attributes:
        model: botocore's ``OperationModel``.
        path: Matches the path of a request; its groups are the members in it.
        labels: The number of members in the path; of two matches the one with fewer is right.
    """

    model: Any
    path: re.Pattern[str]
    labels: int

    @property
    def name(self) -> str:
        """Its name in the model."""
        return str(self.model.name)


def json_object(body: bytes) -> dict[str, Any] | None:
    """The fields of an untrusted body, {} for an empty one; None if it is not a JSON object."""
    try:
        fields = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


@functools.cache
def input_shape(service: str, operation: str) -> Any:
    """The input shape of an operation, a botocore ``StructureShape``."""
    return service_model(service).operation_model(operation).input_shape


def find_operation(service: str, method: str, path: str) -> Operation | None:
    """The operation that a request calls; None if the service has no such operation.

    Args:
        service: Its name in botocore.
        method: Of HTTP.
        path: Percent-encoded, without the query.
    """
    candidates = _operations(service).get(method, ())
    return next((one for one in candidates if one.path.fullmatch(path)), None)


def members_of(
    operation: Operation,
    path: str,
    parameters: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
) -> dict[str, Any]:
    """The members of a request, by name.

    Args:
        operation: That of ``find_operation``.
        path: Percent-encoded, without the query.
        parameters: Of the query.
        headers: By name in lower case.
        body: As received.

    Raises:
        ValueError: The body is not a JSON object.
    """
    shape = operation.model.input_shape
    if shape is None:
        return {}
    match = operation.path.fullmatch(path)
    labels = {} if match is None else match.groupdict()
    payload = shape.serialization.get("payload")
    is_blob = payload is not None and shape.members[payload].type_name == "blob"
    fields = {} if is_blob else json_object(body)
    if fields is None:
        raise ValueError("not a JSON object")
    members = {}
    for name, member in shape.members.items():
        where = member.serialization.get("location")
        key = member.serialization.get("name", name)
        if where == "uri":
            label = labels.get(key)
            found: Any = None if label is None else _read(member, unquote(label))
        elif where == "querystring":
            found = _read(member, parameters.get(key))
        elif where == "header":
            found = None if member.serialization.get("jsonvalue") else headers.get(key.lower())
        elif name == payload:
            found = (body or None) if is_blob else fields
        else:
            found = None if payload else fields.get(key)
        if found is not None:
            members[name] = found
    return members


def _read(member: Any, text: str | None) -> Any:
    """The value of a text in the path or query; an invalid one stays text for the shape's check."""
    if text is None:
        return None
    if member.type_name in _INTEGERS and re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        return int(text)
    if member.type_name == "boolean":
        return _SPELLED_BOOLEANS.get(text.lower(), text)
    return text


@functools.cache
def _operations(service: str) -> Mapping[str, tuple[Operation, ...]]:
    """The operations of a service by HTTP method, those with the fewest labels first."""
    model = service_model(service)
    found: dict[str, list[Operation]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        uri = operation.http["requestUri"].partition("?")[0]
        path = re.compile(_path_pattern(uri), re.ASCII)
        one = Operation(operation, path, len(_LABEL.findall(uri)))
        found.setdefault(operation.http["method"], []).append(one)
    return {
        method: tuple(sorted(operations, key=lambda one: one.labels))
        for method, operations in found.items()
    }


def _path_pattern(uri: str) -> str:
    parts = []
    end = 0
    for label in _LABEL.finditer(uri):
        parts.append(re.escape(uri[end : label.start()]))
        letters = ".+" if label[2] else "[^/]+"
        parts.append(f"(?P<{label[1]}>{letters})")
        end = label.end()
    return "".join(parts) + re.escape(uri[end:])

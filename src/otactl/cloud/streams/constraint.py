"""Checks a request against the shapes of the botocore ``iot`` model.

The model carries the constraints (required, length, range, pattern), so nothing is written down
twice. Every violation goes into one message, members in the model's order, worded as AWS IoT
words it (aws-facts A2; the clauses as measured by MiniStack's authors on the real service).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from otactl.cloud.streams.fault import FaultKind, StreamFault

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Unicode classes, which Python's ``re`` lacks: the category letters allowed, and further letters.
_UNICODE_PATTERNS = {
    r"[^\p{C}]+": ("LMNPSZ", ""),
    r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$": ("LZN", "_.:/=+-@"),
}

_PYTHON_TYPES = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "list": list,
    "structure": dict,
}


def check_request(shape: Any, members: dict[str, Any]) -> None:
    """Refuse a request that breaks a constraint of its shape.

    Args:
        shape: The input shape, a botocore ``StructureShape``.
        members: The request as parsed, wherever each member travelled.

    Raises:
        StreamFault: INVALID_REQUEST, with every violation in the message.
    """
    clauses = list(_violations(shape, members, ""))
    if clauses:
        noun = "error" if len(clauses) == 1 else "errors"
        raise StreamFault(
            FaultKind.INVALID_REQUEST,
            f"{len(clauses)} validation {noun} detected: " + "; ".join(clauses),
        )


def _violations(shape: Any, found: Any, path: str) -> Iterator[str]:
    expected = _PYTHON_TYPES.get(shape.type_name)
    if expected is not None and (
        not isinstance(found, expected) or (isinstance(found, bool) and expected is int)
    ):
        yield _clause(found, path, f"Member must be of type {shape.type_name}")
    elif shape.type_name == "structure":
        yield from _structure_violations(shape, found, path)
    elif shape.type_name == "list":
        yield from _length_violations(shape, found, path)
        for index, item in enumerate(found, 1):
            yield from _violations(shape.member, item, f"{path}.{index}.member")
    elif shape.type_name == "string":
        yield from _string_violations(shape, found, path)
    elif shape.type_name == "integer":
        yield from _bound_violations(shape, found, found, path, "value")


def _structure_violations(shape: Any, found: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        member_path = f"{path}.{name}" if path else name
        if found.get(name) is not None:
            yield from _violations(member, found[name], member_path)
        elif name in shape.required_members:
            yield _clause(None, member_path, "Member must not be null")


def _string_violations(shape: Any, found: str, path: str) -> Iterator[str]:
    clauses = list(_length_violations(shape, found, path))
    pattern = shape.metadata.get("pattern")
    if not clauses and pattern is not None and not _matches(pattern, found):
        # The service names one violation of a string, its length first.
        clauses = [
            _clause(found, path, f"Member must satisfy regular expression pattern: {pattern}")
        ]
    yield from clauses


def _length_violations(shape: Any, found: Any, path: str) -> Iterator[str]:
    return _bound_violations(shape, len(found), found, path, "length")


def _bound_violations(
    shape: Any, measure: int, found: Any, path: str, quantity: str
) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and measure < low:
        yield _clause(found, path, f"Member must have {quantity} greater than or equal to {low}")
    elif high is not None and measure > high:
        yield _clause(found, path, f"Member must have {quantity} less than or equal to {high}")


def _clause(found: Any, path: str, constraint: str) -> str:
    shown = "null" if found is None else f"'{found}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _matches(pattern: str, text: str) -> bool:
    if pattern in _UNICODE_PATTERNS:
        categories, letters = _UNICODE_PATTERNS[pattern]
        return all(
            unicodedata.category(letter)[0] in categories or letter in letters for letter in text
        )
    return re.fullmatch(pattern, text) is not None

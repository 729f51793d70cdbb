"""Checks a request against the shapes of a botocore service model.

The model has the constraints (required, length, range, pattern, enum), so they are not repeated
here. All violations go into one message, members in the model's order, in AWS IoT's words
(aws-facts A2; the clauses as measured by MiniStack's authors on the real service).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

#: Unicode classes, which Python's ``re`` lacks: the allowed category letters, and other letters.
_UNICODE_PATTERNS = {
    r"[^\p{C}]+": ("LMNPSZ", ""),
    r"[^\p{C}]*": ("LMNPSZ", ""),
    r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$": ("LZN", "_.:/=+-@"),
}

#: The POSIX classes of the model's patterns; in the service's language (Java) they are ASCII only.
_POSIX_CLASSES = {
    r"\p{Graph}": r"\x21-\x7e",
    r"\p{Upper}": "A-Z",
    r"\p{Digit}": "0-9",
    r"\p{Cntrl}": r"\x00-\x1f\x7f",
}

_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "double": (int, float),
    "boolean": bool,
    "list": list,
    "map": dict,
    "structure": dict,
}
_NUMBERS = ("integer", "long", "double")


def violations(shape: Any, members: dict[str, Any]) -> list[str]:
    """The violated constraints of a request's shape, one clause each.

    Args:
        shape: The input shape, a botocore ``StructureShape``.
        members: The parsed request, from path, query, headers and body.
    """
    return list(_violations(shape, members, ""))


def message_of(clauses: list[str]) -> str:
    """One message for all violations, in the service's words."""
    noun = "error" if len(clauses) == 1 else "errors"
    return f"{len(clauses)} validation {noun} detected: " + "; ".join(clauses)


def _violations(shape: Any, found: Any, path: str) -> Iterator[str]:
    if not _is_of_type(shape.type_name, found):
        yield _clause(found, path, f"Member must be of type {shape.type_name}")
    elif shape.type_name == "structure":
        yield from _structure_violations(shape, found, path)
    elif shape.type_name == "list":
        yield from _length_violations(shape, found, path)
        for index, item in enumerate(found, 1):
            yield from _violations(shape.member, item, f"{path}.{index}.member")
    elif shape.type_name == "map":
        yield from _map_violations(shape, found, path)
    elif shape.type_name == "string":
        yield from _string_violations(shape, found, path)
    elif shape.type_name in _NUMBERS:
        yield from _bound_violations(shape, found, found, path, "value")


def _is_of_type(type_name: str, found: Any) -> bool:
    expected = _PYTHON_TYPES.get(type_name)
    if expected is None:
        return True  # blobs and timestamps have several forms
    if not isinstance(found, expected):
        return False
    if isinstance(found, bool):
        return type_name == "boolean"
    return not isinstance(found, float) or math.isfinite(found)


def _structure_violations(shape: Any, found: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        member_path = f"{path}.{name}" if path else name
        if found.get(name) is not None:
            yield from _violations(member, found[name], member_path)
        elif name in shape.required_members:
            yield _clause(None, member_path, "Member must not be null")


def _map_violations(shape: Any, found: dict[str, Any], path: str) -> Iterator[str]:
    yield from _length_violations(shape, found, path)
    for key, item in found.items():
        yield from (
            _clause(found, path, f"Map keys must satisfy constraint: [{constraint}]")
            for constraint in _constraints(_violations(shape.key, key, path))
        )
        if item is None:
            yield _clause(None, f"{path}.{key}.member", "Member must not be null")
        else:
            yield from _violations(shape.value, item, f"{path}.{key}.member")


def _constraints(clauses: Iterable[str]) -> Iterator[str]:
    for clause in clauses:
        yield clause.partition("constraint: ")[2]


def _string_violations(shape: Any, found: str, path: str) -> Iterator[str]:
    clauses = list(_length_violations(shape, found, path))
    pattern = shape.metadata.get("pattern")
    allowed = shape.metadata.get("enum")
    # The service reports one violation of a string, its length first.
    if not clauses and pattern is not None and not _matches(pattern, found):
        clauses = [
            _clause(found, path, f"Member must satisfy regular expression pattern: {pattern}")
        ]
    if not clauses and allowed and found not in allowed:
        clauses = [
            _clause(found, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        ]
    yield from clauses


def _length_violations(shape: Any, found: Any, path: str) -> Iterator[str]:
    return _bound_violations(shape, len(found), found, path, "length")


def _bound_violations(
    shape: Any, measure: float, found: Any, path: str, quantity: str
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
    for name, letters in _POSIX_CLASSES.items():
        pattern = pattern.replace(name, letters)
    return re.fullmatch(pattern, text, re.ASCII) is not None

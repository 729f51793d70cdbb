"""Turns a frozen value into an object of ``--output json``, as the object's type describes.

A field comes from the attribute of its name (``thingName``: ``thing_name``; ``thing`` may also be
``thing_name``, ``running`` ``is_running``), unless the type or the caller says otherwise. An
attribute that the type does not name is left out, and so is a None where the type has no null.
Inherited fields come last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Final, NotRequired, TypeVar, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

T = TypeVar("T")
_CAPITAL = re.compile("([A-Z])")


@dataclass(frozen=True, slots=True)
class Of:
    """Marks a field: the attribute it comes from, or the path to it, ``scenario.seed``."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Digits:
    """Marks a field: rounded to N digits after the point; 0 gives a whole number."""

    count: int


class NullIfEmpty:
    """Marks a field: an empty value becomes null."""


class Moment:
    """Marks a field: epoch milliseconds become ISO 8601 in UTC, to the second; 0 becomes null."""


class Seconds:
    """Marks a field: milliseconds become seconds."""


def moment(at_ms: int) -> str:
    """Epoch milliseconds as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


_MISSING: Final = object()


def shaped(shape: type[T], value: object, /, **given: object) -> T:
    """A value as an object of a type.

    Args:
        shape: The type, a ``TypedDict``.
        value: Has the attributes; those that are not required may be missing.
        given: Fields that do not come from attributes, as they are in the object.

    Raises:
        AttributeError: The value has no attribute for a field.
    """
    made: Any = {}
    declared: Any = shape
    for field in _fields(declared):
        if field.name in given:
            made[field.name] = given[field.name]
            continue
        found = _found(value, field.attributes)
        if found is not _MISSING:
            if found is not None or field.is_required or isinstance(field.kind, UnionType):
                made[field.name] = _marked(_part(field.kind, found), field.marks)
        elif field.is_required:
            raise AttributeError(
                f"{type(value).__name__} has nothing for {field.name} of {shape.__name__}"
            )
    return made  # type: ignore[no-any-return]


def _found(value: object, attributes: tuple[str, ...]) -> object:
    """The first of these attributes that exists, read once, because properties can be slow."""
    for attribute in attributes:
        head, _, rest = attribute.partition(".")
        found = getattr(value, head, _MISSING)
        if found is not _MISSING:
            return attrgetter(rest)(found) if rest else found
    return _MISSING


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    is_required: bool
    kind: Any
    marks: tuple[Any, ...]
    attributes: tuple[str, ...]


@cache
def _fields(shape: type[Any]) -> tuple[_Field, ...]:
    fields = []
    hints = get_type_hints(shape, include_extras=True)
    bases = filter(is_typeddict, getattr(shape, "__orig_bases__", ()))
    inherited = {name for base in bases for name in get_type_hints(base)}
    for name in sorted(hints, key=inherited.__contains__):
        hint = hints[name]
        is_required = get_origin(hint) is not NotRequired
        inner = hint if is_required else get_args(hint)[0]
        kind, *marks = get_args(inner) if get_origin(inner) is Annotated else (inner,)
        plain = _CAPITAL.sub(r"_\1", name).lower()
        named = tuple(mark.attribute for mark in marks if isinstance(mark, Of))
        attributes = named or (plain, f"is_{plain}", f"{plain}_name")
        fields.append(_Field(name, is_required, kind, tuple(marks), attributes))
    return tuple(fields)


def _part(kind: Any, value: Any) -> Any:
    if isinstance(kind, UnionType):
        if value is None:
            return None
        kind = next(each for each in get_args(kind) if each is not NoneType)
    if get_origin(kind) is list:
        return [_part(get_args(kind)[0], each) for each in value]
    if isinstance(value, Mapping):
        inner = get_args(kind)[1] if get_args(kind) else Any
        return {_part(str, name): _part(inner, each) for name, each in value.items()}
    if hasattr(value, "to_fields"):
        return value.to_fields()
    if is_typeddict(kind):
        return shaped(kind, value)
    return value.value if isinstance(value, Enum) else value


def _marked(found: Any, marks: tuple[Any, ...]) -> Any:
    for mark in marks:
        if isinstance(mark, Digits) and found is not None:
            found = round(found, mark.count) if mark.count else round(found)
        elif mark is NullIfEmpty:
            found = found or None
        elif mark is Moment:
            found = moment(found) if found else None
        elif mark is Seconds:
            found = found and found / 1000
    return found

"""Converts frozen dataclasses to members in the service's spelling, and back.

``base_rate_per_minute`` is ``baseRatePerMinute``, an enum its value, a tuple a list. A member is
read by the type of its field, so a new field of a policy is added in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

V = TypeVar("V")

#: Fields whose spelling in AWS IoT (botocore ``iot``) differs.
AWS_NAMES = {"expires_in_seconds": "expiresInSec", "duration_minutes": "durationInMinutes"}
_EMPTY: tuple[Any, ...] = (None, "", (), [], {})


def members_of(value: object, names: Mapping[str, str] | None = None) -> Any:
    """A value with its members in camel case; what is not set is left out.

    Args:
        value: A dataclass, a mapping or sequence of them, or a plain JSON value.
        names: Members with another spelling, by field.
    """
    match value:
        case Enum():
            return value.value
        case list() | tuple():
            return [members_of(each, names) for each in value]
        case Mapping():
            found = {name: members_of(each, names) for name, each in value.items()}
        case _ if is_dataclass(value):
            found = {
                _member(field, names): members_of(getattr(value, field.name), names)
                for field in fields(value)
            }
        case _:
            return value
    return {name: each for name, each in found.items() if each not in _EMPTY}


def value_of(kind: type[V], members: Mapping[str, Any], names: Mapping[str, str] = AWS_NAMES) -> V:
    """Build a dataclass from its members; a missing one gets the field's default.

    Raises:
        KeyError: A member is missing that has no default.
        ValueError: A member is not of its field's type.
    """
    assert is_dataclass(kind)  # noqa: S101  # for the type checker
    types = get_type_hints(kind)
    return kind(
        **{
            field.name: _read(types[field.name], members[name], names)
            for field in fields(kind)
            if members.get(name := _member(field, names)) is not None or field.default is MISSING
        }
    )


def camel(name: str) -> str:
    """A name of words with ``_`` between them in camel case."""
    first, *rest = name.lower().split("_")
    return first + "".join(map(str.capitalize, rest))


def _member(field: Field[Any], names: Mapping[str, str] | None) -> str:
    return (names or {}).get(field.name) or camel(field.name)


def _read(kind: Any, member: Any, names: Mapping[str, str]) -> Any:
    if isinstance(kind, UnionType):
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], each, names) for each in member)
    if isinstance(kind, type) and is_dataclass(kind):
        return value_of(kind, member, names)
    return kind(member)

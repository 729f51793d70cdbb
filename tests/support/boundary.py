"""Requests on both sides of each bound of a service model, made from the model alone.

``boundary_cases`` yields, for an operation, requests that differ from a plain valid one in one
member, which lies just inside or just outside of a bound, or is of another type or enum value.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from otactl.cloud.constraint import violations

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Fits no pattern but those that take anything.
_BELL = "a\u0007"
#: Longer strings than this are not sent: the point is the bound, not the transport.
_LONGEST = 40_000
_NUMBERS = ("integer", "long", "double")
#: Tried in this order for a string of some pattern; the last letter is repeated to make it longer.
_SAMPLES = (
    "a",
    "A",
    "0",
    "ab",
    "arn:aws:iam::123456789012:role/a",
    "2026-01-01T00:00:00Z",
    "1.0.0",
    "a@b",
    "a.b",
    "12345678",
    "0" * 64,
    "$next",
    "{}",
)


@dataclass(frozen=True, slots=True)
class BoundaryCase:
    """One request.

    Attributes:
        operation: As the model names it.
        what: Which member, and how it differs.
        members: The request.
        valid: Whether the model takes it.
    """

    operation: str
    what: str
    members: dict[str, Any]
    valid: bool

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}"


def boundary_cases(model: Any, operation: str) -> Iterator[BoundaryCase]:
    """All cases of an operation; the plain valid request first."""
    shape = model.operation_model(operation).input_shape
    if shape is None:
        return
    plain = plain_value(shape)
    if plain is None or violations(shape, plain):
        return  # a pattern for which no sample fits
    yield BoundaryCase(operation, "plain", plain, valid=True)
    for path, member in _members(shape, ()):
        in_body = not shape.members[path[0]].serialization.get("location")
        for what, value, valid in _variants(member, in_body=in_body):
            members = _with(shape, plain, path, value)
            # An invalid one is one by the way it was made, whatever our own check says of it.
            if members is not None and not (valid and violations(shape, members)):
                yield BoundaryCase(operation, f"{'.'.join(path)} {what}", members, valid)


def plain_value(shape: Any) -> Any:  # noqa: PLR0911  # one line for each type
    """The plainest valid value of a shape; None if no sample fits."""
    match shape.type_name:
        case "structure":
            return {name: plain_value(shape.members[name]) for name in shape.required_members}
        case "list":
            return [plain_value(shape.member)] * max(1, shape.metadata.get("min", 0))
        case "map":
            return {plain_value(shape.key): plain_value(shape.value)}
        case "string":
            return _text(shape, shape.metadata.get("min", 1) or 1)
        case "boolean":
            return True
        case "blob":
            return b"{}"
        case "timestamp":
            return 1_800_000_000
        case _:
            return shape.metadata.get("min", 1)


def _text(shape: Any, length: int) -> str | None:
    if shape.metadata.get("enum"):
        return str(shape.metadata["enum"][0])
    for sample in _SAMPLES:
        text = sample + sample[-1] * (length - len(sample))
        if len(text) >= length and not violations(shape, text):
            return text
    return None


def _members(shape: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every member that a request can name without lists or maps on the way; two levels deep."""
    for name, member in shape.members.items():
        yield (*path, name), member
        if member.type_name == "structure" and len(path) < 2:
            yield from _members(member, (*path, name))


def _variants(member: Any, *, in_body: bool) -> Iterator[tuple[str, Any, bool]]:
    low, high = member.metadata.get("min"), member.metadata.get("max")
    if member.type_name in _NUMBERS:
        step = 0.1 if isinstance(low, float) else 1
        for bound, outside in ((low, -step), (high, step)):
            if bound is not None:
                yield f"= {bound}", bound, True
                yield f"= {bound + outside}", bound + outside, False
        if member.type_name != "double":  # botocore itself writes no text for those
            yield "is text", "x", False
    elif member.type_name == "string":
        yield from _text_variants(member, low, high, in_body=in_body)
    elif member.type_name == "list":
        for bound, outside in ((low or None, -1), (high, 1)):
            if bound is not None and bound <= _LONGEST // 100:
                yield f"has {bound}", [plain_value(member.member)] * bound, True
                yield (
                    f"has {bound + outside}",
                    [plain_value(member.member)] * (bound + outside),
                    False,
                )


def _text_variants(
    member: Any, low: int | None, high: int | None, *, in_body: bool
) -> Iterator[tuple[str, Any, bool]]:
    if member.metadata.get("enum"):
        yield "is no value of the enum", "NO_SUCH_VALUE", False
        return
    if high is not None and high < _LONGEST:
        for length, valid in ((high, True), (high + 1, False)):
            text = _text(member, length) if valid else "a" * length
            if text is not None:
                yield f"has {length} characters", text, valid
    if low and in_body:
        yield f"has {low - 1} characters", "a" * (low - 1), False
    if in_body:
        yield "is a number", 7, False
    if not _takes_anything(member.metadata.get("pattern")):
        yield "breaks the pattern", _BELL, False


def _takes_anything(pattern: str | None) -> bool:
    if pattern is None:
        return True
    # Python has no Unicode classes; those of the models take no control character.
    return "\\p{" not in pattern and re.fullmatch(pattern, _BELL) is not None


def _with(shape: Any, plain: dict[str, Any], path: tuple[str, ...], value: Any) -> Any:
    """The plain request with one member set; structures on the way are filled plainly."""
    members = copy.deepcopy(plain)
    here = members
    for name in path[:-1]:
        shape = shape.members[name]
        if here.get(name) is None:
            here[name] = plain_value(shape)
        here = here[name]
        if here is None:
            return None
    here[path[-1]] = value
    return members

"""Queries of the local fleet index: terms, AND, NOT, ranges, comparisons, wildcards.

From the tables of AWS's guide (query-syntax, example-queries). Terms are joined by AND, written or
not; values are compared without case, numbers by value. Unsupported parts of the guide's syntax are
refused: OR, groups, and words without a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: Terms of a query (AWS guide, query-syntax).
MAX_TERMS = 12
_FIELD = r"(?:[\w$-]|\\.)+(?:\.(?:[\w$-]|\\.)+)*"
_TERM = re.compile(
    rf"(?P<field>{_FIELD})\s*(?P<operator>:|<=|>=|<|>)\s*"
    r'(?P<value>"(?:[^"\\]|\\.)*"|[\[{][^\]}]*[\]}]|(?:[^\s"()\\]|\\.)+)|(?P<word>\S+)',
    re.ASCII,
)
_RANGE = re.compile(r'(?P<low>"[^"]*"|\S+)\s+TO\s+(?P<high>"[^"]*"|\S+)')
#: Not allowed in a value (AWS guide, query-syntax), unless it is quoted.
_UNSUPPORTED = re.compile(r"[`@#%/';,]")
_ESCAPE = re.compile(r"\\(.)")
#: The only subfields of a field.
_LEAVES = {"connectivity": ("connected", "timestamp", "disconnectReason")}
_SHADOW_PARTS = ("desired", "reported", "metadata", "delta", "hasDelta")
_TOP = ("thingName", "thingId", "thingTypeName", "thingGroupNames", "attributes")
_NAMED_DEPTH = 3


class InvalidQuery(Exception):
    """Raised for a query that the index cannot answer."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a query.

    Attributes:
        path: Of the field in a thing's document.
        holds: Whether a value of the field, never None, matches.
    """

    path: tuple[str, ...]
    holds: Callable[[Any], bool]
    negated: bool = False

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether a thing matches this term; a missing field matches only a negated term."""
        found: Any = document
        for key in self.path:
            found = found.get(key) if isinstance(found, Mapping) else None
        values = found if isinstance(found, list) else [found]
        return any(one is not None and self.holds(one) for one in values) is not self.negated


def parse(text: str) -> list[Term]:
    """The terms of a query.

    Raises:
        InvalidQuery: It is malformed, or not supported here.
    """
    terms: list[Term] = []
    negated, expects = False, True
    for found in _TERM.finditer(text.strip()):
        word = found["word"]
        if word is None:
            terms.append(_term(found["field"], found["operator"], found["value"], negated=negated))
            negated, expects = False, False
        elif word == "AND" and not expects:
            expects = True
        elif word in ("NOT", "-") and not negated:
            negated, expects = True, True
        else:
            raise InvalidQuery(f"Unexpected {word!r}; the local cloud has FIELD:VALUE, AND, NOT")
    if expects:
        raise InvalidQuery("The query ends where a term should follow")
    if len(terms) > MAX_TERMS:
        raise InvalidQuery(f"The query has {len(terms)} terms; at most {MAX_TERMS} are allowed")
    return terms


def _term(field: str, operator: str, value: str, *, negated: bool) -> Term:
    negated = negated or field.startswith("-")
    path = tuple(_plain(key) for key in re.split(r"(?<!\\)\.", field.removeprefix("-")))
    if not _is_known(path):
        raise InvalidQuery(f"Unknown field {field!r}")
    if operator != ":":
        return Term(path, _comparison(operator, _unquoted(value)), negated)
    if value[0] in "[{":
        return Term(path, _range(value), negated)
    return Term(path, _equal(value), negated)


def _is_known(path: tuple[str, ...]) -> bool:
    head, rest = path[0], path[1:]
    if head in _LEAVES:
        return len(rest) == 1 and rest[0] in _LEAVES[head]
    if head == "shadow" and rest[:1] == ("name",):
        return len(rest) >= _NAMED_DEPTH and rest[2] in _SHADOW_PARTS
    if head == "shadow":
        return bool(rest) and rest[0] in _SHADOW_PARTS
    return head in _TOP and (head == "attributes") == bool(rest)


def _equal(value: str) -> Callable[[Any], bool]:
    is_quoted = value.startswith('"')
    if not is_quoted and _UNSUPPORTED.search(value):
        raise InvalidQuery(f"Special characters in {value!r}")
    text = _unquoted(value)
    if is_quoted or not set(text) & set("*?"):
        return lambda found: _text(found) == text.lower() or _same_number(found, text)
    pattern = "".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in text.lower())
    wildcard = re.compile(pattern, re.DOTALL)
    return lambda found: wildcard.fullmatch(_text(found)) is not None


def _range(value: str) -> Callable[[Any], bool]:
    bounds = _RANGE.fullmatch(value[1:-1].strip())
    if bounds is None:
        raise InvalidQuery(f"Not a range: {value!r}")
    tests = []
    for side, operator in (("low", ">" if value[0] == "{" else ">="), ("high", "<")):
        bound = _unquoted(bounds[side])
        if bound != "*":
            closed = side == "high" and value[-1] == "]"
            tests.append(_comparison(operator + "=" * closed, bound))
    return lambda found: all(holds(found) for holds in tests)


def _comparison(operator: str, bound: str) -> Callable[[Any], bool]:
    def compare(found: Any) -> bool:
        left, right = _number(found), _number(bound)
        if left is None or right is None:
            # Two texts, or a text and a number, are compared as texts.
            order = (_text(found) > bound.lower()) - (_text(found) < bound.lower())
        else:
            order = (left > right) - (left < right)
        return order in {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[operator]

    return compare


def _text(found: Any) -> str:
    return str(found).lower()


def _number(found: Any) -> float | None:
    try:
        return None if isinstance(found, bool) else float(found)
    except (TypeError, ValueError):
        return None


def _same_number(found: Any, text: str) -> bool:
    """Whether a number equals the number in a text; False for a value that is a text."""
    return (
        not isinstance(found, str)
        and _number(found) is not None
        and _number(found) == _number(text)
    )


def _plain(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def _unquoted(value: str) -> str:
    return _plain(value[1:-1] if value.startswith('"') else value)

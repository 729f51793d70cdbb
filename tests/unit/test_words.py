"""The names we define are the field's own words (the service's documentation, the best libraries).

A private vocabulary must be learned before anything can be found: poll is not "look", retry is not
"patience". The words below were such a vocabulary; what stands here as an exception has a reason.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "otactl"
OURS_NO_LONGER = frozenset(
    re.findall(
        r"\w+",
        """
        room furnish stage casting place glance inbox turn hands insist patience bear forewarning
        groundwork surroundings overheard leaving farewell errand fold standing tally ledger stretch
        course habits evil wish binding quiet look looks looked tell told happened unhappened
        trouble crew carrier
        """,
    )
)
#: Names that are somebody else's.
EXCEPTIONS = {
    "quiet": "an attribute of rich's Console",
}


def names_of(source: str) -> set[str]:
    """Every name that a module defines: functions, classes, arguments, variables, attributes."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.arg():
                names.add(node.arg)
            case ast.Name(ctx=ast.Store()):
                names.add(node.id)
            case ast.Attribute(ctx=ast.Store()):
                names.add(node.attr)
            case _:
                pass
    return names


def words_of(name: str) -> set[str]:
    """``leave_UpdateQueue2`` is leave, update and queue."""
    return {
        part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name.replace("_", " "))
    }


def test_no_name_is_of_the_vocabulary_that_was() -> None:
    found = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in sorted(SOURCE.rglob("*.py"))
        for name in {*names_of(path.read_text("utf-8")), path.stem}
        if words_of(name) & OURS_NO_LONGER and name not in EXCEPTIONS
    }

    assert found == set()


def test_no_sentence_says_whoever_or_tells() -> None:
    """Readers did not all learn English at home: "if X" and "reported" are what AWS writes."""
    found = {
        f"{path.relative_to(SOURCE)}:{number}: {line.strip()}"
        for path in sorted(SOURCE.rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(r"\b(whoever|told)\b", line, re.IGNORECASE)
    }

    assert found == set()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def look_aside(): pass", {"look", "aside"}),
        ("class WatchRoom: pass", {"watch", "room"}),
        ("def read(*, MAX_PATIENCE=1): pass", {"read", "max", "patience"}),
        ("self._toldAt = 1", {"told", "at"}),
    ],
)
def test_a_name_is_split_at_underscores_and_capitals(source: str, words: set[str]) -> None:
    assert set().union(*map(words_of, names_of(source))) == words

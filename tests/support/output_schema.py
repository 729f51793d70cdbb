"""Holds what commands write with ``--output json`` against the schemas in docs/schemas.

The schemas allow fields that later versions add; here an unknown field is one not described.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
#: Commands whose result was held against its schema in this process.
checked: set[str] = set()
_JSON_ASKED = re.compile(r"(^| )(--output[ =]|--format |-o )json( |$)")


def check_output(arguments: Sequence[str], stdout: str) -> None:
    """Check what a command wrote, one object a line or one in all.

    Raises:
        AssertionError: It is not what the schema says.
    """
    command = command_of(arguments)
    if command is None or not stdout.strip() or _JSON_ASKED.search(" ".join(arguments)) is None:
        return
    for written in _objects(stdout):
        is_error = set(written) == {"schemaVersion", "error"}
        problems = [
            f"{'.'.join(map(str, error.absolute_path))}: {error.message[:400]}"
            for error in _leaves(_validator("error" if is_error else command).iter_errors(written))
        ]
        assert problems == [], f"otactl {' '.join(arguments)}: {problems}"
        if not is_error:
            checked.add(command)


def commands_with_schema() -> set[str]:
    """The schemas' names of all commands."""
    return {path.stem for path in FOLDER.glob("*.json")} - {"error"}


def command_of(arguments: Sequence[str]) -> str | None:
    """The schema's name of a command with ``--output json``; None for others."""
    words = list(arguments[:2])
    named = ("-".join(words), *words[:1])
    return next((name for name in named if (FOLDER / f"{name}.json").exists()), None)


def _objects(stdout: str) -> list[Any]:
    try:
        return [json.loads(stdout)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in stdout.splitlines()]


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    for reference in schema["anyOf"]:
        declared = schema["$defs"][reference["$ref"].rpartition("/")[2]]
        declared["properties"]["schemaVersion"] = {}
    for declared in schema["$defs"].values():
        declared["additionalProperties"] = False
    return Draft202012Validator(schema)


def _leaves(errors: Any) -> list[Any]:
    """The mistakes themselves, of those alternatives that come closest."""
    found = []
    for error in errors:
        below = list(error.context or [])
        fewest = min(
            ([one for one in below if one.schema_path[0] == each.schema_path[0]] for each in below),
            key=len,
            default=[],
        )
        found += _leaves(fewest) if fewest else [error]
    return found

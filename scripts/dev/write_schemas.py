"""Writes the JSON Schemas of ``--output json`` into docs/schemas.

    make schemas

They are made from the types in ``otactl.model.json_output``; a test compares both.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from scripts.dev.json_outputs import ERROR, OUTPUTS
from typing_extensions import is_typeddict

from otactl.model.json_output import (
    SCHEMA_VERSION,
    account,
    deployment,
    forecast,
    gate,
    progress,
    queue,
)

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema, by the name of its file."""
    for module in (account, deployment, forecast, gate, progress, queue):
        _read_descriptions(module)
    for command, output in OUTPUTS.items():
        yield command.replace(" ", "-"), _schema(f"otactl {command} --output json", output)
    yield "error", _schema("a command with --output json that failed without a result", ERROR)


def text_of(schema: dict[str, Any]) -> str:
    """A schema as its file has it: each definition on a line."""
    lines = {name: json.dumps(part) for name, part in schema.items() if name != "$defs"}
    defined = [f"{json.dumps(name)}: {json.dumps(part)}" for name, part in schema["$defs"].items()]
    lines["$defs"] = "{\n    " + ",\n    ".join(defined) + "\n  }"
    text = ",\n".join(f"  {json.dumps(name)}: {line}" for name, line in lines.items())
    return "{\n" + text + "\n}\n"


def _schema(title: str, output: Any) -> dict[str, Any]:
    # Behind a list, every type stands in the definitions.
    made = TypeAdapter(list[output]).json_schema(mode="serialization")
    either = made["items"].get("anyOf", [made["items"]])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": {"schemaVersion": {"const": SCHEMA_VERSION}},
        "required": ["schemaVersion"],
        "anyOf": either,
        "$defs": _untitled(made["$defs"]),
    }


def _untitled(part: Any) -> Any:
    """Without the titles that only repeat a field's name."""
    if isinstance(part, dict):
        return {
            name: _untitled(below)
            for name, below in part.items()
            if not (name == "title" and isinstance(below, str))
        }
    return [_untitled(below) for below in part] if isinstance(part, list) else part


def _read_descriptions(module: ModuleType) -> None:
    for _, declared in inspect.getmembers(module, is_typeddict):
        declared.__pydantic_config__ = ConfigDict(use_attribute_docstrings=True)


def main() -> None:
    """Write the files, and remove those of commands that are gone."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for name, made in schemas():
        (FOLDER / f"{name}.json").write_text(text_of(made), encoding="utf-8")


if __name__ == "__main__":
    main()

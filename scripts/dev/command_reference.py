"""Writes docs/reference/commands.md from the commands themselves.

    python -m scripts.dev.command_reference

A test compares the page with what this makes, so that neither can drift.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from otactl.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
_HEAD = """# Every command

Written by `python -m scripts.dev.command_reference`; do not edit. `-h` behind any command shows the
same in the terminal.
"""


def render() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    parts = [_HEAD]
    for path, command in _walk(root, ["otactl"]):
        parts.append(_section(path, command))
    return "\n".join(parts)


def _walk(command: Any, path: list[str]) -> Iterator[tuple[list[str], Any]]:
    children = getattr(command, "commands", {})
    for name in sorted(children):
        child = children[name]
        if getattr(child, "commands", None):
            yield from _walk(child, [*path, name])
        else:
            yield [*path, name], child


def _section(path: list[str], command: Any) -> str:
    arguments = [parameter for parameter in command.params if _is_argument(parameter)]
    options = [parameter for parameter in command.params if not _is_argument(parameter)]
    usage = " ".join([*path, *(_metavar(argument) for argument in arguments)])
    lines = [
        f"\n## {' '.join(path)}\n",
        f"```\n{usage} [OPTIONS]\n```\n",
        _plain(command.help or ""),
    ]
    if options:
        lines += ["", "| option | meaning |", "|---|---|"]
        lines += [f"| {_names(option)} | {_meaning(option)} |" for option in options]
    return "\n".join(lines) + "\n"


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _metavar(argument: Any) -> str:
    return argument.metavar or argument.name.upper()


def _names(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    takes = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
    return f"`{names}{takes}`".replace("|", "\\|")


def _meaning(option: Any) -> str:
    meaning = _plain(option.help or "")
    default = option.default
    if default not in (None, False, "", ()) and not callable(default) and not option.is_flag:
        meaning += f" Default: {default}."
    if option.envvar:
        meaning += f" Environment: `{option.envvar}`."
    return meaning.replace("|", "\\|").replace("\n", " ")


def _plain(markup: str) -> str:
    """Text without rich's markup and with paragraphs on one line each."""
    text = re.sub(r"\[/?(?:bold|dim|italic|red|green|yellow|cyan)?\]", "", markup)
    paragraphs = re.split(r"\n\s*\n", text.replace("\b", "").strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()

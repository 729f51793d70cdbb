"""Help texts that read well at any width, with examples.

A docstring is wrapped for people who read the code; in help its paragraphs flow. A flag takes no
value, so none is named behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from otactl.views.command_examples import EXAMPLES


def commands_of(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command below a group, by what is typed behind ``otactl``."""
    for each, below in getattr(command, "commands", {}).items():
        full = f"{name} {each}".strip()
        if hasattr(below, "commands"):
            yield from commands_of(below, full)
        yield full, below


def prepare_help(command: Any, name: str = "") -> None:
    """Let the help of a command, and of all below it, flow, with its examples."""
    for each_name, each in ((name, command), *commands_of(command, name)):
        each.help = _flowing(each.help or "")
        if each_name in EXAMPLES:
            lines = [line if "otactl" in line else f"otactl {line}" for line in EXAMPLES[each_name]]
            each.epilog = "\n\n".join(["Examples:", *lines]).replace("[", "\\[")
        each.format_help = partial(_format_help, each, each.format_help)


def _format_help(command: Any, inner: Callable[..., None], context: Any, formatter: Any) -> None:
    """Write the help of a command whose flags name no value, that for help included."""
    for parameter in command.get_params(context):
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    inner(context, formatter)


def _flowing(text: str) -> str:
    paragraphs = text.replace("\r", "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)

"""Help texts with examples, for any width.

A docstring is wrapped for the code; in help its paragraphs are unwrapped. A flag takes no value, so
help shows none after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from otactl.views.command_examples import EXAMPLES


def commands_of(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command below a group, by the words that follow ``otactl``."""
    for each, below in getattr(command, "commands", {}).items():
        full = f"{name} {each}".strip()
        if hasattr(below, "commands"):
            yield from commands_of(below, full)
        yield full, below


def prepare_help(command: Any, name: str = "") -> None:
    """Unwrap the help of a command and of all below it, and add their examples."""
    for each_name, each in ((name, command), *commands_of(command, name)):
        each.help = _unwrapped(each.help or "")
        if each_name in EXAMPLES:
            lines = [line if "otactl" in line else f"otactl {line}" for line in EXAMPLES[each_name]]
            each.epilog = "\n\n".join(["Examples:", *lines]).replace("[", "\\[")
        each.format_help = partial(_format_help, each, each.format_help)


def _format_help(command: Any, inner: Callable[..., None], context: Any, formatter: Any) -> None:
    """Write the help of a command; flags, including ``--help``, show no value."""
    for parameter in command.get_params(context):
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    inner(context, formatter)


def _unwrapped(text: str) -> str:
    paragraphs = text.replace("\r", "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)

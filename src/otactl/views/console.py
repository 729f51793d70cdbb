"""A console for what strangers wrote.

Much of what is shown was written by strangers: devices, other users of the account, files. No
control character of theirs reaches the terminal; the console sees to it in all commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

# Control characters but tab and newline, and those that are not seen or reverse the direction of
# writing: with either a text can command the terminal, or show something else than it says.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)

_TRAILING_BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)


class Console(rich.console.Console):
    """A console for strangers' texts; what a reader's leaving means is left to the command."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render, with what would command the terminal made visible and harmless."""
        for segment in super().render(renderable, options):
            # Rich's own commands are segments of their own kind.
            if segment.control or _UNSAFE.search(segment.text) is None:
                yield segment
            else:
                yield Segment(_UNSAFE.sub("\N{REPLACEMENT CHARACTER}", segment.text), segment.style)

    def print(self, *objects: Any, **how: Any) -> None:
        """Print; into a pipe or a file without the blanks that fill a table's lines."""
        if self.is_terminal:
            super().print(*objects, **how)
            return
        with self.capture() as captured:
            super().print(*objects, **how)
        self.file.write(_TRAILING_BLANKS.sub("", captured.get()))
        self.file.flush()

    def on_broken_pipe(self) -> None:
        """Raise; rich itself would end the program with exit code 1."""
        self.quiet = True
        raise BrokenPipeError

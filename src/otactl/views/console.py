"""A console that is safe for untrusted text.

Much of what is shown is untrusted: it comes from devices, other users of the account, files. The
console lets none of its control characters reach the terminal, in any command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

# Control characters except tab and newline, and characters that are invisible or reverse the
# writing direction: such a text can control the terminal, or look different from what it is.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)

_TRAILING_BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)


class Console(rich.console.Console):
    """A console for untrusted text; a command decides what a closed pipe means."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render; characters that would control the terminal become visible and harmless."""
        for segment in super().render(renderable, options):
            # Rich's own commands are segments of their own kind.
            if segment.control or _UNSAFE.search(segment.text) is None:
                yield segment
            else:
                yield Segment(_UNSAFE.sub("\N{REPLACEMENT CHARACTER}", segment.text), segment.style)

    def print(self, *objects: Any, **how: Any) -> None:
        """Print; into a pipe or a file without the blanks at the ends of a table's lines."""
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

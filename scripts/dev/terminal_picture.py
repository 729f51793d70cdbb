r"""Draws what a command shows on a terminal, as an SVG.

    python -m scripts.dev.terminal_picture docs/images/rehearsal.svg 100x34 \\
        otactl rehearse examples/dev.ini

The command runs on a pseudo-terminal of that size; what stands on its screen when it ends is
drawn. So the pictures in the documentation are what a reader will see, not what we wish.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

_SIZE = re.compile(r"(\d+)x(\d+)")
_WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_DEADLINE_SECONDS = 600
# Codes of ECMA-48, 8.3.117: dim, its stand-in, and what is followed by the number of a colour.
_DIM, _GREY = 2, 90
_COLOUR_BY_NUMBER = frozenset({38, 48})


class DimmingScreen(pyte.Screen):
    """A screen that shows what is dim in grey: pyte itself has no such thing."""

    def select_graphic_rendition(self, *attributes: int) -> None:
        """Set colours and styles, as the terminal is told to."""
        has_colour_numbers = not _COLOUR_BY_NUMBER.isdisjoint(attributes)
        grey = [_GREY if each == _DIM else each for each in attributes]
        super().select_graphic_rendition(*(attributes if has_colour_numbers else grey))


def screen_after(command: list[str], columns: int, rows: int) -> pyte.Screen:
    """Run a command on a pseudo-terminal and return what its screen shows at the end."""
    screen = DimmingScreen(columns, rows)
    stream = pyte.Stream(screen)
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    child = pexpect.spawn(
        command[0],
        command[1:],
        dimensions=(rows, columns),
        env=environment,
        encoding="utf-8",
        timeout=_DEADLINE_SECONDS,
    )
    while True:
        try:
            stream.feed(child.read_nonblocking(65536, timeout=_DEADLINE_SECONDS))
        except pexpect.EOF:
            return screen


def draw(screen: pyte.Screen, title: str, path: Path) -> None:
    """Draw a screen as an SVG."""
    console = Console(record=True, width=screen.columns, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    lines = [_line(screen, row) for row in range(screen.lines)]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The picture brings nothing from outside: no web font, only the reader's own.
    drawing = _WEB_FONT.sub("", console.export_svg(title=title))
    path.write_text(drawing, encoding="utf-8")


def _line(screen: pyte.Screen, row: int) -> Text:
    text = Text()
    for column in range(screen.columns):
        cell = screen.buffer[row][column]
        style = Style(
            color=_color(cell.fg), bold=cell.bold, italic=cell.italics, reverse=cell.reverse
        )
        text.append(cell.data, style)
    text.rstrip()
    return text


def _color(name: str) -> str | None:
    if name == "default":
        return None
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    # pyte calls ANSI's yellow by its old name.
    return {"brown": "yellow"}.get(name, name.replace("bright", "bright_"))


def main() -> None:
    """Draw one picture; see the module."""
    path, size, *command = sys.argv[1:]
    match = _SIZE.fullmatch(size)
    if match is None or not command:
        sys.exit(__doc__)
    columns, rows = int(match[1]), int(match[2])
    draw(screen_after(command, columns, rows), " ".join(command), Path(path))


if __name__ == "__main__":
    main()

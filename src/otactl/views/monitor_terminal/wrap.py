"""Folds lines that are longer than the terminal is wide.

What stands in two columns goes on below the second one; everything else from the left edge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len
from rich.text import Text

#: A label, then at least two blanks; no label is wider.
_LABEL = re.compile(r" *\S+(?: \S+)*? {2,}")
_WIDEST_LABEL = 20
#: A line is broken behind one of these when that leaves at most N columns empty.
_PAUSES = (",", ";", ":")
_RAGGED = 24


def wrap(lines: Iterable[Text], width: int) -> list[Text]:
    """Lines that are no longer than the terminal is wide, and say the same."""
    return [part for line in lines for part in _parts(line, width)]


def _parts(line: Text, width: int) -> list[Text]:
    if line.cell_len <= width:
        return [line]
    label = _LABEL.match(line.plain)
    indent = label.end() if label and label.end() <= min(_WIDEST_LABEL, width // 2) else 0
    first, rest = line.divide([_break(line.plain, width, least=indent)])
    parts = [first]
    while rest.plain.strip():
        here, rest = rest.divide([_break(rest.plain, width - indent)])
        parts.append(Text(" " * indent).append_text(here))
    for part in parts:
        part.rstrip()
    return parts


def _break(text: str, width: int, least: int = 0) -> int:
    """Where a text is broken: behind a comma, else behind a blank, else within a word.

    Args:
        text: What is broken.
        width: How many columns there are.
        least: Blanks before this place do not count.
    """
    taken = blank = pause = 0
    for location, sign in enumerate(text):
        taken += cell_len(sign)
        if taken > width:
            if pause > max(0, width - _RAGGED):
                return pause
            return location if sign == " " and location > least else blank or max(1, location)
        if sign == " " and location >= least:
            blank = location + 1
            pause = blank if text[location - 1 : location] in _PAUSES else pause
    return len(text)

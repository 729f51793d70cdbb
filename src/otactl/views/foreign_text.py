"""Text that others wrote, made safe for the place where it is shown.

Devices, other users of the account, file names and AWS's own messages end up in what people read.
Shown as it is, such text can forge a line of ours with a line break, turn the order of letters
round (U+202E), command the terminal, become markup or an emoji of rich, an element of a page, or
the formula of a spreadsheet. Every view takes it through one of these functions; the linter bans
``rich.markup.escape`` elsewhere. JSON keeps what was written, as escapes.
"""

from __future__ import annotations

import html
import json
from typing import Any

import rich.markup
from rich.text import Text

_SHOWN_INSTEAD = "\N{REPLACEMENT CHARACTER}"
#: What a spreadsheet takes for a formula when a cell begins with it, wide forms included.
_FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - meant


def clean(text: str) -> str:
    """The text on one line; what does not print is shown as U+FFFD."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _SHOWN_INSTEAD for sign in text)


def clean_lines(text: str, indent: str = "  ") -> str:
    """Likewise, but of several lines, of which all but the first are indented.

    So none of them can be taken for one of ours.
    """
    return f"\n{indent}".join(clean(line) for line in text.split("\n"))


def escape(text: str) -> str:
    """The text on one line, within rich markup."""
    return rich.markup.escape(clean(text))


def markup(words: str) -> Text:
    """Rich markup without emoji, for parts of rich that do not ask the console about them."""
    return Text.from_markup(words, emoji=False)


def html_text(text: str) -> str:
    """The text on one line, within HTML or an attribute in quotes."""
    return html.escape(clean(text))


def html_lines(text: str) -> str:
    """The text with its line breaks, within ``<pre>``."""
    return html.escape(clean_lines(text, indent=""))


def csv_cell(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    shown = clean(text)
    return f"'{shown}" if shown.startswith(_FORMULA_SIGNS) else shown


def to_json(fields: Any, indent: int | None = None) -> str:
    """JSON that says what was written, and whose every character prints."""
    written = json.dumps(fields, indent=indent, ensure_ascii=False)
    if written.isprintable():
        return written
    return "".join(
        sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in written
    )

"""Makes untrusted text safe for the place where it is shown.

Texts of devices, other users of the account, file names and AWS's own messages are shown to people.
Unchanged, such text can forge a line of ours with a line break, reverse the order of letters
(U+202E), control the terminal, become markup or an emoji of rich, an element of a page, or
the formula of a spreadsheet. Every view passes it through one of these functions; the linter bans
``rich.markup.escape`` elsewhere. JSON keeps the text, as escapes.
"""

from __future__ import annotations

import html
import json
from typing import Any

import rich.markup
from rich.text import Text

_SHOWN_INSTEAD = "\N{REPLACEMENT CHARACTER}"
#: Characters that begin a formula in a spreadsheet, wide forms included.
_FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - meant


def clean(text: str) -> str:
    """The text on one line; characters that do not print become U+FFFD."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _SHOWN_INSTEAD for sign in text)


def clean_lines(text: str, indent: str = "  ") -> str:
    """The same for several lines; all but the first are indented.

    So none of them can pass for a line of ours.
    """
    return f"\n{indent}".join(clean(line) for line in text.split("\n"))


def escape(text: str) -> str:
    """The text on one line, within rich markup."""
    return rich.markup.escape(clean(text))


def markup(words: str) -> Text:
    """Rich markup without emoji, for parts of rich that ignore the console's emoji setting."""
    return Text.from_markup(words, emoji=False)


def html_text(text: str) -> str:
    """The text on one line, within HTML or an attribute in quotes."""
    return html.escape(clean(text))


def html_lines(text: str) -> str:
    """The text with its line breaks, within ``<pre>``."""
    return html.escape(clean_lines(text, indent=""))


def csv_cell(text: str) -> str:
    """The text as a cell that no spreadsheet reads as a formula."""
    shown = clean(text)
    return f"'{shown}" if shown.startswith(_FORMULA_SIGNS) else shown


def to_json(fields: Any, indent: int | None = None) -> str:
    """JSON that keeps the text; characters that do not print are escaped."""
    written = json.dumps(fields, indent=indent, ensure_ascii=False)
    if written.isprintable():
        return written
    return "".join(
        sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in written
    )

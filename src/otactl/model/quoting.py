"""Shows a user's own text and names back to them: short, on one line, harmless to a terminal.

What a configuration file holds is not trusted: escape sequences in it must not reach the screen,
and a megabyte in one value must not fill it.
"""

from __future__ import annotations

from collections.abc import Iterable

_MAX_SHOWN = 72


def quoted(text: str) -> str:
    """The text in quotes, what does not print escaped, cut when it is long."""
    return repr(_shortened(text))


def printable(text: str) -> str:
    """The text as it is, what does not print escaped, cut when it is long."""
    text = _shortened(text)
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


def well_formed(text: str) -> str:
    """The text with ``?`` for halves of surrogate pairs.

    JSON can have them as escapes; files, the journal and a terminal cannot: they are UTF-8.
    """
    return text.encode(errors="replace").decode()


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def first_names(names: Iterable[str], most: int, *, total: int | None = None) -> str:
    """The first of many names in a sentence: ``a, b and 1,200 more``.

    Args:
        names: In their order.
        most: How many are named.
        total: How many there are, if these are only some of them.
    """
    listed = list(names)
    more = (len(listed) if total is None else total) - min(most, len(listed))
    return ", ".join(listed[:most]) + (f" and {more:,} more" if more > 0 else "")

"""Shows a user's own text back to them: short, on one line, and harmless to a terminal.

What a configuration file holds is not trusted: escape sequences in it must not reach the screen,
and a megabyte in one value must not fill it.
"""

from __future__ import annotations

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


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"

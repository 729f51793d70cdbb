"""SVG, element by element; everything that comes from outside is escaped here."""

from __future__ import annotations

from otactl.views.foreign_text import html_text


def element(name: str, *children: str, **attributes: str | float) -> str:
    """An element. ``class_`` and the like lose their underscore, others become hyphens.

    Args:
        name: Of the element.
        children: Markup that is inside; text goes through ``text``.
        attributes: Numbers are written short.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    if not children:
        return f"<{name}{written}/>"
    return f"<{name}{written}>{''.join(children)}</{name}>"


def text(words: str) -> str:
    """Text as markup."""
    return html_text(words)


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return html_text(value)
    return f"{value:.2f}".rstrip("0").rstrip(".")

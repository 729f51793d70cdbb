"""Why a single value is refused: the same for a file, for a flag and for the wizard."""

from __future__ import annotations

import re
from typing import Any

from otactl.model.configuration.kind import Kind
from otactl.model.configuration.report import Finding
from otactl.model.quoting import quoted

_PLACEHOLDER = re.compile(r"<[^<>\s][^<>]{0,60}>")
COMMENT_BEHIND = re.compile(r"\s[#;]")
# Straight ones, and the two that word processors make of them.
_QUOTES = ("'", '"', "\u201c", "\u2018")


def refusal(kind: Kind, text: str) -> Finding | None:
    """Why a value is refused before its kind reads it, or by its kind; None when it is fine."""
    finding = refusal_of_any(kind, text)
    if finding is not None:
        return finding
    try:
        kind.read(text)
    except ValueError as error:
        return finding_of(getattr(error, "type", "value"), getattr(error, "context", None), text)
    return None


def is_unset(text: str) -> bool:
    """Whether a value means none: empty, or the word None as the manual writes it."""
    return text in ("", "None", "none")


def refusal_of_any(kind: Kind, text: str) -> Finding | None:
    """Why a text is refused as the value of any key; None if it is not."""
    if "-----BEGIN" in text:
        # The message repeats nothing of it.
        return Finding(
            "secret",
            "a key or certificate does not belong in this file",
            hint="put it into a file of its own and write that file's path",
        )
    placeholder = _PLACEHOLDER.search(text)
    if placeholder is not None:
        return Finding(
            "placeholder",
            f"{quoted(placeholder.group())} is still to be filled in",
            hint=f"it must be {kind.allowed}",
        )
    if "\n" in text and not kind.multi_line:
        second = next(line for line in text.split("\n")[1:] if line)
        return Finding(
            "continued",
            f"the indented line {quoted(second)} continues the value",
            hint="move it to the left margin",
        )
    if text.startswith(_QUOTES) and len(text) > 1:
        return Finding(
            "quotes",
            f"{quoted(text)} is in quotes",
            hint="leave them out: everything after the = is the value",
        )
    return None


def finding_of(code: str, context: Any, text: str) -> Finding:
    """The finding of a kind's refusal."""
    words = context if isinstance(context, dict) else {}
    hint = words.get("hint")
    if hint is None and COMMENT_BEHIND.search(text):
        hint = "put a comment on a line of its own"
    return Finding(code, str(words.get("message", f"{quoted(text)} cannot be read")), hint=hint)

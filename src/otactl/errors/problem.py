"""A problem in a configuration: what is wrong, where, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a problem is. Only an ERROR stops a command."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem at one place of one file.

    Attributes:
        message: What was found and what is allowed, in one sentence.
        file: The file's path as the user gave it.
        line: Counted from 1; None when the key is missing altogether.
        section: The section's name without brackets.
        key: The key as the manual spells it.
        severity: ERROR stops the command.
        code: A short stable name for scripts, such as ``range`` or ``unknown-key``.
        hint: What to do about it, when we know.
    """

    message: str
    file: str = ""
    line: int | None = None
    section: str = ""
    key: str = ""
    severity: Severity = Severity.ERROR
    code: str = ""
    hint: str | None = None

    def __str__(self) -> str:
        """``dev.ini:12: [DEFAULT] rounds: error: must be …``, a form that editors can open."""
        location = self.file if self.line is None else f"{self.file}:{self.line}"
        key_name = " ".join(
            part for part in (f"[{self.section}]" if self.section else "", self.key) if part
        )
        head = ": ".join(part for part in (location, key_name) if part)
        text = f"{head}: {self.severity}: {self.message}" if head else self.message
        return f"{text} ({self.hint})" if self.hint else text

"""What the linter says: one thing about one key, why, and what would be safe."""

from __future__ import annotations

from dataclasses import dataclass

from otactl.errors.problem import Severity

#: Where each code is explained, with an example.
PAGE = "docs/lint.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding.

    Attributes:
        code: Stable, ``OTA101``; waivers name it.
        section, key: Where in the ``dev.ini``.
        message: What is so, and why it matters, with the numbers.
        safe: What would be safe.
        is_off: Whether the section is switched off, so that it only would be so.
        waived: Why it is accepted, in the user's words; None when it is not.
    """

    code: str
    severity: Severity
    section: str
    key: str
    message: str
    safe: str
    is_off: bool = False
    waived: str | None = None

    @property
    def page(self) -> str:
        """Where the code is explained."""
        return f"{PAGE}#{self.code.lower()}"

    @property
    def counts(self) -> bool:
        """Whether it may stop a command: it is neither waived nor about what is switched off."""
        return self.waived is None and not self.is_off

"""What a section or key that nobody knows was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from otactl.errors.problem import Severity
from otactl.model.configuration.catalogue import all_keys
from otactl.model.configuration.report import Finding
from otactl.model.configuration.sections import SECTIONS

if TYPE_CHECKING:
    from otactl.model.configuration.sections import SectionSpec

#: difflib is quadratic, and nothing we know is as long.
_MAX_COMPARED = 64


def unknown_section(name: str) -> Finding:
    """The finding for a section of a name that does not exist."""
    near = _nearest(name, (spec.prefix or spec.name for spec in SECTIONS))
    return Finding(
        code="unknown-section",
        message="there is no such section; it is ignored",
        hint=None if near is None else f"did you mean [{near}]?",
        severity=Severity.WARNING,
    )


def unknown_key(spec: SectionSpec, name: str) -> Finding:
    """The finding for a key that its section does not have."""
    homes = [key.section for key in all_keys() if name in (key.name, key.also)]
    if homes:
        hint = f"it belongs in [{homes[0]}]"
    else:
        near = _nearest(name, (key.name for key in all_keys() if key.section == spec.name))
        near = near or _nearest(name, (key.name for key in all_keys()))
        hint = f"did you mean {near}?" if near else "`otactl config explain` lists every key"
    return Finding(
        code="unknown-key",
        message="this section has no such key; it is ignored",
        hint=hint,
        severity=Severity.WARNING,
    )


def _nearest(name: str, known: Iterable[str]) -> str | None:
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name[:_MAX_COMPARED].lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None

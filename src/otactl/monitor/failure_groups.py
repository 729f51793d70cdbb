"""Failures grouped by the reasons that devices report.

otactl's devices report reasons without numbers (``device.report``); other devices may include block
numbers, addresses or versions. Parts that differ between things are replaced: runs of four digits
or more, and long hexadecimal words. ``HTTP 403`` stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from otactl.model.outcome import ThingOutcome
from otactl.model.progress import FailureGroup
from otactl.model.status import ExecutionStatus

#: The most groups; further reasons are counted together as ``OTHER_REASONS``.
MAX_GROUPS = 500
MAX_EXAMPLES = 5
MAX_REASON_LENGTH = 200
OTHER_REASONS = "other reasons"
NO_REASON = "no reason given"
NOT_ASKED = "reason not asked yet"
_LAST_SEEN = "last seen "

#: The terminal statuses other than SUCCEEDED.
UNSUCCESSFUL = frozenset(
    status
    for status in ExecutionStatus
    if status.is_terminal and status is not ExecutionStatus.SUCCEEDED
)
_FIGURES = re.compile(r"\b(?=[0-9a-fA-F-]*\d)[0-9a-fA-F][0-9a-fA-F-]{7,}\b|\d{4,}|0x[0-9a-fA-F]+")


def group_reason(outcome: ThingOutcome, *, asked: bool = True) -> str:
    """The reason a thing's failure is counted under.

    ``asked`` says that what it reported is known, even if it reported nothing.
    """
    reason = on_one_line(outcome.reason)
    if reason:
        return _FIGURES.sub("#", reason)[:MAX_REASON_LENGTH]
    step = outcome.progress.step
    if outcome.status is ExecutionStatus.TIMED_OUT and step:
        return f"{_LAST_SEEN}{step}"[:MAX_REASON_LENGTH]
    return NO_REASON if asked else NOT_ASKED


def on_one_line(reason: str) -> str:
    """A reason as it is grouped, shown and searched for: with single blanks only."""
    return " ".join(reason.split())


def is_own_reason(reason: str) -> bool:
    """Whether a reason is otactl's own: a search for it in the devices' reports finds nothing."""
    return reason in (NO_REASON, NOT_ASKED, OTHER_REASONS) or reason.startswith(_LAST_SEEN)


@dataclass(slots=True)
class _Group:
    """Things that failed with the same status and reason."""

    key: tuple[ExecutionStatus, str]
    count: int = 0
    examples: dict[str, None] = field(default_factory=dict)


class FailureGroups:
    """The things that did not succeed, counted by status and reason.

    It stores the group of each thing: when a thing leaves its group, its reason may no longer be
    known.
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[ExecutionStatus, str], _Group] = {}
        self._of: dict[str, _Group] = {}

    def replace(self, thing_name: str, outcome: ThingOutcome | None, *, asked: bool = True) -> None:
        """Set the last execution of a thing; None if it has none any more."""
        self._take_out(thing_name)
        if outcome is None or outcome.status not in UNSUCCESSFUL:
            return
        group = self._group((outcome.status, group_reason(outcome, asked=asked)))
        group.count += 1
        if len(group.examples) < MAX_EXAMPLES:
            group.examples[thing_name] = None
        self._of[thing_name] = group

    def groups(self) -> tuple[FailureGroup, ...]:
        """The groups, the largest first."""
        order = sorted(self._groups.values(), key=lambda group: (-group.count, group.key))
        return tuple(
            FailureGroup(
                status=group.key[0],
                reason=group.key[1],
                count=group.count,
                examples=tuple(sorted(group.examples)),
            )
            for group in order
        )

    def _group(self, key: tuple[ExecutionStatus, str]) -> _Group:
        if key not in self._groups and len(self._groups) >= MAX_GROUPS:
            key = (key[0], OTHER_REASONS)
        return self._groups.setdefault(key, _Group(key))

    def _take_out(self, thing_name: str) -> None:
        group = self._of.pop(thing_name, None)
        if group is None:
            return
        group.count -= 1
        group.examples.pop(thing_name, None)
        if not group.count:
            del self._groups[group.key]

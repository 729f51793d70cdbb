"""What one key requires of another: a rule looks at a few keys and finds at most one thing.

A rule runs when every key it looks at was read, in a section that counts; so one wrong value
does not hide what is wrong elsewhere. The rules about AWS say where they come from: "facts" is
aws-facts by section, and M the table of what the manual and the service disagree on, where the
service wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from otactl.errors.problem import Severity
from otactl.model.configuration.report import Finding, Report
from otactl.model.configuration.sections import KeyName


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        keys: What it looks at. What it finds is reported at the first.
        check: Takes their values, in that order.
    """

    keys: tuple[KeyName, ...]
    check: Callable[..., Finding | None]

    def apply(self, values: Mapping[KeyName, Any], report: Report) -> None:
        """Report what it finds in these values, when they are all there."""
        if all(key in values for key in self.keys):
            finding = self.check(*(values[key] for key in self.keys))
            if finding is not None:
                report.at_key(self.keys[0], finding)


def keys(*names: str) -> tuple[KeyName, ...]:
    """The keys of a rule, each written SECTION.key."""
    return tuple(KeyName(*name.split(".")) for name in names)


def forbid(
    names: tuple[KeyName, ...],
    when: Callable[..., object],
    message: str,
    *,
    hint: str | None = None,
    code: str = "requires",
    severity: Severity = Severity.ERROR,
) -> Rule:
    """The rule that a condition must not hold.

    Args:
        names: Its keys.
        when: The condition, of their values.
        message: What is reported then; ``{0}`` in it is the value of the first key.
        hint: Of the finding, as are the next two.
        code: Its stable short name.
        severity: ERROR stops a command.
    """

    def check(*values: Any) -> Finding | None:
        if not when(*values):
            return None
        return Finding(code, message.format(*values), hint=hint, severity=severity)

    return Rule(names, check)

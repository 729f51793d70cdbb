"""Collects the problems of a file, and returns them in the file's order.

What one key requires of another is a rule: it checks a few keys and finds at most one problem. A
rule runs if every key it checks was read, in a section that counts; so one wrong value does not
hide problems elsewhere. The rules about AWS name their sources: "facts" is aws-facts by
section, and M the table of what the manual and the service disagree on, where the service wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from otactl.errors.problem import Problem, Severity
from otactl.model.configuration.catalogue import all_keys
from otactl.model.configuration.sections import KeyName
from otactl.model.ini import IniDocument, IniEntry
from otactl.model.quoting import printable


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, without the location.

    Attributes:
        message: What was found and what is allowed.
    """

    code: str
    message: str
    _: KW_ONLY
    hint: str | None = None
    severity: Severity = Severity.ERROR


#: A file of another program would otherwise be reported key by key.
MAX_UNKNOWN = 20


class Report:
    """The problems of one file.

    Args:
        file_name: As the user gave it.
        ini: Where lines are looked up.
    """

    def __init__(self, file_name: str, ini: IniDocument) -> None:
        self._file_name = file_name
        self._ini = ini
        self._other_spellings = {key.name: key.also for key in all_keys() if key.also}
        self._problems: list[tuple[int, Problem]] = [
            (problem.line or 0, problem) for problem in ini.problems
        ]
        self._unknown = 0

    def entry(self, location: KeyName) -> IniEntry | None:
        """The entry of a key in the file, by either of its spellings."""
        found = self._ini.get(location.section, location.key)
        also = self._other_spellings.get(location.key)
        if found is None and also is not None:
            found = self._ini.get(location.section, also)
        return found

    def at_key(self, location: KeyName, finding: Finding) -> None:
        """Report a problem of a key; a missing key is reported at its section."""
        entry = self.entry(location)
        line = None if entry is None else entry.line
        key = location.key if entry is None else entry.key
        self._add(finding, section=location.section, key=key, line=line)

    def unknown_at(self, section: str, key: str, describe: Callable[[], Finding]) -> None:
        """Report an unknown section, or key of a section; after MAX_UNKNOWN only count them."""
        self._unknown += 1
        if self._unknown > MAX_UNKNOWN:
            return
        if key:
            self.at_key(KeyName(section, key), describe())
        else:
            self.at_section(section, describe())

    def at_section(self, name: str, finding: Finding) -> None:
        """Report a problem of a section as a whole."""
        section = self._ini.section(name)
        self._add(finding, section=name, line=None if section is None else section.line)

    def _add(self, finding: Finding, *, section: str, line: int | None, key: str = "") -> None:
        found = self._ini.section(section)
        location = line or (0 if found is None else found.line or 0)
        problem = Problem(
            file=self._file_name,
            line=line,
            section=printable(section),
            key=printable(key),
            severity=finding.severity,
            code=finding.code,
            message=finding.message,
            hint=finding.hint,
        )
        self._problems.append((location, problem))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, in the order of the file."""
        reported = tuple(problem for _, problem in sorted(self._problems, key=lambda pair: pair[0]))
        more = self._unknown - MAX_UNKNOWN
        if more <= 0:
            return reported
        return (
            *reported,
            Problem(
                file=self._file_name,
                severity=Severity.WARNING,
                code="unknown-key",
                message=f"{more} more sections and keys are unknown and ignored",
                hint="is it really a configuration of otactl?",
            ),
        )

    @property
    def has_errors(self) -> bool:
        """Whether one of them stops a command."""
        return any(problem.severity is Severity.ERROR for _, problem in self._problems)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        keys: The keys it checks. A problem is reported at the first.
        check: Takes their values, in that order.
    """

    keys: tuple[KeyName, ...]
    check: Callable[..., Finding | None]

    def apply(self, values: Mapping[KeyName, Any], report: Report) -> None:
        """Report what it finds in these values, if every key has one."""
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
        when: The condition on their values.
        message: The message of the finding; ``{0}`` in it is the value of the first key.
        hint: What to do about it.
        code: The finding's stable short name.
        severity: ERROR stops a command.
    """

    def check(*values: Any) -> Finding | None:
        if not when(*values):
            return None
        return Finding(code, message.format(*values), hint=hint, severity=severity)

    return Rule(names, check)

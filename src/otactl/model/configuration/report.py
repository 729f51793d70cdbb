"""Collects problems while a file is looked at, and gives them back in the file's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from otactl.errors.problem import Problem, Severity
from otactl.model.configuration.catalogue import all_keys
from otactl.model.configuration.sections import KeyName
from otactl.model.ini import IniDocument, IniEntry
from otactl.model.quoting import printable


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, before it is known where.

    Attributes:
        message: What was found and what is allowed.
    """

    code: str
    message: str
    _: KW_ONLY
    hint: str | None = None
    severity: Severity = Severity.ERROR


#: A file that is none of ours would otherwise be reported key by key.
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
        """Report something about a key; of a missing key, at its section's place."""
        entry = self.entry(location)
        line = None if entry is None else entry.line
        key = location.key if entry is None else entry.key
        self._add(finding, section=location.section, key=key, line=line)

    def unknown_at(self, section: str, key: str, describe: Callable[[], Finding]) -> None:
        """Report a section, or a key of one, that nobody knows; of many, only how many."""
        self._unknown += 1
        if self._unknown > MAX_UNKNOWN:
            return
        if key:
            self.at_key(KeyName(section, key), describe())
        else:
            self.at_section(section, describe())

    def at_section(self, name: str, finding: Finding) -> None:
        """Report something about a section as a whole."""
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

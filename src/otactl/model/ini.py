"""Reads an INI file and keeps what the standard library's reader throws away.

Line numbers, comments, order and spelling stay, so that a problem can name its line and a value
can be changed without touching the rest of the file. A text means what it means to Python's
``configparser``, which these files were written for (``tests/property/test_ini.py`` compares the
two):

* ``[section]``, then ``key = value`` or ``key: value``; the first ``=`` or ``:`` ends the key.
* Keys and sections are case-sensitive; blanks around keys and values are ignored.
* A line beginning with ``#`` or ``;`` is a comment. After a value neither begins a comment:
  there it belongs to the value.
* A line indented deeper than its key continues the value above it.
* ``%`` is an ordinary character; nothing is replaced in a value.

It is stricter in one point: text after a section's ``]`` is refused. ``configparser`` drops it,
so a setting on that line would be lost silently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from otactl.errors.problem import Problem
from otactl.model.limits import MAX_CONFIGURATION_LENGTH
from otactl.model.quoting import printable, quoted

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_HEADER = re.compile(r"\[(?P<name>.+)\](?P<rest>.*)")
_KEY_AND_VALUE = re.compile(r"(?P<key>.*?)\s*[=:]\s*(?P<value>.*)")
_COMMENT_SIGNS = ("#", ";")
_BYTE_ORDER_MARK = "\ufeff"
#: A file that is no INI file at all would otherwise fill the screen.
_MAX_SYNTAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class IniEntry:
    """One key with its value.

    Attributes:
        value: Stripped; the lines of a continued value are joined by newlines.
        line: Of the key, counted from 1; None when the value came from the command line.
        last_line: The last line that belongs to the value.
    """

    key: str
    value: str
    line: int | None
    last_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IniSection:
    """One section and its entries, in the order of the file."""

    name: str
    line: int | None
    entries: tuple[IniEntry, ...] = ()

    def get(self, key: str) -> IniEntry | None:
        """The entry with exactly this key."""
        return next((entry for entry in self.entries if entry.key == key), None)


@dataclass(frozen=True)
class IniDocument:
    """A file as it was read, including its problems.

    Attributes:
        text: Exactly what was read.
        problems: What is wrong with the file's form; all of them errors.
    """

    text: str
    sections: tuple[IniSection, ...]
    problems: tuple[Problem, ...] = ()

    @cached_property
    def _by_name(self) -> dict[str, IniSection]:
        return {section.name: section for section in self.sections}

    def section(self, name: str) -> IniSection | None:
        """The section with exactly this name."""
        return self._by_name.get(name)

    def get(self, section: str, key: str) -> IniEntry | None:
        """The entry of a section, when both exist."""
        found = self.section(section)
        return None if found is None else found.get(key)


def read_ini(text: str, *, file_name: str = "") -> IniDocument:
    """Read a text; what is wrong with it is in the document's ``problems``."""
    fault = _unreadable(text, file_name)
    if fault is not None:
        return IniDocument(text, (), (fault,))
    reader = _Reader(file_name)
    for number, line in enumerate(split_lines(text.removeprefix(_BYTE_ORDER_MARK)), start=1):
        reader.read_line(number, line)
    return reader.document(text)


def split_lines(text: str) -> list[str]:
    """The lines of a text, each with the line end it has, split where ``open`` splits."""
    return _LINE.findall(text)


def is_comment(line: str) -> bool:
    """Whether a line holds a comment and nothing else."""
    return line.strip().startswith(_COMMENT_SIGNS)


def _unreadable(text: str, file_name: str) -> Problem | None:
    if "\0" in text:
        return Problem(
            file=file_name,
            code="not-text",
            message="is not a text file: it holds NUL characters",
            hint="if an editor saved it as UTF-16, save it as UTF-8",
        )
    if len(text) > MAX_CONFIGURATION_LENGTH:
        return Problem(
            file=file_name,
            code="too-large",
            message=f"has {len(text)} characters; {MAX_CONFIGURATION_LENGTH} are allowed",
            hint="is it really the configuration?",
        )
    return None


@dataclass(slots=True)
class _Value:
    key: str
    lines: list[str]
    line: int
    last_line: int

    def entry(self) -> IniEntry:
        value = "\n".join(self.lines).rstrip()
        return IniEntry(key=self.key, value=value, line=self.line, last_line=self.last_line)


class _Reader:
    """Reads lines one by one, with the steps of ``configparser`` in the same order."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._sections: dict[str, tuple[int, dict[str, _Value]]] = {}
        self._problems: list[Problem] = []
        self._not_shown = 0
        self._section: str | None = None
        self._value: _Value | None = None
        self._indent = 0
        self._reported_headless = False

    def read_line(self, number: int, line: str) -> None:
        content = line.strip()
        if is_comment(line):
            return
        if not content:
            if self._value is not None:
                self._value.lines.append("")
            return
        indent = len(line) - len(line.lstrip())
        if self._value is not None and indent > self._indent:
            self._value.lines.append(content)
            self._value.last_line = number
            return
        self._indent = indent
        header = _HEADER.match(content)
        if header is not None:
            self._begin_section(number, header["name"], header["rest"].strip())
        elif self._section is None:
            self._refuse_headless(number, content)
        else:
            self._begin_value(number, self._section, content)

    def _begin_section(self, number: int, name: str, rest: str) -> None:
        self._section = name
        self._value = None
        if rest and not rest.startswith(_COMMENT_SIGNS):
            self._refuse(
                number,
                "syntax",
                f"nothing may follow the section's ], found {quoted(rest)}",
                section=printable(name),
                hint="put it on the next line",
            )
        known = self._sections.setdefault(name, (number, {}))
        if known[0] != number:
            self._refuse(
                number,
                "duplicate-section",
                f"the section is in the file already, at line {known[0]}",
                section=printable(name),
                hint="put all its keys under one header",
            )

    def _begin_value(self, number: int, section: str, content: str) -> None:
        match = _KEY_AND_VALUE.fullmatch(content)
        if match is None or not match["key"]:
            self._refuse(
                number,
                "syntax",
                f"{quoted(content)} is not a section, a key = value or a comment",
                section=printable(section),
            )
            return
        key = match["key"]
        self._value = _Value(key, [match["value"]], number, number)
        first = self._sections[section][1].setdefault(key, self._value)
        if first is self._value:
            return
        self._refuse(
            number,
            "duplicate-key",
            f"the key is in this section already, at line {first.line}",
            section=printable(section),
            key=printable(key),
            hint="keep one of the two",
        )

    def _refuse_headless(self, number: int, content: str) -> None:
        if not self._reported_headless:
            self._reported_headless = True
            self._refuse(
                number,
                "no-section",
                f"{quoted(content)} is before any section",
                hint="the file begins with [DEFAULT]",
            )

    def _refuse(self, number: int, code: str, message: str, **more: Any) -> None:
        if len(self._problems) >= _MAX_SYNTAX_PROBLEMS:
            self._not_shown += 1
            return
        problem = Problem(file=self._file_name, line=number, code=code, message=message, **more)
        self._problems.append(problem)

    def document(self, text: str) -> IniDocument:
        problems = list(self._problems)
        if self._not_shown:
            problems.append(
                Problem(
                    file=self._file_name,
                    code="syntax",
                    message=f"{self._not_shown} more lines cannot be read",
                    hint="is it really an INI file?",
                )
            )
        sections = tuple(
            IniSection(
                name=name, line=line, entries=tuple(value.entry() for value in values.values())
            )
            for name, (line, values) in self._sections.items()
        )
        return IniDocument(text, sections, tuple(problems))

"""Changes a value in an INI text and leaves every other line as it is, comments included."""

from __future__ import annotations

import re

from otactl.model.ini import IniDocument, IniEntry, IniSection, is_comment, read_ini, split_lines

_UP_TO_VALUE = re.compile(r"(?P<head>\s*.*?\s*[=:][^\S\r\n]*)")
_LINE_END = re.compile(r"(?:\r\n|\n|\r)$")


def with_value(document: IniDocument, section: str, key: str, value: str) -> IniDocument:
    """The document with one value changed, or added if it did not exist.

    Args:
        section: The section's name, without brackets.
        key: The key as it is, or will be, spelt in the file.
        document: A document without problems; in one with problems, only the parts that could be
            read can be changed.
        value: One line, without blanks around it.

    Raises:
        ValueError: The section, key or value could not be read back as given.
    """
    lines = split_lines(document.text)
    found = document.section(section)
    entry = None if found is None else found.get(key)
    if entry is not None:
        _replace(lines, entry, value)
    elif found is not None:
        _insert(lines, found, f"{key} = {value}".rstrip())
    else:
        _append(lines, section, f"{key} = {value}".rstrip())
    changed = read_ini("".join(lines))
    written = changed.get(section, key)
    if written is None or written.value != value or "\n" in value:
        raise ValueError(f"[{section}] {key} cannot hold {value!r}")
    return changed


def _replace(lines: list[str], entry: IniEntry, value: str) -> None:
    first, last = _location(entry)
    head = _UP_TO_VALUE.match(lines[first])
    end = _line_end(lines[first]) or _line_end(lines[last])
    # The key was read from this line, so it has a delimiter.
    start = head["head"] if head is not None else f"{entry.key} = "
    if start.endswith((" =", " :")):
        start += " "
    kept = [line for line in lines[first + 1 : last + 1] if is_comment(line)]
    lines[first : last + 1] = [start + value + end, *kept]


def _insert(lines: list[str], section: IniSection, text: str) -> None:
    """Put a line after the section's last value, indented like it.

    A line indented deeper than the one above would continue its value, so in an empty section
    the new line is indented like what follows.
    """
    if section.line is None:
        raise ValueError(f"[{section.name}] is not in a file")
    if section.entries:
        first, last = _location(section.entries[-1])
        indent, location = _indent(lines[first]), last + 1
    else:
        location = section.line
        following = (line for line in lines[location:] if line.strip() and not is_comment(line))
        indent = _indent(next(following, ""))
    _end_last_line(lines)
    lines.insert(location, indent + text + _newline(lines))


def _append(lines: list[str], section: str, text: str) -> None:
    _end_last_line(lines)
    newline = _newline(lines)
    if lines and lines[-1].strip():
        lines.append(newline)
    lines += [f"[{section}]{newline}", text + newline]


def _location(entry: IniEntry) -> tuple[int, int]:
    if entry.line is None or entry.last_line is None:
        raise ValueError(f"{entry.key} is not in a file")
    return entry.line - 1, entry.last_line - 1


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _line_end(line: str) -> str:
    match = _LINE_END.search(line)
    return match.group() if match else ""


def _newline(lines: list[str]) -> str:
    return next(filter(None, map(_line_end, lines)), "\n")


def _end_last_line(lines: list[str]) -> None:
    if lines and not _line_end(lines[-1]):
        lines[-1] += _newline(lines)

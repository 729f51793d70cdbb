"""Our INI reader means what the standard library's means, and edits touch one value only."""

from __future__ import annotations

import configparser
import io

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from otactl.model.ini import read_ini
from otactl.model.ini_edit import with_value

#: Small enough that sections and keys meet each other, with all that has a meaning in it.
_SIGNS = st.sampled_from([*"ab[]=:;# \t%\\\"'", "\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "é"])
_junk = st.lists(_SIGNS, max_size=60).map("".join)
_name = st.sampled_from(["a", "b", "A b", "DEFAULT", "é"])
_indent = st.sampled_from(["", "", "", " ", "\t", "    "])
_value = st.lists(st.sampled_from([*"xy=:;#% []"]), max_size=8).map("".join)
_line = st.one_of(
    st.builds("{}[{}]".format, _indent, _name),
    st.builds("{}{} = {}".format, _indent, _name, _value),
    st.builds("{}{}:{}".format, _indent, _name, _value),
    st.builds("{}{}".format, _indent, _value),
    st.builds("{}# {}".format, _indent, _value),
    st.just(""),
)
_file = st.builds(
    lambda end, lines: end.join(lines),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(_line, max_size=20),
)
#: Time is the machine's business, not the reader's.
patient = settings(deadline=None)
texts = st.one_of(_junk, _file, st.text(max_size=80))


def standard_reading(text: str) -> dict[str, dict[str, str]] | None:
    """What ``configparser`` makes of a text; None when it refuses it."""
    parser = configparser.RawConfigParser(default_section="\0")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_file(io.StringIO(text.removeprefix("\ufeff"), newline=None))
    except configparser.Error:
        return None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def own_reading(text: str) -> dict[str, dict[str, str]]:
    return {
        section.name: {entry.key: entry.value for entry in section.entries}
        for section in read_ini(text).sections
    }


@patient
@given(texts)
def test_what_the_standard_library_reads_we_read_alike(text: str):
    assume("\0" not in text)
    expected = standard_reading(text)
    problems = read_ini(text).problems

    if expected is None:
        assert problems
    else:
        assert own_reading(text) == expected
        # Stricter in one point only: configparser drops what follows a section's bracket.
        assert all("may follow the section" in problem.message for problem in problems)


@patient
@given(texts)
def test_lines_are_where_they_are_said_to_be(text: str):
    document = read_ini(text)
    lines = io.StringIO(text, newline=None).read().split("\n")

    for section in document.sections:
        assert f"[{section.name}]" in lines[(section.line or 0) - 1]
        for entry in section.entries:
            assert entry.key in lines[(entry.line or 0) - 1]


@patient
@given(texts, _name, _name, _value.map(str.strip))
def test_an_edit_changes_one_value_and_no_other(text: str, section: str, key: str, value: str):
    document = read_ini(text)
    assume(not document.problems)
    before = own_reading(text)

    after = own_reading(with_value(document, section, key, value).text)

    before.setdefault(section, {})[key] = value
    assert after == before


@patient
@given(texts, _name, _name)
def test_an_edit_keeps_every_comment(text: str, section: str, key: str):
    document = read_ini(text)
    assume(not document.problems)

    changed = with_value(document, section, key, "new").text

    def comments(of: str) -> list[str]:
        return [line.strip() for line in of.splitlines() if line.strip().startswith(("#", ";"))]

    assert comments(changed) == comments(text)

"""The INI reader: lines, forms that are refused, and what the standard library would drop."""

from __future__ import annotations

import pytest

from otactl.model.ini import IniEntry, read_ini


def codes(text: str) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.code) for problem in read_ini(text).problems]


def value(text: str, key: str = "key") -> str:
    entry = read_ini(text).get("A", key)
    assert entry is not None
    return entry.value


def test_sections_keys_and_values_keep_order_spelling_and_lines():
    document = read_ini("# top\n[B]\nz = 1\nA: 2\n\n[A]\nq=3\n")

    assert [(section.name, section.line) for section in document.sections] == [("B", 2), ("A", 6)]
    assert document.sections[0].entries == (
        IniEntry(key="z", value="1", line=3, last_line=3),
        IniEntry(key="A", value="2", line=4, last_line=4),
    )
    assert document.get("A", "Q") is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("key = a = b", "a = b"),
        ("key: a: b", "a: b"),
        ("key:a=b", "a=b"),
        ("key =", ""),
        ("key = a # b", "a # b"),
        ("key = a ; b", "a ; b"),
        ("key = 100%", "100%"),
        ("key = %(x)s", "%(x)s"),
        ("  key  =  a b  ", "a b"),
    ],
)
def test_a_value_is_all_behind_the_first_delimiter(line: str, expected: str):
    assert value(f"[A]\n{line}\n") == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_ends_a_line(end: str):
    assert value(end.join(["[A]", "key = 1", ""])) == "1"


def test_a_byte_order_mark_is_no_part_of_the_first_section():
    assert value("\ufeff[A]\nkey = 1\n") == "1"


def test_an_indented_line_continues_the_value():
    document = read_ini("[A]\nkey = a,\n\n    b\n# comment\n    c\nnext = 1\n")

    assert document.get("A", "key") == IniEntry(key="key", value="a,\n\nb\nc", line=2, last_line=6)


def test_keys_may_be_indented_alike():
    document = read_ini("[A]\n  a = 1\n  b = 2\n")

    assert [entry.key for entry in document.sections[0].entries] == ["a", "b"]


def test_a_duplicate_key_is_told_with_its_first_line():
    (problem,) = read_ini("[A]\nkey = 1\nkey = 2\n", file_name="x.ini").problems

    assert str(problem).startswith("x.ini:3: [A] key: error: the key is in this section")
    assert "line 2" in problem.message
    assert value("[A]\nkey = 1\nkey = 2\n") == "1"


def test_a_duplicate_section_is_told_and_its_keys_are_read_all_the_same():
    document = read_ini("[A]\na = 1\n[A]\nb = 2\n")

    assert [problem.code for problem in document.problems] == ["duplicate-section"]
    assert document.get("A", "b") is not None


def test_a_setting_behind_a_section_is_not_lost_without_a_word():
    assert codes("[A] key = 1\n") == [(1, "syntax")]
    assert codes("[A] # key = 1\n") == []


@pytest.mark.parametrize("line", ["just words", "= value", "[]"])
def test_a_line_that_is_nothing_is_told(line: str):
    assert codes(f"[A]\n{line}\n") == [(2, "syntax")]


def test_keys_before_any_section_are_told_once():
    assert codes("a = 1\nb = 2\n[A]\nc = 3\n") == [(1, "no-section")]


def test_a_file_of_junk_does_not_fill_the_screen():
    problems = read_ini("[A]\n" + "junk\n" * 1000).problems

    assert len(problems) == 21
    assert problems[-1].message == "980 more lines cannot be read"


def test_control_characters_of_a_name_are_shown_harmless():
    (problem,) = read_ini("[\x1bA]\nk = 1\nk = 2\n").problems

    assert str(problem).isprintable()

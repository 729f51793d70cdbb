"""Changing a value leaves everything else in the file as it was."""

from __future__ import annotations

import pytest

from otactl.model.ini import read_ini
from otactl.model.ini_edit import with_value


def changed(text: str, section: str, key: str, value: str) -> str:
    return with_value(read_ini(text), section, key, value).text


def test_the_value_alone_changes():
    text = "# top\n[A]\n  key  :  old   \n# behind\nother=1\n"

    assert changed(text, "A", "key", "new") == "# top\n[A]\n  key  :  new\n# behind\nother=1\n"


def test_a_continued_value_becomes_one_line_and_its_comments_stay():
    text = "[A]\nkey = a,\n  # why b\n  b\nother = 1\n"

    assert changed(text, "A", "key", "c") == "[A]\nkey = c\n  # why b\nother = 1\n"


def test_a_new_key_stands_behind_the_last_one_indented_like_it():
    text = "[A]\n  a = 1\n\n# B is next\n[B]\nb = 2\n"

    assert changed(text, "A", "c", "3") == "[A]\n  a = 1\n  c = 3\n\n# B is next\n[B]\nb = 2\n"


def test_a_new_key_of_an_empty_section_stands_behind_its_header():
    assert changed("[A]\n[B]\n", "A", "a", "1") == "[A]\na = 1\n[B]\n"


def test_a_new_key_does_not_swallow_an_indented_section_behind_it():
    assert changed("[A]\n  [B]\n", "A", "a", "1") == "[A]\n  a = 1\n  [B]\n"


def test_a_new_section_stands_at_the_end():
    assert changed("[A]\na = 1", "B", "b", "2") == "[A]\na = 1\n\n[B]\nb = 2\n"
    assert changed("", "B", "b", "2") == "[B]\nb = 2\n"


def test_line_ends_and_byte_order_mark_stay():
    text = "\ufeff[A]\r\na = 1\r\n"

    assert changed(text, "A", "a", "2") == "\ufeff[A]\r\na = 2\r\n"
    assert changed(text, "A", "b", "2") == "\ufeff[A]\r\na = 1\r\nb = 2\r\n"


def test_an_empty_value_can_be_filled_and_emptied():
    assert changed("[A]\na =\n", "A", "a", "1") == "[A]\na = 1\n"
    assert changed("[A]\na=\n", "A", "a", "1") == "[A]\na=1\n"
    assert changed("[A]\na = 1\n", "A", "a", "") == "[A]\na = \n"


@pytest.mark.parametrize("value", ["a\nb", " a", "a ", "a\rb", "a\0"])
def test_a_value_that_would_not_be_read_back_is_refused(value: str):
    with pytest.raises(ValueError, match="cannot hold"):
        changed("[A]\na = 1\n", "A", "a", value)


@pytest.mark.parametrize("key", ["a=b", "a:b", "#a", "[a]", " a", ""])
def test_a_key_that_would_not_be_read_back_is_refused(key: str):
    with pytest.raises(ValueError, match="cannot hold"):
        changed("[A]\na = 1\n", "A", key, "1")

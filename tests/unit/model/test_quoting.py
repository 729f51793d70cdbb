"""What is shown of a user's text is short, on one line and harmless."""

from __future__ import annotations

import pytest

from otactl.model.quoting import printable, quoted


@pytest.mark.parametrize("text", ["\x1b[31m", "a\nb", "\0", "\u202e", "\ud800", "x" * 5000])
def test_whatever_is_shown_prints_on_one_short_line(text: str):
    for shown in (quoted(text), printable(text)):
        assert shown.isprintable()
        assert len(shown) < 100
        shown.encode()


def test_ordinary_text_is_shown_as_it_is():
    assert printable("größe_1") == "größe_1"
    assert quoted("it's") == '"it\'s"'

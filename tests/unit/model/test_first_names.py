"""Names in a sentence: the first of them, and how many more."""

from __future__ import annotations

import pytest

from otactl.model.quoting import first_names


@pytest.mark.parametrize(
    ("names", "total", "words"),
    [
        ([], None, ""),
        (["a"], None, "a"),
        (["a", "b"], None, "a, b"),
        (["a", "b", "c"], None, "a, b and 1 more"),
        (["a", "b"], 1_202, "a, b and 1,200 more"),
        (["a"], 5, "a and 4 more"),
    ],
)
def test_two_are_named_and_the_others_counted(names, total, words):
    assert first_names(names, 2, total=total) == words

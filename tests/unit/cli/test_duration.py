"""Durations as people write them."""

import pytest

from otactl.cli.suggestion import parse_duration
from otactl.errors import UserMistake


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("4h", 14_400), ("2d", 172_800), ("1h30m", 5400), ("1.5 h", 5400), ("45s", 45)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text, flag="--within") == seconds


@pytest.mark.parametrize("text", ["", "soon", "4", "4x", "h4", "-3h", "4h and more"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserMistake, match="--within") as refused:
        parse_duration(text, flag="--within")
    assert refused.value.hint

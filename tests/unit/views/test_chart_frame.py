"""The names of an axis: none is cut off at the edge, none meets the next, for any range."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.views.chart.frame import Frame

CHARACTER = 7.0


def names(frame: Frame) -> list[tuple[float, str]]:
    """The middle and the words of each name of the axis below."""
    bottom = f'y="{frame.height - 21}"'
    found = re.findall(r'<text x="([\d.]+)" ' + bottom + r"[^>]*>([^<]*)</text>", frame.draw("t"))
    return [(float(x), words) for x, words in found]


def frame(width: int, x_min: float, x_max: float, *, is_time: bool) -> Frame:
    return Frame(
        width=width,
        height=260,
        x_min=x_min,
        x_max=x_max,
        y_max=10,
        x_label="x",
        y_label="y",
        x_is_time=is_time,
    )


@given(
    width=st.integers(280, 1200),
    x_min=st.floats(0, 1e5),
    span=st.floats(1e-2, 1e7),
    is_time=st.booleans(),
)
def test_every_name_lies_within_the_drawing_and_beside_the_others(
    width: int, x_min: float, span: float, *, is_time: bool
) -> None:
    drawn = frame(width, 0.0 if is_time else x_min, x_min + span, is_time=is_time)
    places = names(drawn)

    for middle, words in places:
        half = len(words) * CHARACTER / 2
        assert middle - half >= -0.1
        assert middle + half <= width + 0.1
    for (before, left), (after, right) in pairwise(places):
        assert after - before >= (len(left) + len(right)) * CHARACTER / 2 - 0.1


@pytest.mark.parametrize("is_time", [True, False])
def test_an_axis_on_which_everything_is_at_once_is_drawn(is_time: bool) -> None:  # noqa: FBT001
    assert names(frame(600, 0.0, 0.0, is_time=is_time))


@pytest.mark.parametrize(
    ("seconds", "last"), [(540, "9 min"), (5400, "1 h 30 min"), (86_400 * 30, "30 d")]
)
def test_a_name_at_the_very_end_is_whole(seconds: float, last: str) -> None:
    middle, words = names(frame(600, 0.0, seconds, is_time=True))[-1]
    assert words == last
    assert middle + len(words) * CHARACTER / 2 <= 600

"""A histogram of the download times: how many things in each range of seconds."""

from __future__ import annotations

from collections.abc import Sequence

from otactl.model.progress import Percentiles
from otactl.monitor.percentile import Bin
from otactl.views.chart.frame import Frame, element, empty_chart, line, words
from otactl.views.foreign_text import html_text
from otactl.views.wording import figure

_HEIGHT = 260
#: Above the bars: two lines of text that no bar may cross.
_SPACE_FOR_MARKS = 34
#: Within this distance of an edge, as a share of the width, a label is put on the inner side.
_EDGE = 0.2


def histogram_chart(bins: Sequence[Bin], percentiles: Percentiles, *, width: int) -> str:
    """Draw it, ``width`` pixels wide; p50 and p99 are marked."""
    if not bins:
        return empty_chart(width, _HEIGHT, "no device has reported a download time yet")
    frame = Frame(
        width=width,
        height=_HEIGHT,
        x_min=bins[0].low,
        x_max=bins[-1].high,
        y_max=max(1, *(each.count for each in bins)),
        x_label="seconds of download",
        y_label="things",
        top=_SPACE_FOR_MARKS,
    )
    bars = "".join(
        element(
            "rect",
            element("title", html_text(f"{each.low:g} to {each.high:g} s: {each.count:,} things")),
            x=frame.x(each.low) + 0.5,
            y=frame.y(each.count),
            width=max(1.0, frame.x(each.high) - frame.x(each.low) - 1),
            height=frame.y(0) - frame.y(each.count),
            class_="bar",
        )
        for each in bins
        if each.count
    )
    # The label of p99 is above that of p50 and never left of it, so no line crosses a label.
    marks = ""
    if percentiles.p50 is not None and percentiles.p99 is not None:
        near_left = frame.x(percentiles.p50) < width * _EDGE
        near_right = frame.x(percentiles.p99) > width * (1 - _EDGE)
        marks = _mark(frame, "p50", percentiles.p50, y=27, leans_left=not near_left)
        marks += _mark(frame, "p99", percentiles.p99, y=12, leans_left=near_right)
    title = (
        f"Download times of {percentiles.count:,} things: half within {figure(percentiles.p50)} s,"
        f" 99 of 100 within {figure(percentiles.p99)} s, the longest {figure(percentiles.max)} s"
    )
    return frame.draw(title, bars, marks)


def _mark(frame: Frame, name: str, seconds: float, *, y: float, leans_left: bool) -> str:
    x = frame.x(seconds)
    return line((x, frame.y(0)), (x, y - 8), "mark") + words(
        f"{name} {figure(seconds)} s",
        x - 4 if leans_left else x + 4,
        y,
        text_anchor="end" if leans_left else "start",
        class_="mark",
    )

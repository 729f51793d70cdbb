"""The frame of a chart: its axes, its ticks at round numbers, and how values become pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from otactl.monitor.percentile import round_step
from otactl.views.foreign_text import html_text
from otactl.views.wording import duration


def element(name: str, *children: str, **attributes: str | float) -> str:
    """An element. A trailing underscore, as in ``class_``, is dropped; others become hyphens.

    Args:
        children: The markup inside; text must have passed ``html_text``.
        attributes: Numbers are rounded to two digits.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    if not children:
        return f"<{name}{written}/>"
    return f"<{name}{written}>{''.join(children)}</{name}>"


def line(start: tuple[float, float], end: tuple[float, float], class_: str) -> str:
    """A line between two points, in pixels from the left and from the top."""
    (x1, y1), (x2, y2) = start, end
    return element("line", x1=x1, x2=x2, y1=y1, y2=y2, class_=class_)


def words(text: str, x: float, y: float, **attributes: str) -> str:
    """Text at a point, in pixels."""
    return element("text", html_text(text), x=x, y=y, **attributes)


def drawing(width: int, height: int, title: str, *content: str, class_: str = "chart") -> str:
    """A whole drawing: its title in words, then the content."""
    return element(
        "svg",
        element("title", html_text(title)),
        *content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        class_=class_,
    )


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return html_text(value)
    return f"{value:.2f}".rstrip("0").rstrip(".")


RIGHT, BOTTOM = 12, 36
_TICK_GAP = 60
_CHARACTER = 7.0
_A_LITTLE_MORE = 1.001
#: Steps of a time axis, in seconds.
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200)
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A plane of ``width`` by ``height`` pixels, with axes up to ``x_max`` and ``y_max``.

    Attributes:
        top: Pixels left free above the plane.
    """

    width: int
    height: int
    x_max: float
    y_max: float
    x_label: str
    y_label: str
    x_min: float = 0.0
    top: int = 10
    x_is_time: bool = False

    @property
    def left(self) -> float:
        """Where the plane begins: after the longest number of the axis."""
        return max(len(f"{round(tick):,}") for tick in self.y_ticks) * _CHARACTER + 30

    @property
    def y_ticks(self) -> tuple[float, ...]:
        """The values that have a horizontal line: whole numbers."""
        step = max(1.0, round_step(self.y_max / 6))
        return tuple(step * number for number in range(int(self.y_max / step) + 1))

    @property
    def x_ticks(self) -> tuple[float, ...]:
        """The values that have a label on the x axis, far enough apart that no labels meet."""
        span = self.width - self.left - RIGHT
        least = (self.x_max - self.x_min or 1) / max(2.0, span / _TICK_GAP)
        while True:
            step = _time_step(least) if self.x_is_time else round_step(least)
            numbers = range(int(self.x_min / step), int(self.x_max / step) + 1)
            ticks = tuple(step * number for number in numbers if step * number >= self.x_min)
            if not any(self._meet(*pair) for pair in pairwise(ticks)):
                return ticks
            least = step * _A_LITTLE_MORE

    def _meet(self, before: float, after: float) -> bool:
        """Whether the labels of two values are less than a character apart."""
        needed = (_width(self._x_name(before)) + _width(self._x_name(after))) / 2 + _CHARACTER
        return self._x_name_middle(after) - self._x_name_middle(before) < needed

    def _x_name(self, value: float) -> str:
        if not self.x_is_time:
            return f"{value:,.6g}"
        return duration(value) if value else "0"

    def _x_name_middle(self, value: float) -> float:
        """The middle of a label, in pixels: below its value, but within the drawing."""
        half = _width(self._x_name(value)) / 2
        return min(max(self.x(value), half), self.width - half)

    def x(self, value: float) -> float:
        """Pixels from the left."""
        share = (value - self.x_min) / ((self.x_max - self.x_min) or 1)
        return self.left + share * (self.width - self.left - RIGHT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return self.height - BOTTOM - value / (self.y_max or 1) * (self.height - BOTTOM - self.top)

    def draw(self, title: str, *content: str) -> str:
        """The whole drawing: its title in words, the frame, and the content in it."""
        return drawing(self.width, self.height, title, self._grid(), *content, self._axes())

    def _grid(self) -> str:
        right = self.width - RIGHT
        heights = map(self.y, self.y_ticks)
        return "".join(line((self.left, y), (right, y), "grid") for y in heights)

    def _axes(self) -> str:
        bottom, right = self.height - BOTTOM, self.width - RIGHT
        x_names = "".join(
            words(self._x_name(tick), self._x_name_middle(tick), bottom + 15, text_anchor="middle")
            for tick in self.x_ticks
        )
        y_names = "".join(
            words(f"{tick:,.0f}", self.left - 6, self.y(tick) + 4, text_anchor="end")
            for tick in self.y_ticks
        )
        axis = line((self.left, bottom), (right, bottom), "axis")
        middle = self.left + (right - self.left) / 2
        label = {"text_anchor": "middle", "class_": "label"}
        labels = words(self.x_label, middle, self.height - 4, **label) + element(
            "text",
            html_text(self.y_label),
            transform=f"translate(12 {(bottom + self.top) / 2:.0f}) rotate(-90)",
            **label,
        )
        return axis + x_names + y_names + labels


def empty_chart(width: int, height: int, reason: str) -> str:
    """A drawing that says why there is nothing to draw."""
    return drawing(
        width, height, reason, words(reason, width / 2, height / 2, text_anchor="middle")
    )


def polygon(frame: Frame, xs: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
    """The points of the area between two step lines: a count holds until the next one."""
    return " ".join(_stairs(frame, xs, high) + _stairs(frame, xs, low)[::-1])


def _stairs(frame: Frame, xs: Sequence[float], ys: Sequence[float]) -> list[str]:
    corners: list[str] = []
    for x, y in zip(xs, ys, strict=True):
        location, height = f"{frame.x(x):.1f}", f"{frame.y(y):.1f}"
        if corners and not corners[-1].endswith(f",{height}"):
            corners.append(f"{location},{corners[-1].partition(',')[2]}")
        corners.append(f"{location},{height}")
    return corners


def _width(words: str) -> float:
    """The approximate width of a label, in pixels."""
    return len(words) * _CHARACTER


def _time_step(least: float) -> float:
    step = next((step for step in _TIME_STEPS if step >= least), None)
    return float(step) if step is not None else max(_DAY, round_step(least / _DAY) * _DAY)

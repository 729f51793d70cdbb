"""Executions by status over time, as a stacked chart."""

from __future__ import annotations

from otactl.model.status import ExecutionStatus
from otactl.monitor.progress import Progress
from otactl.views.chart.frame import Frame, element, empty_chart, polygon
from otactl.views.foreign_text import html_text
from otactl.views.wording import SHOWN_STATUSES, counts_words, status_word

_STATUSES = tuple(ExecutionStatus)
#: From the bottom up: succeeded, failed, in progress, queued.
_STACK = (
    ExecutionStatus.SUCCEEDED,
    ExecutionStatus.FAILED,
    ExecutionStatus.TIMED_OUT,
    ExecutionStatus.REJECTED,
    ExecutionStatus.CANCELED,
    ExecutionStatus.REMOVED,
    ExecutionStatus.IN_PROGRESS,
    ExecutionStatus.QUEUED,
)
_HEIGHT = 260
_LEAST_MS = 1000


def progress_chart(progress: Progress, *, width: int) -> str:
    """Draw it, ``width`` pixels wide."""
    points = progress.points
    if not points or not any(any(counts) for _, counts in points):
        return empty_chart(width, _HEIGHT, "nothing has happened yet")
    start_ms = points[0][0]
    if points[-1][0] - start_ms < _LEAST_MS:
        # One instant has no width: its counts are drawn as if they held for a second.
        points = [*points, (start_ms + _LEAST_MS, points[-1][1])]
    seconds = [(at_ms - start_ms) / 1000 for at_ms, _ in points]
    frame = Frame(
        width=width,
        height=_HEIGHT,
        x_max=seconds[-1],
        y_max=max(sum(counts) for _, counts in points),
        x_label="since the job was created",
        y_label="executions",
        x_is_time=True,
    )
    low = [0.0] * len(points)
    areas = []
    for status in _STACK:
        location = _STATUSES.index(status)
        if not any(counts[location] for _, counts in points):
            continue
        high = [below + counts[location] for below, (_, counts) in zip(low, points, strict=True)]
        areas.append(
            element(
                "polygon",
                element("title", html_text(status_word(status))),
                points=polygon(frame, seconds, low, high),
                class_=f"area {status_class(status)}",
            )
        )
        low = high
    return frame.draw(_words(progress), *areas)


def status_class(status: ExecutionStatus) -> str:
    """The class that gives a status its colour."""
    return f"s-{status.value.lower().replace('_', '-')}"


def legend(counts: dict[ExecutionStatus, int]) -> str:
    """What the colours mean, with the numbers as of now; HTML."""
    entries = "".join(
        f'<li><span class="swatch {status_class(status)}" aria-hidden="true"></span>'
        f"{counts[status]:,} {html_text(status_word(status))}</li>"
        for status in SHOWN_STATUSES
        if counts.get(status)
    )
    return f'<ul class="legend">{entries}</ul>'


def _words(progress: Progress) -> str:
    """The drawing in words, for people who cannot see it."""
    at_ms, counts = progress.points[-1]
    minutes = (at_ms - progress.points[0][0]) / 60_000
    parts = counts_words(dict(zip(_STATUSES, counts, strict=True)))
    return f"Executions by status over {minutes:.1f} minutes; at the end {parts}"

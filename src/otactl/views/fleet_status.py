"""One line that says what a running fleet is doing, redrawn in place on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from otactl.device.state import Phase
from otactl.views.foreign_text import escape, markup
from otactl.views.wording import executions_mark

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.fleet import FleetProgress

_REASONS = 2


class FleetStatus:
    """Shows the status of a fleet. Use as a context manager.

    If standard error is not a terminal, a line is written at the start, whenever executions
    end, and when devices cannot connect, so that a log grows with events, not with time.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("connecting") if console.is_interactive else None
        self._reported: tuple[str, bool] | None = None

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, progress: FleetProgress) -> None:
        """Show the fleet's progress."""
        if self._status is not None:
            self._status.update(markup(describe(progress)))
            return
        news = (_ended(progress), bool(progress.faults))
        if news != self._reported:
            self._reported = news
            self._console.print(describe(progress), soft_wrap=True)


def describe(progress: FleetProgress) -> str:
    """The fleet's progress in one line of rich markup."""
    busy = [
        f"{progress.phases[phase]:,} {phase}"
        for phase in Phase
        if phase is not Phase.IDLE and progress.phases[phase]
    ]
    parts = [f"{progress.connected:,} of {progress.things:,} devices connected", *busy]
    if ended := _ended(progress):
        parts.append(ended)
    if progress.faults:
        reasons = sorted(set(progress.faults.values()))[:_REASONS]
        parts.append(
            f"[red]{len(progress.faults):,} cannot connect: {escape('; '.join(reasons))}[/]"
        )
    return " · ".join(parts)


def _ended(progress: FleetProgress) -> str:
    mark = executions_mark(sum(progress.finished.values()), progress.things)
    listed = ", ".join(
        f"{count:,} {(status.value if status else 'taken away').lower()}"
        for status, count in sorted(
            progress.finished.items(), key=lambda item: item[0].value if item[0] else ""
        )
    )
    return f"{mark.strip()}: {listed}" if mark else listed

"""The live monitor on a terminal: draws frames, reads keys, and performs their acts."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import replace

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import Segment

from otactl.errors import Interrupted, OtactlError
from otactl.monitor.board import Board
from otactl.operations.watch.actions import WatchActions
from otactl.views.monitor_terminal.frame import Frame, draw
from otactl.views.monitor_terminal.keyboard import Keyboard
from otactl.views.monitor_terminal.screen import (
    Act,
    Cancel,
    Decide,
    PollNow,
    Quit,
    Screen,
    ShowThing,
    WantStatus,
    press,
)


class BackgroundTasks:
    """Runs tasks one after the other in a daemon thread, and keeps their results."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], str | None]] = queue.SimpleQueue()
        self._reported: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="background-tasks", daemon=True).start()

    def send(self, task: Callable[[], str | None]) -> None:
        """Queue a task. ``read`` later returns its result, or its error's message."""
        self._waiting.put(task)

    def read(self) -> str | None:
        """The next result; None if there is none."""
        try:
            return self._reported.get_nowait()
        except queue.Empty:
            return None

    def _run(self) -> None:
        while True:
            task = self._waiting.get()
            try:
                self._reported.put(task() or "")
            except OtactlError as error:
                self._reported.put(str(error))


#: The longest time until a key, or a new size of the window, has an effect.
_BEAT_SECONDS = 0.1
#: The screen is redrawn after N beats without a change: a terminal may have been cleared.
_REDRAW_BEATS = 20


def _mark(code: str) -> Control:
    mark = Control()
    mark.segment = Segment(code, None, [])
    return mark


#: Terminals with synchronized output (DEC mode 2026) show a frame only when it is complete.
_FRAME_BEGINS, _FRAME_ENDS = _mark("\x1b[?2026h"), _mark("\x1b[?2026l")


class MonitorSession:
    """The monitor on a terminal.

    Args:
        stays: Whether it stays open when the watch has ended, so that people can read it.
    """

    def __init__(
        self,
        board: Board,
        console: Console,
        keyboard: Keyboard,
        actions: WatchActions,
        *,
        stays: bool,
    ) -> None:
        self._board = board
        self._console = console
        self._keyboard = keyboard
        self._actions = actions
        self._stays = stays
        self._screen = Screen(jobs=len(board.job_ids))
        self._tasks = BackgroundTasks()

    def run(self) -> None:
        """Show the jobs until the user quits, or the watch ends and ``stays`` is false.

        Raises:
            Interrupted: The terminal has gone.
        """
        try:
            with Live(console=self._console, screen=True, auto_refresh=False) as live:
                self._show(live)
        except OSError as error:
            raise Interrupted(signal.SIGHUP) from error

    def _show(self, live: Live) -> None:
        drawn: tuple[object, ...] = ()
        frame, beats = self._draw(), 0
        while True:
            size = self._console.size
            version = (self._board.version, self._screen, size)
            if version != drawn or beats % _REDRAW_BEATS == 0:
                frame, drawn = self._draw(), version
                self._refresh(live, frame)
            if self._board.is_finished and (not self._stays or self._board.failure is not None):
                return
            beats += 1
            reported = self._tasks.read()
            if reported is not None:
                self._screen = replace(self._screen, message=reported)
            keys = self._keyboard.read(_BEAT_SECONDS)
            if self._keyboard.is_gone:
                raise Interrupted(signal.SIGHUP)
            for key in keys:
                before = self._screen
                self._screen, act = press(before, key, frame.list_state)
                if isinstance(act, Quit):
                    return
                if act is not None:
                    self._perform(act)
                if self._screen != before:
                    # The next key refers to the screen as the user would see it by now.
                    frame = self._draw()

    def _refresh(self, live: Live, frame: Frame) -> None:
        with self._console:
            self._console.control(_FRAME_BEGINS)
            live.update(Group(*frame.lines), refresh=True)
            self._console.control(_FRAME_ENDS)

    def _draw(self) -> Frame:
        size = self._console.size
        return draw(self._board, self._screen, width=size.width, height=size.height)

    def _perform(self, act: Act) -> None:
        job_id = self._board.job_ids[self._screen.job]
        match act:
            case PollNow():
                self._actions.poll_now()
            case WantStatus():
                self._board.want(job_id, act.status)
                self._actions.poll_now()
            case ShowThing():
                name = act.thing_name
                self._tasks.send(lambda: self._actions.show_thing(job_id, name))
            case Decide():
                decided, comment = act.act, act.comment
                self._tasks.send(lambda: self._actions.decide(job_id, decided, comment))
            case Cancel():
                target, force = act.thing_name, act.force
                self._tasks.send(lambda: self._actions.cancel(job_id, target, force=force))

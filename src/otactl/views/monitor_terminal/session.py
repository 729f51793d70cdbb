"""The monitor on a terminal, live: draws frames, hears keys, and carries out what they ask for."""

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


class Errands:
    """Runs errands one after the other, and keeps what they came to until somebody asks.

    They run in a thread that nobody has to wait for.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], str | None]] = queue.SimpleQueue()
        self._reported: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="errands", daemon=True).start()

    def send(self, task: Callable[[], str | None]) -> None:
        """Let something be done. What it returns, or its error's words, can be read later."""
        self._waiting.put(task)

    def read(self) -> str | None:
        """What an errand came to; None when there is nothing to tell."""
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


#: A key is answered within this time, and the window's new size noticed.
_BEAT_SECONDS = 0.1
#: What is shown is drawn again so often when nothing happens: a terminal may have been cleared.
_REDRAW_BEATS = 20


def _mark(code: str) -> Control:
    mark = Control()
    mark.segment = Segment(code, None, [])
    return mark


#: Terminals that know these (synchronized output, DEC mode 2026) show a frame when it is whole.
_FRAME_BEGINS, _FRAME_ENDS = _mark("\x1b[?2026h"), _mark("\x1b[?2026l")


class MonitorSession:
    """The monitor on a terminal.

    Args:
        stays: Whether it stays open when the watch has ended, for people to look at.
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
        self._errands = Errands()

    def run(self) -> None:
        """Show the jobs until the user quits, or the watch ends and nobody is there to stay for.

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
            reported = self._errands.read()
            if reported is not None:
                self._screen = replace(self._screen, message=reported)
            keys = self._keyboard.read(_BEAT_SECONDS)
            if self._keyboard.is_gone:
                raise Interrupted(signal.SIGHUP)
            for key in keys:
                before = self._screen
                self._screen, act = press(before, key, frame.around)
                if isinstance(act, Quit):
                    return
                if act is not None:
                    self._carry_out(act)
                if self._screen != before:
                    # The next key means what its presser would have seen by now.
                    frame = self._draw()

    def _refresh(self, live: Live, frame: Frame) -> None:
        with self._console:
            self._console.control(_FRAME_BEGINS)
            live.update(Group(*frame.lines), refresh=True)
            self._console.control(_FRAME_ENDS)

    def _draw(self) -> Frame:
        size = self._console.size
        return draw(self._board, self._screen, width=size.width, height=size.height)

    def _carry_out(self, act: Act) -> None:
        job_id = self._board.job_ids[self._screen.job]
        match act:
            case PollNow():
                self._actions.poll_now()
            case WantStatus():
                self._board.want(job_id, act.status)
                self._actions.poll_now()
            case ShowThing():
                name = act.thing_name
                self._errands.send(lambda: self._actions.show_thing(job_id, name))
            case Decide():
                decided, comment = act.act, act.comment
                self._errands.send(lambda: self._actions.decide(job_id, decided, comment))
            case Cancel():
                target, force = act.thing_name, act.force
                self._errands.send(lambda: self._actions.cancel(job_id, target, force=force))

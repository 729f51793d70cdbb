"""A terminal that a test looks at and types on: a pseudo-terminal with a screen of its own."""

from __future__ import annotations

import contextlib
import os
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
import pyte
from tests.support.warm_program import WarmTerminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_DEADLINE_SECONDS = 60
_POLL_SECONDS = 0.05
#: Set between the marks of a frame (synchronized output), as pyte keeps private modes.
_FRAME = 2026 << 5


class Terminal:
    """Runs ``otactl`` on a pseudo-terminal, until the ``with`` block is left or its own end.

    Args:
        arguments: Of ``otactl``.
        env: Its environment; the width comes from the terminal.
        size: Columns and rows.
        options: Of ``WarmTerminal``.
    """

    def __init__(
        self,
        *arguments: str,
        env: dict[str, str],
        size: tuple[int, int] = (80, 24),
        **options: Any,
    ) -> None:
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        #: Everything that was written to it.
        self.raw = ""
        fleet_context = {
            name: text for name, text in env.items() if name not in ("COLUMNS", "LINES")
        }
        self._child = WarmTerminal(
            arguments,
            env=fleet_context | {"TERM": "xterm-256color"},
            dimensions=(rows, columns),
            **options,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """What is on the screen, as one text."""
        return "\n".join(self.lines)

    @property
    def cpu_seconds(self) -> float:
        """The processor time the program used so far; it must still run."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def echoes(self) -> bool:
        """Whether the terminal is as a shell wants it: it shows what is typed."""
        local_modes = termios.tcgetattr(self._child.child_fd)[3]
        return bool(local_modes & termios.ECHO and local_modes & termios.ICANON)

    def wait_for(self, words: str | Callable[[str], object]) -> None:
        """Wait until words are on the screen."""
        until = time.monotonic() + _DEADLINE_SECONDS
        while self._is_torn or not (words(self.text) if callable(words) else words in self.text):
            assert self._read(), f"ended without {words!r}:\n{self.text}"
            assert time.monotonic() < until, f"never saw {words!r}:\n{self.text}"

    def watch(self, seconds: float) -> None:
        """Let the program go on for a while, and take in what it draws."""
        until = time.monotonic() + seconds
        while (time.monotonic() < until or self._is_torn) and self._read():
            pass

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self._child.send(key)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size, as a person pulls at its corner."""
        self.screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, self._child.child_fd)
        os.close(nowhere)

    def send_signal(self, signal_number: int) -> None:
        """Send the program a signal."""
        self._child.kill(signal_number)

    def is_running(self) -> bool:
        """Whether the program still runs."""
        return self._child.isalive()

    def end(self, seconds: float = _DEADLINE_SECONDS) -> int:
        """Wait for the program's own end; returns its exit code, negative for a signal."""
        until = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < until, f"does not end:\n{self.text}"
        return self.exit_code(until - time.monotonic())

    def exit_code(self, seconds: float = _DEADLINE_SECONDS) -> int:
        """Wait for the program's end without reading its terminal."""
        until = time.monotonic() + seconds
        while self._child.isalive():
            assert time.monotonic() < until, "does not end"
            time.sleep(_POLL_SECONDS)
        if self._child.signalstatus is not None:
            return -int(self._child.signalstatus)
        return int(self._child.exitstatus)

    @property
    def _is_torn(self) -> bool:
        """Whether a frame is on the screen by half."""
        return _FRAME in self.screen.mode

    def _read(self) -> bool:
        """Take in what was written meanwhile; False when nothing more will come."""
        with contextlib.suppress(pexpect.TIMEOUT):
            try:
                written = self._child.read_nonblocking(65536, timeout=_POLL_SECONDS)
            except pexpect.EOF:
                return False
            self.raw += written
            self._stream.feed(written)
        return True

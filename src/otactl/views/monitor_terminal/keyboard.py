"""Keys of a terminal, one by one, as they are pressed.

The terminal leaves line mode and is always restored. Signals stay: Ctrl-C still interrupts. A
terminal that has gone sends no more keys; reading it never becomes a busy loop.
"""

from __future__ import annotations

import os
import re
import select
import termios
import tty
from typing import Self

# What terminals send for the keys that have a name (xterm, VT100, Linux console).
_SEQUENCES = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "\x1b[5~": "pageup",
    "\x1b[6~": "pagedown",
    "\x1b[H": "home",
    "\x1bOH": "home",
    "\x1b[1~": "home",
    "\x1b[F": "end",
    "\x1bOF": "end",
    "\x1b[4~": "end",
    "\x1b": "escape",
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
}
#: One key. The letters of an unknown sequence must not count as keys.
_KEY = re.compile(r"\x1b\[[0-9;]*.?|\x1bO[0-9;]*.?|.", re.DOTALL)
_READ_BYTES = 1024


def decode_keys(text: str) -> list[str]:
    """The keys in what a terminal sent at once; unknown ones are left out."""
    keys = (_SEQUENCES.get(sent, sent) for sent in _KEY.findall(text))
    return [key for key in keys if key.isprintable()]


class Keyboard:
    """The keyboard of a terminal. Use as a context manager.

    Args:
        descriptor: The terminal's file descriptor.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before: list[object] | None = None
        self.is_gone = False

    def __enter__(self) -> Self:
        try:
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor, termios.TCSADRAIN)
        except (termios.error, OSError):
            self.is_gone = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            try:
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]  # what tcgetattr gave
            except (termios.error, OSError):
                self.is_gone = True

    def read(self, timeout_seconds: float) -> list[str]:
        """The keys pressed within the timeout; empty if none was."""
        if self.is_gone:
            # Without a terminal there are no keys, but the caller still needs the pause.
            select.select([], [], [], timeout_seconds)
            return []
        try:
            ready, _, _ = select.select([self._descriptor], [], [], timeout_seconds)
            if not ready:
                return []
            received = os.read(self._descriptor, _READ_BYTES)
        except OSError:
            received = b""
        if not received:
            self.is_gone = True
        return decode_keys(received.decode(errors="replace"))

"""How the server process learns that its parent is gone, even by ``kill -9``.

The parent holds the writing end of a pipe and never writes. When the parent ends, however it
ends, the kernel closes that end and the reader here sees the end of the file. Linux' PDEATHSIG is
not used beside it: it fires when the *thread* that started the child ends, not the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def watch(lifeline_fd: int, on_end: Callable[[], None]) -> None:
    """Call ``on_end`` in a thread of its own once the other end of the pipe is closed.

    A thread, because a busy event loop must not keep an orphan alive.

    Args:
        lifeline_fd: The reading end.
        on_end: Called once.
    """
    os.set_inheritable(lifeline_fd, False)  # noqa: FBT003  # positional-only there

    def wait() -> None:
        while os.read(lifeline_fd, 64):
            pass
        on_end()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()

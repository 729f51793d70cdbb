"""Serves an empty page from a process that may open few files; prints its address.

python -m tests.support.page_with_few_files
"""

from __future__ import annotations

import resource
import signal
import sys

from otactl.monitor.board import Board
from otactl.views.page.server import serving_page

#: A process with its interpreter, event loop and listener needs about ten.
_FILES = 40


class _NoActions:
    """Nobody presses a button."""


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with serving_page(Board([]), _NoActions(), 0) as address:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        while True:
            signal.pause()


if __name__ == "__main__":
    main()

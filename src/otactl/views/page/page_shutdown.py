"""The end of the program, as the pages that are open meet it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

#: Held while a page is open.
OpenPage = AbstractContextManager[None]


class PageShutdown:
    """Counts the pages that are open, and holds the end up until they have asked what they need.

    A page draws and lists less often than news comes. So at the end it asks once more:
    else it would stand there for good with a table older than its counts.
    """

    def __init__(self) -> None:
        self._pages = 0
        self._is_said = False
        self._changed = threading.Condition()

    @property
    def is_said(self) -> bool:
        """Whether the program is about to end."""
        return self._is_said

    def open_page(self, most: int) -> OpenPage | None:
        """Take a place for a page that opens; None when ``most`` are open."""
        with self._changed:
            if self._pages >= most:
                return None
            self._pages += 1
        return self._hold_open()

    @contextmanager
    def _hold_open(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._changed:
                self._pages -= 1
                self._changed.notify_all()

    def say(self, wait_seconds: float) -> None:
        """Let all pages know, and wait until they are closed, but no longer than this."""
        with self._changed:
            self._is_said = True
            self._changed.wait_for(lambda: self._pages == 0, wait_seconds)

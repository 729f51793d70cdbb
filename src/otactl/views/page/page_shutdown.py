"""Notifies open pages that the program ends, and waits for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

#: Held while a page is open.
OpenPage = AbstractContextManager[None]


class PageShutdown:
    """Counts the open pages, and delays the end until they have read what they need.

    A page updates its charts and table less often than news comes. So at the end it reads once
    more; otherwise it would keep a table that is older than its counts.
    """

    def __init__(self) -> None:
        self._pages = 0
        self._is_announced = False
        self._changed = threading.Condition()

    @property
    def is_announced(self) -> bool:
        """Whether the program is about to end."""
        return self._is_announced

    def open_page(self, most: int) -> OpenPage | None:
        """Count a page as open for as long as the result is held; None if ``most`` are open."""
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

    def announce(self, wait_seconds: float) -> None:
        """Notify all pages, and wait until they are closed, but no longer than this."""
        with self._changed:
            self._is_announced = True
            self._changed.wait_for(lambda: self._pages == 0, wait_seconds)

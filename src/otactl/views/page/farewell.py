"""The end of the program, as the pages that are open meet it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Farewell:
    """Counts the pages that are open, and holds the end up until they have asked what they need.

    A page draws and lists less often than it is told of news. So at the end it asks once more:
    else it would stand there for good with a table older than its counts.
    """

    def __init__(self) -> None:
        self._pages = 0
        self._is_said = False
        self._changed = threading.Condition()

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return self._pages

    @property
    def is_said(self) -> bool:
        """Whether the program is about to end."""
        return self._is_said

    @contextmanager
    def open_page(self) -> Iterator[None]:
        """A page is open for as long as the block lasts."""
        with self._changed:
            self._pages += 1
        try:
            yield
        finally:
            with self._changed:
                self._pages -= 1
                self._changed.notify_all()

    def say(self, patience_seconds: float) -> None:
        """Let all pages know, and wait until they are closed, but no longer than this."""
        with self._changed:
            self._is_said = True
            self._changed.wait_for(lambda: self._pages == 0, patience_seconds)

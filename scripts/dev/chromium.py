"""A real Chromium without a window, for pictures and for tests: quiet, with nothing of the user's.

It talks to nobody but the pages it is sent to: no updates, no synchronisation, no first-run pages.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: What a user reads when there is none.
MISSING = "chromium is not installed: apt-get install --no-install-recommends chromium"


def find_chromium() -> str | None:
    """Where Chromium is; None when it is not installed."""
    return shutil.which("chromium")


@contextmanager
def started_chromium(path: str, *flags: str) -> Iterator[Browser]:
    """Start Chromium; it ends with the block.

    Args:
        path: From ``find_chromium``.
        flags: Beside those it always gets.
    """
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags]) as browser,
    ):
        yield browser

"""A page in a real browser, watched for what no page of ours may do.

It may ask nobody but its own program, run nothing that came from outside, and complain of nothing.
Playwright's sync API keeps an event loop of its own in the thread it is used in: fixtures that hold
a browser belong to one module, and asynchronous code beside it runs in another thread.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from scripts.dev.chromium import FLAGS, MISSING, find_chromium, started_chromium

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

#: What a page may wait for in a test.
PATIENCE_MS = 30_000
#: The browser's own words for a request that could not be made; some tests are about those.
_LOST = "Failed to load resource: net::"


@contextmanager
def chromium_or_skip() -> Iterator[Browser]:
    """A browser for some tests, which are skipped where there is none."""
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    expect.set_options(timeout=PATIENCE_MS)
    with started_chromium(path) as browser:
        yield browser


def another_chromium(browser: Browser, *flags: str) -> Browser:
    """A second browser with flags of its own, to be used as a context manager.

    Args:
        browser: The first one, which runs.
        flags: Beside the usual ones.
    """
    return browser.browser_type.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])


@contextmanager
def opened(browser: Browser, address: str, *, may_lose: bool = False, **options) -> Iterator[Page]:
    """Open an address in a browser profile of its own, and require that the page behaved.

    Args:
        browser: From ``chromium_or_skip``.
        address: Of the page.
        may_lose: Whether requests may fail because nobody answers.
        options: As ``Browser.new_context`` takes them.
    """
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    own = urlsplit(address)[:2]
    faults: list[str] = []

    def on_request(request: Request) -> None:
        if urlsplit(request.url)[:2] != own and not request.url.startswith("data:"):
            faults.append(f"asked {request.url}")

    def on_console(message: ConsoleMessage) -> None:
        lost = may_lose and message.text.startswith(_LOST)
        if message.type in ("error", "warning") and not lost:
            faults.append(f"complained: {message.text}")

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("pageerror", lambda error: faults.append(f"failed: {error}"))
    page.on("dialog", lambda dialog: (faults.append(f"said {dialog.message}"), dialog.dismiss()))
    context.on("page", lambda _: faults.append("opened another page"))
    page.goto(address)
    yield page
    context.close()
    assert not faults, faults


def unnamed_controls(page: Page) -> list[str]:
    """The controls that a screen reader could not name, as the browser itself computes names."""
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    controls = {"button", "link", "textbox", "searchbox", "combobox", "checkbox"}
    controls |= {"DisclosureTriangle", "dialog", "navigation", "region", "table", "image"}
    return [
        str(node["role"]["value"])
        for node in tree
        if not node["ignored"]
        and node["role"]["value"] in controls
        and not node.get("name", {}).get("value")
    ]


def run_beside(coroutine: Coroutine) -> None:
    """Run asynchronous code while a browser is open: in a thread of its own."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(coroutine)
        except BaseException as error:  # noqa: BLE001 - raised in the test
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for failure in failures:
        raise failure

"""``otactl monitor --web`` and what it watches, run as a user runs them, for browser tests."""

from __future__ import annotations

import re
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.e2e.deployable import Deployable
from tests.e2e.program import environment
from tests.support.warm_program import WarmProgram

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from otactl.cloud import RunningCloud

#: How long a program may take to say what is waited for, and to end.
_DEADLINE_SECONDS = 120


class Running:
    """A program that runs, and what it has said so far."""

    def __init__(self, process: WarmProgram) -> None:
        self.process = process
        self._said: list[str] = []
        self._heard = 0
        self._is_silent = False
        self._news = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        for line in self.process.stderr:
            with self._news:
                self._said.append(line)
                self._news.notify_all()
        with self._news:
            self._is_silent = True
            self._news.notify_all()

    @property
    def text(self) -> str:
        """All it said so far."""
        return "".join(self._said)

    def wait_for(self, pattern: str) -> str:
        """Wait until it says something that it has not been heard to say. Returns what matched."""
        with self._news:
            while True:
                while self._heard < len(self._said):
                    self._heard += 1
                    if found := re.search(pattern, self._said[self._heard - 1]):
                        return found.group()
                heard = self._news.wait_for(self._is_news, _DEADLINE_SECONDS)
                assert heard, f"it never said {pattern}: {self.text}"
                assert self._heard < len(self._said), f"it ended without {pattern}: {self.text}"

    def _is_news(self) -> bool:
        return self._heard < len(self._said) or self._is_silent

    def wait(self) -> int:
        """Wait until it has ended. Returns its exit code."""
        code = self.process.wait(_DEADLINE_SECONDS)
        self._listener.join(_DEADLINE_SECONDS)
        return code

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop it, unless it has ended. Returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()


@contextmanager
def running(*arguments: str, cloud: RunningCloud | None = None, cwd: Path) -> Iterator[Running]:
    """Run ``otactl`` beside the test; Ctrl-C ends it with the block, and it must not mind."""
    with WarmProgram(arguments, env=environment(cloud), cwd=cwd) as process:
        program = Running(process)
        try:
            yield program
        finally:
            program.stop()
    assert "Traceback" not in program.text, program.text


@contextmanager
def watching(
    *arguments: str, cloud: RunningCloud | None = None, cwd: Path
) -> Iterator[tuple[Running, str]]:
    """Run ``otactl monitor --web`` in a folder; yields it and the address of its page."""
    command = ("monitor", *arguments, "--web", "--poll", "0.5", "--state-dir", "state")
    with running(*command, cloud=cloud, cwd=cwd) as program:
        yield program, program.wait_for(r"http://\S+")


@contextmanager
def rehearsing(*arguments: str, cwd: Path) -> Iterator[Running]:
    """Run ``otactl rehearse dev.ini`` in a folder, as far as its job."""
    with running("rehearse", "dev.ini", *arguments, "--state-dir", "state", cwd=cwd) as program:
        program.wait_for("create job")
        yield program


def deployable(folder: Path, name: str, things: int, sections: str = "", **switches) -> Path:
    """Files of a deployment; it is rehearsed in its folder."""
    folder.mkdir(exist_ok=True)
    Deployable(
        folder=folder,
        thing_names=[f"pump-{number:02}" for number in range(1, things + 1)],
        bucket=f"page-{name}",
        role_arn="arn:aws:iam::123456789012:role/ota-stream",
        job_id=f"job-{name}",
        image_bytes=20_000,
        sections=sections,
    ).write(**switches)
    return folder


def rows(page: Page) -> Locator:
    """The things the table shows."""
    return page.locator("#rows tr")


def press_until(page: Page, key: str, focused: Locator) -> None:
    """Press a key again and again, until something has the focus."""
    for _ in range(80):
        page.keyboard.press(key)
        if focused.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{key} never reached {focused}")

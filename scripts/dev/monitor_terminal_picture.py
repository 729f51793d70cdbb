"""Draws the monitor on a terminal, in the middle of a rehearsal, as SVGs.

    python -m scripts.dev.monitor_terminal_picture [FOLDER]

The rehearsal is the one of ``monitor_pictures``, with a larger image; `otactl monitor` watches it
on pseudo-terminals, as a user would. What stands on their screens when about half is over is drawn:
the overview, and with ``--all`` also what one looks at to judge the view: 80 columns, without
colour, the list, a thing, the help.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pyte
from scripts.dev.monitor_pictures import FOLDER, REHEARSAL, otactl, read_until, write_files
from scripts.dev.terminal_picture import DimmingScreen, draw

from otactl.device.behaviour import Behaviour, deal_behaviours, parse_behave

if TYPE_CHECKING:
    from collections.abc import Callable

WATCH = ("--silent", "60", "--poll", "1")
#: Slow things that are at work about then: one of them is shown while it downloads.
FOLLOWED = slice(80, 130)
#: So large that a slow thing reports its progress on the way: every 64 blocks of 4 KiB.
IMAGE_BYTES = 600_000
LINK_SPEED = ("--link-speed", "16000")
HALF = re.compile(r"(4\d|5\d|6\d)%")
TITLE = "otactl monitor dev.ini"
DEADLINE_SECONDS = 300


class Screen:
    """A program on a pseudo-terminal."""

    def __init__(
        self, folder: str, size: tuple[int, int], *arguments: str, **environment: str
    ) -> None:
        columns, rows = size
        self.screen = DimmingScreen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "OTACTL_"))}
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "otactl", "monitor", "dev.ini", *WATCH, *arguments, "--state-dir", "state"],
            dimensions=(rows, columns),
            cwd=folder,
            env=plain | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | environment,
            encoding="utf-8",
        )

    @property
    def text(self) -> str:
        """What stands on it."""
        return "\n".join(self.screen.display)

    def wait_for(self, condition: Callable[[str], object]) -> None:
        """Wait until something stands on it."""
        until = time.monotonic() + DEADLINE_SECONDS
        while not condition(self.text):
            self.take_in()
            if time.monotonic() > until:
                raise SystemExit(f"it never was as it should:\n{self.text}")

    def take_in(self, seconds: float = 0.2) -> None:
        """Take in what is written within a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                self._stream.feed(self._child.read_nonblocking(65536, timeout=0.05))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                return

    def press(self, keys: str) -> None:
        """Press keys."""
        self._child.send(keys)

    def quit(self) -> None:
        """Leave."""
        self._child.send("q")
        self._child.expect(pexpect.EOF)


def main() -> None:
    """Rehearse, watch, draw."""
    arguments = [each for each in sys.argv[1:] if each != "--all"]
    folder = Path(arguments[0]) if arguments else FOLDER
    with tempfile.TemporaryDirectory() as work:
        write_files(Path(work))
        (Path(work) / "pump-controller-2.4.1.bin").write_bytes(os.urandom(IMAGE_BYTES))
        with otactl(work, "rehearse", "dev.ini", *REHEARSAL, *LINK_SPEED) as rehearsal:
            read_until(rehearsal, r"create job")
            wide = Screen(work, (100, 24), *slow_things(Path(work)))
            wide.wait_for(lambda text: HALF.search(text) and "downloading block" in text)
            draw(wide.screen, TITLE, folder / "monitor-terminal.svg")
            if "--all" in sys.argv:
                draw_the_rest(work, folder)
            wide.quit()


def slow_things(folder: Path) -> list[str]:
    """The arguments that follow two slow things which are told of the job in the middle."""
    names = [line.rpartition("/")[2] for line in (folder / "things.txt").read_text().split()]
    options = dict(zip(REHEARSAL[::2], REHEARSAL[1::2], strict=True))
    dealt = deal_behaviours(names, parse_behave(options["--behave"]), int(options["--seed"]))
    slow = [name for name in names[FOLLOWED] if dealt[name] is Behaviour.SLOW]
    return [argument for name in slow[:4:2] for argument in ("--thing", name)]


def draw_the_rest(work: str, folder: Path) -> None:
    """What nobody needs in the documentation, and whoever changes the view wants to see."""
    small, plain = Screen(work, (80, 24)), Screen(work, (80, 24), NO_COLOR="1")
    for screen, name in ((small, "small"), (plain, "plain")):
        screen.wait_for(lambda text: " over, " in text)
        draw(screen.screen, TITLE, folder / f"{name}.svg")
    for keys, name in (("t", "list"), ("ff", "filtered"), ("\r", "thing"), ("?", "help")):
        small.press(keys)
        small.take_in(1.5)
        draw(small.screen, TITLE, folder / f"{name}.svg")
    plain.press("c")
    plain.take_in(1)
    draw(plain.screen, TITLE, folder / "cancel.svg")
    plain.press("\x1b")
    small.quit()
    plain.quit()


if __name__ == "__main__":
    main()

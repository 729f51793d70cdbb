"""Makes the pictures of the live page and of the report in docs/images, in real Chromium.

    python -m scripts.dev.monitor_pictures [FOLDER]

A rehearsal of 200 pumps runs in fast motion: most succeed, some fail, refuse, fall silent or are
slow. `otactl monitor --web` watches it as a user would. The page is photographed in the middle, in
light, dark and on a phone; the report when the rehearsal is over. So the pictures show what a
reader will see, not what we wish.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect
from scripts.dev.chromium import MISSING, find_chromium, started_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, ViewportSize

FOLDER = Path(__file__).parents[2] / "docs" / "images"
JOB = "pumps-2-4-1"
THINGS = 200
SITES = ("harbour", "hilltop", "riverside", "westgate")
#: Everything the page has a place for happens within so many seconds of the rehearsal.
REHEARSAL = ("--speed", "8", "--link-speed", "4000", "--seed", "3")
REHEARSAL += ("--behave", "fail=6,reject=2,silent=3,slow=15,corrupt=2,drop=3")
WATCH = ("--web", "--silent", "60", "--thing", "pump-riverside-45")
#: The pictures are taken when so much has happened: a hundred things and more are over, and several
#: are at work this very moment.
IN_THE_MIDDLE = re.compile(r"^(9\d|1[0-4]\d) succeeded([5-9]|\d\d) in progress")
DEADLINE_SECONDS = 300
DESKTOP: ViewportSize = {"width": 1280, "height": 1180}
DIALOG: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}

DEV_INI = f"""\
[DEFAULT]
thingList = things.txt
binName = pump-controller-2.4.1.bin
roleArn = arn:aws:iam::123456789012:role/ota-stream
jobId = {JOB}
rounds = 1
bucket = firmware-of-pumps
cleanUpCfg = True
debug = False
defaultDelay = 0
region = eu-west-1
streamId = stream-{JOB}
iotApiSleepTime = 0
fileChunkSize = 8192
targetSelection = SNAPSHOT
useJobExecutionsRolloutConfig = True
useTimeoutConfig = True
useAbortConfig = True

[JOB_EXECUTE_ROLLOUT_CONFIG]
maximumPerMinute = 60
useExponentialRateCfg = True

[EXP_RATE_CONFIG]
baseRatePerMinute = 10
incrementFactor = 1.5
useRateIncreaseCriteria = True

[INCREASE_CRITERIA]
numberOfSucceededThings = 20

[TIMEOUT_CONFIG]
inProgressTimeoutInMinutes = 3

[ABORT_CONFIG]
useFailedSubsection = True

[ABORT_CONFIG_TYPE_FAILED]
failureType = FAILED
thresholdPercentage = 20.0
minNumberOfExecutedThings = 20
"""


def main() -> None:
    """Rehearse, watch, take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    chromium = find_chromium()
    if chromium is None:
        sys.exit(MISSING)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, started_chromium(chromium) as browser:
        write_files(Path(work))
        with otactl(work, "rehearse", "dev.ini", *REHEARSAL) as rehearsal:
            read_until(rehearsal, r"create job")
            with otactl(work, "monitor", "dev.ini", *WATCH) as monitor:
                take_page(browser, read_until(monitor, r"http://\S+"), folder)
            rehearsal.communicate(timeout=DEADLINE_SECONDS)
        with otactl(work, "report", JOB, "--out", "report.html") as reporting:
            reporting.communicate(timeout=DEADLINE_SECONDS)
        take_report(browser, Path(work) / "report.html", folder)


def write_files(folder: Path) -> None:
    """Write the deployment: things, image, dev.ini."""
    names = [f"pump-{SITES[n % len(SITES)]}-{n // len(SITES) + 1:02}" for n in range(THINGS)]
    arns = (f"arn:aws:iot:eu-west-1:123456789012:thing/{name}\n" for name in names)
    (folder / "things.txt").write_text("".join(arns))
    (folder / "pump-controller-2.4.1.bin").write_bytes(os.urandom(120_000))
    (folder / "dev.ini").write_text(DEV_INI)


@contextmanager
def otactl(folder: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program in a folder, which also keeps its state; it is ended with the block."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "OTACTL_"))}
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "otactl", *arguments, "--state-dir", "state"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Read what a program says until something is in it. Returns that."""
    said = []
    for line in process.stderr or ():
        said.append(line)
        found = re.search(pattern, line)
        if found:
            return found.group()
    raise SystemExit(f"it never said {pattern}:\n{''.join(said)}")


def take_page(browser: Browser, address: str, folder: Path) -> None:
    """The page in the middle of a rollout: light, dark, on a phone, and with a thing open."""
    light = browser.new_page(viewport=DESKTOP, color_scheme="light")
    phone = browser.new_page(viewport=PHONE, color_scheme="light", device_scale_factor=2)
    dark = browser.new_page(viewport=DESKTOP, color_scheme="dark")
    for page in (light, phone, dark):
        page.goto(address)
    expect(light.locator("#counts")).to_have_text(IN_THE_MIDDLE, timeout=DEADLINE_SECONDS * 1000)
    settle(light)
    light.screenshot(path=folder / "monitor-page.png")
    phone.screenshot(path=folder / "monitor-page-phone.png")
    dark.screenshot(path=folder / "monitor-page-dark.png")
    take_thing(light, folder)
    for page in (light, phone, dark):
        page.close()


def take_thing(page: Page, folder: Path) -> None:
    """The table with a filter, and a thing that failed."""
    page.set_viewport_size(DIALOG)
    page.get_by_role("combobox", name="Status").select_option("FAILED")
    expect(page.locator("#rows tr").first).to_contain_text("failed")
    page.locator("#rows button").first.click()
    expect(page.locator("#thing-body")).to_contain_text("sha256")
    page.screenshot(path=folder / "monitor-page-thing.png")


def settle(page: Page) -> None:
    """Wait until the drawings and the table are those of this moment: they follow within 2 s."""
    expect(page.locator("#progress svg")).to_be_visible()
    page.wait_for_timeout(500)


def take_report(browser: Browser, report: Path, folder: Path) -> None:
    """The report, its upper part."""
    page = browser.new_page(viewport=DESKTOP, color_scheme="light")
    page.goto(report.as_uri())
    page.screenshot(path=folder / "report.png")
    page.close()


if __name__ == "__main__":
    main()

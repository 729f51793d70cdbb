"""Makes docs/images/forecast.png: the page of a forecast, in real Chromium.

    python scripts/dev/forecast_image.py

A bad image, failing on 8% of the devices, goes out twice: by the slow start of
examples/lint/good, and without stages, as examples/lint/bad/OTA201.ini would have it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "docs" / "images" / "forecast.png"
LINT = ROOT / "examples" / "lint"
#: Quiet, offline, and nothing of the user's own.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def main() -> None:
    """Forecast, open the page, take its picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt-get install --no-install-recommends chromium")
    with tempfile.TemporaryDirectory() as folder:
        page_file, staged, unstaged = (
            Path(folder) / name for name in ("page.html", "slow-start.ini", "all-at-once.ini")
        )
        shutil.copy(LINT / "good" / "slow-start-by-success.ini", staged)
        shutil.copy(LINT / "bad" / "OTA201.ini", unstaged)
        command = [sys.executable, "-m", "otactl", "forecast", staged, "--compare", unstaged]
        command += ["--things", "20000", "--image-bytes", "1000000", "--failure-rate", "0.12"]
        command += ["--profile", ROOT / "examples" / "profiles" / "household.toml"]
        command += ["--runs", "100", "--html", page_file]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1100, "height": 1420}, color_scheme="light")
            page.goto(page_file.as_uri())
            page.wait_for_selector("#bandwidth .main-svg")
            IMAGE.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=IMAGE)
            browser.close()


if __name__ == "__main__":
    main()

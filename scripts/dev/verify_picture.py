"""Makes docs/images/verify-report.png: versions before and after the update, in real Chromium.

    python -m scripts.dev.verify_picture

examples/verify.ini is rehearsed with a canary of which some things come back wrong.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.dev.chromium import MISSING, find_chromium, started_chromium

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "docs" / "images" / "verify-report.png"
BEHAVE = "canary:revert=4,canary:brick=2,canary:dark=2,canary:crashloop=2"


def main() -> None:
    """Rehearse, open the report, take its picture."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit(MISSING)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "otactl", "rehearse", ROOT / "examples" / "verify.ini"]
        command += ["--things", "100", "--speed", "60", "--behave", BEHAVE]
        command += ["--former-versions", "1.8.0=70,1.9.0", "--state-dir", folder]
        # The gate fails: that is what is shown.
        subprocess.run(list(map(str, command)), check=False, stdout=subprocess.DEVNULL)  # noqa: S603
        (report,) = (Path(folder) / "reports").glob("*.html")
        with started_chromium(chromium) as browser:
            page = browser.new_page(viewport={"width": 1000, "height": 1000}, color_scheme="light")
            page.goto(report.as_uri())
            page.screenshot(path=IMAGE)
    print(f"wrote {IMAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

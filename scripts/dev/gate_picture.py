"""Makes docs/images/monitor-gate.png: the live page at a gate, of a real rehearsal.

Run it as ``python -m scripts.dev.gate_picture``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import expect
from tests.e2e.monitor_page import deployable, rehearsing, watching
from tests.support.browser import chromium_or_skip, opened

IMAGE = Path(__file__).parents[2] / "docs" / "images" / "monitor-gate.png"
WAVES = """[TIMEOUT_CONFIG]
inProgressTimeoutInMinutes = 60
[WAVE_CONFIG]
waveList = canary:30, early:20%
soakMinutes = 0
requiredSucceededPercentage = 90
approval = True
"""


def main() -> None:
    """Rehearse until the canary's gate asks, and take the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = deployable(
            Path(name), "pumps", 100, WAVES, useWaveConfig=True, useTimeoutConfig=True
        )
        with (
            chromium_or_skip() as browser,
            rehearsing("--behave", "canary:fail=7", cwd=folder),
            watching("dev.ini", cwd=folder) as (_, address),
            opened(browser, address) as page,
        ):
            page.set_viewport_size({"width": 1200, "height": 900})
            page.locator("#jobs button", has_text="canary").click()
            expect(page.locator("#gate")).to_contain_text(
                "it waits for an approval", timeout=90_000
            )
            page.screenshot(path=IMAGE)


if __name__ == "__main__":
    main()

"""The pages, looked at by axe: what it finds, people with a screen reader run into."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.e2e.monitor_page import deployable, rehearsing, watching
from tests.e2e.program import otactl
from tests.support.browser import chromium_or_skip

axe = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")

EXAMPLES = Path(__file__).parents[2] / "examples"
SCREENS = [("light", 1200), ("dark", 1200), ("light", 390)]


@pytest.fixture(scope="module")
def browser():
    with chromium_or_skip() as started:
        yield started


def findings(browser, address: str, ready: str) -> list[str]:
    """What axe finds on a page, in light, in dark, and on a phone."""
    script = Path(axe.__file__).with_name("axe.min.js").read_text("utf-8")
    found = []
    for scheme, width in SCREENS:
        # The pages' own rules forbid scripts of others: axe is let in.
        screen = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
        with browser.new_context(bypass_csp=True, **screen) as context:
            page = context.new_page()
            page.goto(address)
            expect(page.locator(ready).first).to_be_visible()
            page.evaluate(script)
            ran = page.evaluate("axe.run()")
            assert len(ran["passes"]) > 10
            found += [
                f"{scheme} {width} {one['id']} {one['nodes'][0]['html'][:80]}"
                for one in ran["violations"]
            ]
    return found


def test_the_page_of_a_forecast_has_no_barrier(browser, tmp_path):
    page = tmp_path / "page.html"
    staged = EXAMPLES / "lint" / "good" / "slow-start-by-success.ini"
    options = ("--things", "2000", "--image-bytes", "1000000", "--failure-rate", "0.09")
    ran = otactl("forecast", str(staged), *options, "--html", str(page))
    assert ran.returncode == 0, ran.stderr

    assert findings(browser, page.as_uri(), "#bandwidth .main-svg") == []


def test_the_live_page_and_the_report_have_no_barrier(browser, tmp_path):
    # A batch each six seconds: the page is looked at while something happens.
    rollout = "[JOB_EXECUTE_ROLLOUT_CONFIG]\nmaximumPerMinute = 10\n"
    folder = deployable(tmp_path, "axe", 40, rollout, useJobExecutionsRolloutConfig=True)
    arguments = ("--speed", "10", "--behave", "fail=20", "--report", "report.html")
    with (
        rehearsing(*arguments, cwd=folder) as rehearsal,
        watching("dev.ini", cwd=folder) as (_, address),
    ):
        assert findings(browser, address, "#rows tr") == []
        assert rehearsal.wait() == 1
    assert findings(browser, (folder / "report.html").as_uri(), "svg") == []

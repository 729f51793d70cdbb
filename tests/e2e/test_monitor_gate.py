"""The live page at a gate: what it asks, and a person who answers with its buttons."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.e2e.monitor_page import deployable, rehearsing, watching
from tests.support.browser import chromium_or_skip, opened

from otactl.deploy.decision_file import DecisionFile
from otactl.deploy.store import DeploymentStore
from otactl.model.wave import Act


@pytest.fixture(scope="module")
def browser():
    with chromium_or_skip() as started:
        yield started


def test_a_gate_is_approved_and_the_next_one_rejected_from_the_page(browser, tmp_path):
    waves = (
        "[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 60\n"
        "[WAVE_CONFIG]\nwaveList = canary:5, early:5\nsoakMinutes = 0\napproval = True\n"
    )
    folder = deployable(tmp_path, "gate", 20, waves, useWaveConfig=True, useTimeoutConfig=True)
    with (
        rehearsing("--speed", "5", cwd=folder) as rehearsal,
        watching("dev.ini", cwd=folder) as (_, address),
        opened(browser, address) as page,
    ):
        page.locator("#jobs button", has_text="job-gate-canary").click()
        expect(page.locator("#gate")).to_contain_text("it waits for an approval")
        page.locator("#gate-approve").click()
        expect(page.locator("#gate-dialog")).to_contain_text("with the credentials of the otactl")
        page.locator("#gate-comment").fill("seen them")
        page.locator("#gate-do").click()
        expect(page.locator("#gate-verdict")).to_have_text("pass")

        page.locator("#jobs button", has_text="job-gate-early").click()
        expect(page.locator("#gate")).to_contain_text("it waits for an approval")
        page.locator("#gate-reject").click()
        page.locator("#gate-do").click()
        assert rehearsal.wait() == 9

    store = DeploymentStore(folder / "state")
    decided = DecisionFile(store.path(store.ids()[0])).read()
    assert [(one.act, one.wave, one.comment) for one in decided] == [
        (Act.APPROVE, "canary", "seen them"),
        (Act.REJECT, "", ""),
    ]
    assert all(one.identity.startswith("arn:aws:") for one in decided)

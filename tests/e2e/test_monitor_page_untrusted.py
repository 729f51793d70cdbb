"""The live page and what devices say to it: text, whatever it looks like. Several jobs at once."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.sync_api import expect
from tests.conftest import ACCOUNT_ID, REGION, connected
from tests.e2e.monitor_page import press_until, rows, watching
from tests.support.browser import (
    chromium_or_skip,
    opened,
    run_beside,
    unnamed_controls,
)

from otactl.model.arn import thing_arn
from otactl.testing import registered_device
from otactl.wire.job_topic import JobAnswer, JobTopics

HOSTILE = {
    "reason": "<img src=x onerror=\"window.struck=alert('reason')\">",
    "step": "<script>window.struck=alert('step')</script>",
    "note": "\"><iframe src=javascript:window.struck=alert('note')></iframe>",
    "link": "<a href=javascript:alert(1)>click</a><svg onload=alert(2)>",
}


@pytest.fixture(scope="module")
def browser():
    with chromium_or_skip() as started:
        yield started


@pytest.fixture(scope="module")
def untrusted(cloud, clients, tmp_path_factory):
    """Two jobs for one thing, whose device answers the first with markup, over MQTT and TLS."""
    folder = tmp_path_factory.mktemp("untrusted")
    with registered_device(
        clients, account_id=ACCOUNT_ID, thing_name="page-stranger", directory=folder
    ) as device:
        for job_id in ("job-strange", "job-quiet"):
            clients.iot.create_job(
                jobId=job_id,
                targets=[str(thing_arn(REGION, ACCOUNT_ID, device.thing_name))],
                document=r'{"command": "<b>fota</b>", "file": "fota\u202egnp.exe"}',
                description="<i>a job</i>",
            )
        run_beside(report_markup(cloud, device, "job-strange"))
        arguments = ("-j", "job-strange", "-j", "job-quiet", "--thing", device.thing_name)
        with watching(*arguments, cloud=cloud, cwd=folder) as (_, address):
            yield address
        for job_id in ("job-strange", "job-quiet"):
            clients.iot.delete_job(jobId=job_id, force=True)


async def report_markup(cloud, device, job_id):
    """Report a failure whose every value is markup that would run, were it taken for that."""
    topics = JobTopics(device.thing_name)
    async with connected(cloud, device) as client:
        for topic in topics.subscriptions:
            await client.subscribe(topic)
        await client.publish(topics.start_next, b"{}")
        started = await answer(client, topics, JobAnswer.START_NEXT)
        assert started["execution"]["jobId"] == job_id
        report = {"status": "FAILED", "statusDetails": HOSTILE}
        await client.publish(topics.update(job_id), json.dumps(report).encode())
        await answer(client, topics, JobAnswer.UPDATE)


async def answer(client, topics, wanted):
    """The service's answer to what was asked; a refusal fails the test."""
    async with asyncio.timeout(20):
        async for message in client.messages:
            found = topics.parse(str(message.topic))
            if found is not None and found.answer is wanted:
                assert found.accepted, message.payload
                return json.loads(message.payload)
    raise AssertionError("the service never answered")


def test_what_a_device_reports_is_shown_as_text_and_runs_nothing(browser, untrusted):
    with opened(browser, untrusted) as page:
        expect(page.locator("#failure-rows")).to_contain_text(HOSTILE["reason"])
        expect(page.locator("#attention")).to_contain_text(HOSTILE["step"])
        expect(rows(page)).to_contain_text([HOSTILE["reason"]])
        page.get_by_role("button", name=HOSTILE["reason"]).click()
        expect(page.get_by_role("searchbox")).to_have_value(HOSTILE["reason"])
        expect(rows(page)).to_contain_text([HOSTILE["reason"]])

        rows(page).first.get_by_role("button").click()

        dialog = page.get_by_role("dialog", name="page-stranger")
        for text in HOSTILE.values():
            expect(dialog).to_contain_text(text)
        page.keyboard.press("Escape")
        page.get_by_text("Show", exact=True).click()
        expect(page.locator("#document-body")).to_contain_text("<b>fota</b>")
        # A mark that would turn what follows round, and show it as "exe.png".
        expect(page.locator("#document-body")).to_contain_text("fota\ufffdgnp.exe")

        # Nothing of it became an element, and `opened` requires that nothing ran or complained.
        for name in ("img", "iframe", "b", "i", "a[href^=javascript]"):
            expect(page.locator(f"body {name}")).to_have_count(0)
        expect(page.locator("script")).to_have_count(1)
        assert not page.evaluate("'struck' in window")


def test_several_jobs_have_a_navigation(browser, untrusted):
    with opened(browser, untrusted) as page:
        jobs = page.get_by_role("navigation", name="Jobs")
        first, second = (jobs.get_by_role("button", name=name) for name in ("strange", "quiet"))
        expect(first).to_have_attribute("aria-current", "true")
        expect(page.get_by_role("heading", level=1)).to_have_text("job-strange")
        expect(page.locator("#counts")).to_have_text("1 failed")
        page.get_by_role("searchbox").fill("stranger")

        press_until(page, "Shift+Tab", second)
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", level=1)).to_have_text("job-quiet")
        expect(page.locator("#counts")).to_have_text("1 queued")
        expect(page.locator("#failures-none")).to_be_visible()
        expect(page.locator("#status")).to_have_text("IN PROGRESS")
        expect(second).to_be_focused()
        expect(second).to_have_attribute("aria-current", "true")
        expect(first).to_have_attribute("aria-current", "false")
        assert unnamed_controls(page) == []

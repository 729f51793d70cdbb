"""The live page in a real browser, beside a real rehearsal: what people see, click and type."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.e2e.monitor_page import deployable, press_until, rehearsing, rows, watching
from tests.support.browser import (
    chromium_or_skip,
    opened,
    unnamed_controls,
)

PHONE = {"width": 390, "height": 844}
THINGS = 60


@pytest.fixture(scope="module")
def browser():
    with chromium_or_skip() as started:
        yield started


@pytest.fixture(scope="module")
def progress(tmp_path_factory):
    """A rehearsal that comes to a stand: three things fail, three refuse, three fall silent."""
    folder = deployable(tmp_path_factory.mktemp("standing"), "standing", THINGS)
    with rehearsing("--behave", "fail=5,reject=5,silent=5", cwd=folder) as rehearsal:
        rehearsal.wait_for(f"57 of {THINGS} finished")
        with watching("dev.ini", "--silent", "1", cwd=folder) as (_, address):
            yield address


@pytest.fixture
def page(browser, progress):
    with opened(browser, progress) as one:
        expect(one.locator("#found")).to_have_text(f"{THINGS} things")
        yield one


def test_the_status_filter_shows_what_it_says(page):
    status = page.get_by_role("combobox", name="Status")

    status.select_option("REJECTED")

    expect(page.locator("#found")).to_have_text("3 things")
    expect(rows(page)).to_have_text([re.compile("rejected.*simulated rejection")] * 3)

    status.select_option("TIMED_OUT")

    expect(page.locator("#nothing")).to_have_text("No thing is like that.")
    expect(rows(page)).to_have_count(0)


def test_search_finds_names_and_reasons(page):
    search = page.get_by_role("searchbox", name="Search")

    search.fill("PUMP-1")

    expect(rows(page)).to_have_text([re.compile(f"pump-1{digit}") for digit in range(10)])

    search.fill("failure while")

    expect(rows(page)).to_have_text([re.compile("failed.*simulated failure while installing")] * 3)


def test_a_reason_leads_to_its_things(page):
    page.get_by_role("button", name="simulated rejection").click()

    expect(rows(page)).to_have_text([re.compile("rejected")] * 3)
    expect(page.get_by_role("combobox", name="Status")).to_have_value("REJECTED")


def test_more_than_fifty_things_have_pages(page):
    earlier = page.get_by_role("button", name="Previous page")
    later = page.get_by_role("button", name="Next page")
    expect(page.locator("#page")).to_have_text("1 to 50 of 60")
    expect(rows(page)).to_have_count(50)
    expect(earlier).to_be_disabled()

    later.click()

    expect(page.locator("#page")).to_have_text("51 to 60 of 60")
    expect(rows(page)).to_have_text([re.compile(f"pump-{number}") for number in range(51, 61)])
    expect(later).to_be_disabled()

    # A filter begins at its own first page, not behind its last one.
    page.get_by_role("combobox", name="Status").select_option("FAILED")
    expect(page.locator("#page")).to_have_text("1 to 3 of 3")


def test_things_are_sorted_by_the_head_of_a_column(page):
    name = page.get_by_role("columnheader", name="Thing", exact=True)
    expect(name).to_have_attribute("aria-sort", "ascending")

    name.get_by_role("button").click()

    expect(name).to_have_attribute("aria-sort", "descending")
    expect(rows(page).first).to_contain_text("pump-60")

    page.locator("#things").get_by_role("button", name="Status").click()

    expect(rows(page).first).to_contain_text("in progress")


def test_a_thing_opens_and_shows_what_it_reported(page):
    page.get_by_role("combobox", name="Status").select_option("FAILED")
    expect(rows(page)).to_have_count(3)
    name = rows(page).first.get_by_role("button").inner_text()

    rows(page).first.get_by_role("button").click()

    dialog = page.get_by_role("dialog", name=name)
    expect(dialog).to_contain_text("simulated failure while installing")
    expect(dialog).to_contain_text("downloadTime")
    expect(dialog.get_by_role("button", name="Cancel on this thing")).to_be_disabled()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_who_is_silent_is_named_and_opens(page):
    silent = page.locator("#attention li")
    expect(silent).to_have_text([re.compile(r"pump-\d\d silent for")] * 3)

    silent.first.get_by_role("button").click()

    expect(page.get_by_role("dialog")).to_contain_text("in progress")


def test_the_document_and_the_configuration_are_shown(page):
    page.get_by_text("Show", exact=True).click()

    body = page.locator("#document-body")
    expect(body).to_contain_text('"command": "fota"')
    expect(body).to_contain_text("SNAPSHOT")
    expect(body).to_contain_text("thing/pump-01")


def test_everything_is_done_with_the_keyboard_alone(page):
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the things")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#things")).to_be_focused()

    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="Status")).to_be_focused()
    page.keyboard.type("fail")
    expect(rows(page)).to_have_count(3)
    thing = rows(page).nth(1).get_by_role("button")
    press_until(page, "Tab", thing)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Status details")

    # The table is told anew under the dialog, and the thing must still be there to go back to.
    looked = page.locator("#source").inner_text()
    expect(page.locator("#source")).not_to_have_text(looked)
    with page.expect_response(re.compile("/things")):
        pass
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(thing).to_be_focused()

    # And it keeps the focus while news come in.
    with page.expect_response(re.compile("/things")):
        pass
    expect(thing).to_be_focused()
    press_until(page, "Shift+Tab", page.get_by_role("button", name="Cancel job"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Type the job id")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Cancel job")).to_be_focused()
    expect(page.locator("#status")).to_have_text("IN PROGRESS")


def test_landmarks_and_names_are_there_for_those_who_listen(page):
    for landmark in ("banner", "main", "contentinfo", "search"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    headings = page.get_by_role("heading").all_inner_texts()
    assert headings == [
        "job-standing",
        "How it stands",
        "Executions over time",
        "Download times",
        "Failures by reason",
        "Worth attention",
        "Things",
        "Job document and configuration",
    ]
    progress = "51 succeeded, 3 in progress, 3 failed, 3 rejected"
    expect(page.get_by_role("img", name=progress, exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="Executions by status over")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)
    assert unnamed_controls(page) == []

    rows(page).first.get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text("Status details")
    assert unnamed_controls(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Cancel job").click()
    expect(page.get_by_role("dialog", name="Cancel the job?")).to_be_visible()
    assert unnamed_controls(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 800}], ids=["phone", "desk"])
def test_nothing_sticks_out_and_the_scheme_is_the_users(browser, progress, scheme, viewport):
    with opened(browser, progress, viewport=viewport, color_scheme=scheme) as page:
        expect(rows(page)).to_have_count(50)
        expect(page.locator("#progress svg")).to_be_visible()
        page.get_by_text("Show", exact=True).click()
        expect(page.locator("#document-body")).to_contain_text("SNAPSHOT")
        sticking = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(sticking)

        rows(page).first.get_by_role("button").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("sha256")
        assert not page.evaluate(sticking)
        box = dialog.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= viewport["width"]
        dialog_colour = dialog.evaluate("element => getComputedStyle(element).backgroundColor")
        shade = max(int(part) for part in re.findall(r"\d+", dialog_colour)[:3])
        assert shade < 80 if scheme == "dark" else shade > 200

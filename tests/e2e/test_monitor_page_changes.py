"""The live page while things change: jobs that end, are cancelled or deleted, lines that break."""

from __future__ import annotations

import re
import signal
import time

import pytest
from playwright.sync_api import expect
from tests.conftest import ACCOUNT_ID, REGION
from tests.e2e.monitor_page import deployable, rehearsing, rows, watching
from tests.support.browser import another_chromium, chromium_or_skip, opened
from tests.support.cuttable_proxy import CuttableProxy

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.deploy.journal import Journal
from otactl.deploy.store import DeploymentStore
from otactl.model.arn import thing_arn
from otactl.model.local_cloud import LocalCloudAddress


@pytest.fixture(scope="module")
def browser():
    with chromium_or_skip() as started:
        yield started


def test_counts_reach_the_end_by_themselves(browser, tmp_path):
    # A batch each six seconds: the page is open long before the last one.
    rollout = "[JOB_EXECUTE_ROLLOUT_CONFIG]\nmaximumPerMinute = 10\n"
    folder = deployable(tmp_path, "end", 40, rollout, useJobExecutionsRolloutConfig=True)
    arguments = ("--speed", "10", "--behave", "fail=10")
    with (
        rehearsing(*arguments, cwd=folder) as rehearsal,
        watching("dev.ini", cwd=folder) as (monitor, address),
        opened(browser, address) as page,
    ):
        expect(page.locator("#status")).to_have_text("IN PROGRESS")
        expect(page.locator("#counts")).to_contain_text("not notified yet")
        seen = page.locator("#over").inner_text()
        assert int(seen) < 40
        expect(page.locator("#over")).not_to_have_text(seen)

        # The rehearsal takes its job and its cloud down at once; what was written down stands.
        expect(page.locator("#status")).to_have_text("COMPLETED")
        expect(page.locator("#counts")).to_have_text("36 succeeded4 failed")
        # It ended, and not well: neither its colour nor its share says otherwise.
        expect(page.locator("#status")).to_have_attribute("data-tone", "bad")
        expect(page.locator("#outcome")).to_have_text("36 of 40 succeeded, 90%")
        expect(page.locator("#share")).to_have_text("90%")
        expect(page.locator("#live")).to_have_text("nothing more will come")
        expect(page.get_by_role("button", name="Cancel job")).to_be_disabled()
        expect(page.locator("#found")).to_have_text("40 things")
        expect(page.locator("#failure-rows")).to_contain_text("simulated failure while installing")
        expect(page.locator("#progress svg")).to_contain_text("36 succeeded")
        expect(page.locator("#downloads svg")).to_contain_text("Download times of")
        assert page.title() == "\u2717 90% job-end"
        assert rehearsal.wait() == 1

        assert monitor.stop() == 130
        expect(page.locator("#notice")).to_contain_text("otactl monitor has ended")
        expect(page.locator("#over")).to_have_text("36")
        expect(page.locator("#live")).to_have_text("ended")


def test_what_is_looked_at_stands_in_the_address_and_can_be_taken_away(browser, tmp_path):
    rollout = "[JOB_EXECUTE_ROLLOUT_CONFIG]\nmaximumPerMinute = 60\n"
    folder = deployable(tmp_path, "kept", 120, rollout, useJobExecutionsRolloutConfig=True)
    with (
        rehearsing("--speed", "10", "--behave", "fail=50", cwd=folder),
        watching("dev.ini", cwd=folder) as (_, address),
        opened(browser, address) as page,
    ):
        expect(page.locator("#status")).to_have_text("COMPLETED")
        page.locator("#filter-status").select_option("FAILED")
        expect(page.locator("#found")).to_have_text("60 things")
        page.get_by_role("button", name="Thing", exact=True).click()
        page.get_by_role("button", name="Next page").click()
        expect(page.locator("#page")).to_have_text("51 to 60 of 60")
        last = rows(page).last.inner_text()
        kept = page.url
        assert kept.endswith("#status=FAILED&order=descending&page=2")

        moment = rows(page).last.locator("time")
        expect(moment).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \d+ \w+ ago$"))

        # Opened again, in a window of its own, it shows the same.
        with opened(browser, kept) as again:
            expect(again.locator("#page")).to_have_text("51 to 60 of 60")
            assert rows(again).last.inner_text().split("UTC")[0] == last.split("UTC")[0]
            again.get_by_label("Search").fill("pump-0")
            expect(again.locator("#page")).to_have_text(re.compile("^1 to "))
            assert "page=" not in again.url
            assert "search=pump-0" in again.url

        with page.expect_download() as export:
            page.get_by_role("link", name="Export CSV").click()
        lines = export.value.path().read_text().splitlines()
        assert export.value.suggested_filename == "job-kept.csv"
        assert len(lines) == 61
        with page.expect_download() as report:
            page.get_by_role("link", name="Report of this job").click()
        assert "job-kept" in report.value.path().read_text()


def test_a_page_that_outlives_its_program_shows_the_very_end(browser, tmp_path):
    # What is drawn and listed follows the counts two seconds behind; the program ends at once.
    rollout = "[JOB_EXECUTE_ROLLOUT_CONFIG]\nmaximumPerMinute = 10\n"
    folder = deployable(tmp_path, "outlived", 24, rollout, useJobExecutionsRolloutConfig=True)
    with (
        rehearsing("--speed", "10", cwd=folder),
        watching("dev.ini", "--until", "done", cwd=folder) as (monitor, address),
        opened(browser, address) as page,
    ):
        expect(page.locator("#status")).to_have_text("IN PROGRESS")
        expect(page.locator("#notice")).to_contain_text("otactl monitor has ended")
        assert monitor.wait() == 0

        expect(page.locator("#counts")).to_have_text("24 succeeded")
        assert rows(page).filter(has_text="succeeded").count() == 24
        assert "24 succeeded" in page.locator("#progress svg").text_content()
        assert "Download times of 24 things" in page.locator("#downloads svg").text_content()
        # It asks nobody any more, whatever is done with it: `opened` would hear it complain.
        page.set_viewport_size({"width": 700, "height": 900})
        page.wait_for_timeout(2500)


def clients_of(folder):
    """Clients of the cloud of the rehearsal that runs in a folder."""
    store = DeploymentStore(folder / "state")
    (deployment_id,) = store.ids()
    journal = Journal.read(store.path(deployment_id))
    address = LocalCloudAddress(**journal.about["localCloud"])
    journal.close()
    return AwsClients(AwsSettings.for_local_cloud(address))


def test_cancelling_asks_for_the_job_id_and_then_really_cancels(browser, tmp_path):
    folder = deployable(tmp_path, "cancel", 3)
    with (
        rehearsing("--behave", "silent=100", cwd=folder) as rehearsal,
        watching("dev.ini", cwd=folder) as (_, address),
        opened(browser, address) as page,
    ):
        expect(page.locator("#counts")).to_have_text("3 in progress")
        iot = clients_of(folder).iot

        # One thing first: its execution, and only that.
        page.get_by_role("button", name="pump-02").click()
        page.get_by_role("button", name="Cancel on this thing").click()
        dialog = page.get_by_role("dialog", name="Cancel on this thing?")
        dialog.get_by_role("checkbox").check()
        dialog.get_by_role("textbox").fill("job-cancel")
        dialog.get_by_role("button", name="Cancel it").click()
        expect(rows(page).nth(1)).to_contain_text("canceled")
        executions = {
            name: iot.describe_job_execution(jobId="job-cancel", thingName=name)["execution"]
            for name in ("pump-01", "pump-02")
        }
        assert executions["pump-01"]["status"] == "IN_PROGRESS"
        assert executions["pump-02"]["status"] == "CANCELED"

        # Then the job. What is typed wrong, or thought better of, changes nothing.
        page.get_by_role("button", name="Cancel job").click()
        dialog = page.get_by_role("dialog", name="Cancel the job?")
        act = dialog.get_by_role("button", name="Cancel it")
        expect(act).to_be_disabled()
        dialog.get_by_role("textbox").fill("job-another")
        expect(act).to_be_disabled()
        dialog.get_by_role("textbox").fill("job-cancel")
        expect(act).to_be_enabled()
        dialog.get_by_role("button", name="Let it go on").click()
        expect(dialog).to_be_hidden()
        assert iot.describe_job(jobId="job-cancel")["job"]["status"] == "IN_PROGRESS"

        page.get_by_role("button", name="Cancel job").click()
        expect(act).to_be_disabled()
        dialog.get_by_role("checkbox").check()
        dialog.get_by_role("textbox").fill("job-cancel")
        page.keyboard.press("Enter")

        expect(page.locator("#status")).to_have_text("CANCELED")
        expect(page.locator("#counts")).to_have_text("3 canceled")
        assert rehearsal.wait() == 5, rehearsal.text
        assert "cancelled" in rehearsal.text


def test_a_dropped_connection_is_told_and_recovers_by_itself(browser, tmp_path):
    folder = deployable(tmp_path, "dropped", 3)
    with (
        rehearsing("--behave", "silent=100", cwd=folder),
        watching("dev.ini", cwd=folder) as (_, address),
        CuttableProxy(address) as proxy,
    ):
        port, path = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/.*)", address).groups()
        # The page is asked for by its own name and port, as it must be; the way leads through us.
        detour = f"MAP localhost:{port} {proxy.endpoint_url.removeprefix('http://')}"
        with (
            another_chromium(browser, f"--host-resolver-rules={detour}") as detoured,
            opened(detoured, f"http://localhost:{port}{path}", may_lose=True) as page,
        ):
            expect(page.locator("#live")).to_have_text("live")
            expect(page.locator("#counts")).to_have_text("3 in progress")

            proxy.cut(broker=False)

            expect(page.locator("#live")).to_have_text(re.compile("^disconnected since .* UTC"))
            expect(page.locator("#notice")).to_contain_text("otactl does not answer")
            # What is known stays.
            expect(page.locator("#counts")).to_have_text("3 in progress")
            asked = page.locator("#source").inner_text()

            proxy.mend(broker=False)

            expect(page.locator("#live")).to_have_text("live")
            expect(page.locator("#notice")).to_be_hidden()
            expect(page.locator("#source")).not_to_have_text(asked)
            page.get_by_role("searchbox").fill("pump-02")
            expect(rows(page)).to_have_text([re.compile("pump-02.*in progress")])


def test_a_program_that_stands_still_or_was_killed_is_not_taken_for_live(browser, tmp_path):
    folder = deployable(tmp_path, "killed", 1)
    with (
        rehearsing("--behave", "silent=100", cwd=folder),
        watching("dev.ini", cwd=folder) as (monitor, address),
        opened(browser, address, may_lose=True) as page,
    ):
        expect(page.locator("#live")).to_have_text("live")
        tries = []
        others = []

        def on_request(request):
            if request.url == f"{address}events":
                tries.append(time.monotonic())
            else:
                others.append(request.url)

        page.on("request", on_request)

        # A program that stands still keeps its connections; the page must not look alive.
        page.get_by_text("Job document").scroll_into_view_if_needed()
        monitor.process.send_signal(signal.SIGSTOP)
        expect(page.locator("#live")).to_have_text(
            re.compile(r"^no word since \d\d:\d\d:\d\d UTC"), timeout=9000
        )
        expect(page.locator("#live")).to_be_in_viewport()
        expect(page.get_by_role("button", name="Cancel job")).to_be_disabled()
        monitor.process.send_signal(signal.SIGCONT)
        expect(page.locator("#live")).to_have_text("live")
        tries.clear()
        others.clear()

        monitor.stop(signal.SIGKILL)

        expect(page.locator("#notice")).to_contain_text("has it ended?")
        while len(tries) < 3:
            page.wait_for_event("request")
        # What was due when the line broke, and nothing after that.
        assert len(others) <= 1
        first, second, third = tries
        # Two seconds, then four, give or take what it takes to hear of them.
        assert second - first > 1.5
        assert third - second > 3.5
        expect(page.get_by_role("button", name="Look now")).to_be_disabled()


def test_a_page_is_there_before_its_job_and_after_it(browser, cloud, clients, tmp_path, unique):
    job_id, thing = f"job-{unique}", f"thing-{unique}"
    clients.iot.create_thing(thingName=thing)
    with (
        watching("-j", job_id, "--wait", cloud=cloud, cwd=tmp_path) as (_, address),
        opened(browser, address) as page,
    ):
        expect(page.locator("#status")).to_have_text("WAITING FOR IT")
        expect(page.locator("#nothing")).to_have_text("No thing is known one by one yet.")
        expect(page.locator("#progress svg")).to_contain_text("nothing has happened yet")
        expect(page.get_by_role("button", name="Cancel job")).to_be_disabled()

        target = str(thing_arn(REGION, ACCOUNT_ID, thing))
        clients.iot.create_job(jobId=job_id, targets=[target], document="{}")

        expect(page.locator("#status")).to_have_text("IN PROGRESS")
        expect(page.locator("#counts")).to_have_text("1 queued")
        page.get_by_role("combobox", name="Status").select_option("QUEUED")
        expect(rows(page)).to_have_text([re.compile(f"{thing}.*queued")])

        clients.iot.delete_job(jobId=job_id, force=True)

        expect(page.locator("#status")).to_have_text("DELETED")
        expect(page.locator("#notice")).to_contain_text("the job was deleted; this is how it was")
        expect(page.locator("#counts")).to_have_text("1 queued")
        expect(page.get_by_role("button", name="Cancel job")).to_be_disabled()
        expect(rows(page)).to_have_count(1)


def test_a_job_that_nobody_waits_for_is_said_not_to_be_there(browser, cloud, tmp_path, unique):
    with (
        watching("-j", f"none-{unique}", cloud=cloud, cwd=tmp_path) as (_, address),
        opened(browser, address) as page,
    ):
        expect(page.locator("#status")).to_have_text("NO SUCH JOB")
        expect(page.locator("#live")).to_have_text("nothing more will come")

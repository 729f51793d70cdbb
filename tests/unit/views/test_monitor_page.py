"""The page without a browser: who gets in, what requests are bounded to, what is told."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import httpx
import pytest
from tests.support.job_world import JobWorld

from otactl.errors import AwsRefused
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.model.wave import Act
from otactl.monitor.board import Board
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.watch_policy import WatchPolicy
from otactl.views.page.app import SCRIPTS, build_page
from otactl.views.page.export import report_html
from otactl.views.page.guard import Guard
from otactl.views.page.job_fields import thing_fields
from otactl.views.page.page_shutdown import PageShutdown

S = ExecutionStatus
TOKEN = "a-token-nobody-guesses"
HOST = "127.0.0.1:8080"
ORIGIN = f"http://{HOST}"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class RecordedActions:
    """What the page asked for."""

    def __init__(self) -> None:
        self.asked = []
        self.refusal = None

    def _ask(self, *what):
        self.asked.append(what)
        if self.refusal is not None:
            raise self.refusal

    def poll_now(self):
        self._ask("look")

    def show_thing(self, job_id, thing_name):
        self._ask("show", job_id, thing_name)

    def cancel(self, job_id, thing_name, *, force):
        self._ask("cancel", job_id, thing_name, force)
        return "it is being cancelled"

    def decide(self, job_id, act, comment):
        self._ask("decide", job_id, act, comment)
        return "it is decided"

    def document(self, job_id):
        self._ask("document", job_id)
        return '{"command": "fota"}'


@pytest.fixture
def actions():
    return RecordedActions()


@pytest.fixture
async def page(actions):
    world = JobWorld()
    names = [f"thing-{number:03}" for number in range(120)]
    world.create(things=names)
    world.end(S.FAILED, names[0], reason=HOSTILE)
    world.end(S.SUCCEEDED, *names[1:50], downloadTime="3")
    watcher = JobWatcher("job", world, world, WatchPolicy())
    watcher.poll(extra_calls=50)
    board = Board([watcher])
    board.put("job", watcher.snapshot())
    guard = Guard(build_page(board, actions, PageShutdown()), TOKEN, [HOST])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=guard), base_url=ORIGIN
    ) as client:
        yield client


def is_nothing(answer):
    return answer.status_code == 404 and answer.content == b"" and not answer.headers


PATHS = ["", "page.js", "server.js", "page.css", "events", "things?job=job"]
PATHS += ["thing?job=job&thing=thing-001", "job?job=job"]
PATHS += ["chart/progress?job=job", "chart/downloads?job=job"]
PATHS += ["things.csv?job=job", "report.html?job=job"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "start", ["", "wrong/", f"{TOKEN}x/", f"{TOKEN[:-1]}/", "//", f"x/{TOKEN}/"]
)
async def test_without_the_token_there_is_nothing(page, start, path):
    assert is_nothing(await page.get(f"/{start}{path}"))


async def test_without_the_token_nothing_can_be_done(page, actions):
    for path in ("cancel", "decide", "look", "want"):
        answer = await page.post(f"/{path}", json={"job": "job"}, headers={"Origin": ORIGIN})
        assert is_nothing(answer)
    assert actions.asked == []


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "127.0.0.1", "127.0.0.1:8081", "localhost.evil:8080", ""],
)
async def test_a_crafted_host_header_gets_nothing(page, host):
    assert is_nothing(await page.get(f"/{TOKEN}/", headers={"Host": host}))


async def test_two_host_headers_get_nothing(page):
    request = page.build_request("GET", f"/{TOKEN}/")
    request.headers = httpx.Headers([("Host", HOST), ("Host", "evil.example")])
    assert is_nothing(await page.send(request))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "https://127.0.0.1:8080"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
async def test_another_origin_gets_nothing_even_with_the_token(page, headers):
    for path in PATHS:
        assert is_nothing(await page.get(f"/{TOKEN}/{path}", headers=headers))


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
async def test_what_changes_something_must_come_from_the_page(page, actions, origin):
    headers = {} if origin is None else {"Origin": origin}
    answer = await page.post(f"/{TOKEN}/cancel", json={"job": "job"}, headers=headers)
    assert is_nothing(answer)
    assert actions.asked == []


async def test_a_link_from_elsewhere_opens_the_page_and_nothing_else(page):
    headers = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert (await page.get(f"/{TOKEN}/", headers=headers)).status_code == 200
    assert is_nothing(await page.get(f"/{TOKEN}/things?job=job", headers=headers))


async def test_every_answer_forbids_what_the_page_does_not_need(page):
    for path in (each for each in PATHS if each != "events"):
        answer = await page.get(f"/{TOKEN}/{path}")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers


async def test_the_page_loads_nothing_from_elsewhere(page):
    for path in ("", "page.css", *SCRIPTS):
        content = (await page.get(f"/{TOKEN}/{path}")).text
        assert "http://" not in content.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in content
        assert "innerHTML" not in content
        assert " style=" not in content


async def test_a_page_of_things_is_found(page):
    answer = await page.get(
        f"/{TOKEN}/things",
        params={"job": "job", "status": "SUCCEEDED", "offset": "40", "limit": "20"},
    )
    found = answer.json()
    assert found["total"] == 49
    assert [each["thing"] for each in found["things"]] == [f"thing-{n:03}" for n in range(41, 50)]


async def test_what_a_device_reports_stays_data(page):
    answer = await page.get(f"/{TOKEN}/things", params={"job": "job", "status": "FAILED"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["things"][0]["reason"] == HOSTILE


async def test_the_things_of_the_table_are_a_file_for_spreadsheets_on_all_of_its_pages(page):
    parameters = {"job": "job", "sort": "thing", "descending": "true", "limit": "1"}
    answer = await page.get(f"/{TOKEN}/things.csv", params=parameters)
    assert answer.headers["content-disposition"] == 'attachment; filename="job.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["thing"] for row in rows] == [f"thing-{n:03}" for n in range(49, -1, -1)]
    assert {row["status"] for row in rows} == {"SUCCEEDED", "FAILED"}

    failed = await page.get(f"/{TOKEN}/things.csv", params={"job": "job", "status": "FAILED"})
    assert len(list(csv.DictReader(io.StringIO(failed.text)))) == 1


async def test_the_report_of_a_job_is_a_file_to_keep_and_says_what_it_lacks(page):
    answer = await page.get(f"/{TOKEN}/report.html", params={"job": "job"})
    assert answer.headers["content-disposition"] == 'attachment; filename="job.html"'
    assert "<h1>" in answer.text
    assert "thing-000" in answer.text
    assert HOSTILE not in answer.text
    assert "the page has the details of 50 of 120 executions" in answer.text


@pytest.mark.parametrize("path", ["things.csv", "report.html"])
async def test_nothing_is_exported_of_a_job_that_is_not_watched(page, path):
    assert (await page.get(f"/{TOKEN}/{path}", params={"job": "other"})).status_code == 400


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"job": "another"},
        {"job": "job", "status": "GREAT"},
        {"job": "job", "offset": "-1"},
        {"job": "job", "limit": "many"},
        {"job": "job", "limit": "9" * 400},
        {"job": "job", "sort": "fate"},
    ],
)
async def test_a_request_that_makes_no_sense_is_told_so(page, parameters):
    answer = await page.get(f"/{TOKEN}/things", params=parameters)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_no_request_asks_for_too_much(page):
    answer = await page.get(f"/{TOKEN}/things", params={"job": "job", "limit": "100000"})
    assert len(answer.json()["things"]) <= 200
    drawing = await page.get(f"/{TOKEN}/chart/progress", params={"job": "job", "width": "99999999"})
    assert 'width="2000"' in drawing.text


async def test_a_job_is_cancelled_from_the_page(page, actions):
    answer = await page.post(
        f"/{TOKEN}/cancel",
        json={"job": "job", "typed": "job", "force": True},
        headers={"Origin": ORIGIN},
    )
    assert answer.json() == {"message": "it is being cancelled"}
    assert actions.asked == [("cancel", "job", None, True)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"job": 5}',
        b'{"job": "job", "thing": "../x"}',
        # The job's id must be typed, whoever asks.
        b'{"job": "job", "force": true}',
        b'{"job": "job", "force": true, "typed": "jo"}',
        b'{"job": "job", "typed": true}',
        b'{"job": "' + b"x" * 9000,
    ],
)
async def test_a_body_that_makes_no_sense_changes_nothing(page, actions, body):
    answer = await page.post(f"/{TOKEN}/cancel", content=body, headers={"Origin": ORIGIN})
    assert answer.status_code == 400
    assert actions.asked == []


async def test_what_aws_refuses_is_told_in_words(page, actions):
    actions.refusal = AwsRefused("iot:CancelJob", "AccessDenied", "no", hint="ask somebody")
    asked = {"job": "job", "typed": "job"}
    answer = await page.post(f"/{TOKEN}/cancel", json=asked, headers={"Origin": ORIGIN})
    assert answer.status_code == 502
    assert answer.json()["error"] == "AWS refused iot:CancelJob: no (AccessDenied) (ask somebody)"


async def test_the_document_and_the_policy_are_shown(page):
    found = (await page.get(f"/{TOKEN}/job", params={"job": "job"})).json()
    assert json.loads(found["document"]) == {"command": "fota"}
    assert found["policy"]["targetSelection"] == "SNAPSHOT"


@pytest.mark.parametrize("drawing", ["downloads", "progress"])
async def test_before_the_first_look_there_is_an_empty_drawing_and_no_mistake(actions, drawing):
    world = JobWorld()
    board = Board([JobWatcher("job", world, world, WatchPolicy())])
    guard = Guard(build_page(board, actions, PageShutdown()), TOKEN, [HOST])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=guard), base_url=ORIGIN
    ) as client:
        answer = await client.get(
            f"/{TOKEN}/chart/{drawing}", params={"job": "job", "width": "400"}
        )

    assert answer.status_code == 200
    assert answer.text.startswith("<svg")


def test_a_thing_with_a_freertos_agent_has_its_step_and_blocks():
    outcome = ThingOutcome(
        thing_name="t", status=S.IN_PROGRESS, status_details={"receive": "12/94"}
    )

    fields = thing_fields(outcome)
    assert (fields["step"], fields["receivedBlocks"], fields["totalBlocks"]) == (
        "downloading",
        12,
        94,
    )


@pytest.mark.parametrize("act", ["approve", "reject", "pause", "continue"])
async def test_a_person_decides_at_a_gate_from_the_page(page, actions, act):
    answer = await page.post(
        f"/{TOKEN}/decide",
        json={"job": "job", "act": act, "comment": " seen\nthem "},
        headers={"Origin": ORIGIN},
    )

    assert answer.json() == {"message": "it is decided"}
    assert actions.asked == [("decide", "job", Act(act), "seen them")]


@pytest.mark.parametrize(
    "asked",
    [
        {"job": "job", "act": "explode"},
        {"job": "job"},
        {"job": "job", "act": "approve", "comment": "x" * 501},
        {"job": "job", "act": "approve", "comment": 5},
    ],
)
async def test_nothing_else_can_be_decided(page, actions, asked):
    answer = await page.post(f"/{TOKEN}/decide", json=asked, headers={"Origin": ORIGIN})

    assert answer.status_code == 400
    assert actions.asked == []


def a_report(counts, status, *, listed, things=None, gone=False):
    """The report of a job that the page knows mostly by its counts."""
    world = JobWorld()
    names = [f"thing-{number}" for number in range(listed)]
    world.create(things=names)
    world.end(S.SUCCEEDED, *names)
    watcher = JobWatcher("job", world, world, WatchPolicy(), things=lambda: things)
    watcher.poll(extra_calls=50)
    snapshot = watcher.snapshot()
    job = replace(snapshot.job, status=status, counts=JobCounts(counts), completed_at_ms=2)
    board = Board([watcher])
    board.put("job", replace(snapshot, job=job, gone=gone))
    return report_html(board, "job")


def test_a_report_does_not_take_the_listed_things_for_all():
    counts = {S.SUCCEEDED: 990, S.FAILED: 10}
    text = a_report(counts, JobStatus.COMPLETED, listed=4)
    assert "did not succeed" in text
    assert "990 of 1,000 things, 99%" in text


def test_a_report_of_a_cancelled_job_is_no_success_though_all_that_began_succeeded():
    text = a_report({S.SUCCEEDED: 4}, JobStatus.CANCELED, listed=4, things=10)
    assert "did not succeed" in text
    assert "4 of 10 things, 40%" in text
    assert "Every thing succeeded." not in text


def test_a_report_of_a_job_that_succeeded_says_so():
    text = a_report({S.SUCCEEDED: 4}, JobStatus.COMPLETED, listed=4, things=4)
    assert "did not succeed" not in text
    assert "Every thing succeeded." in text


async def test_half_of_a_surrogate_pair_in_one_report_does_not_hide_the_other_things(actions):
    world = JobWorld()
    world.create(things=["thing-1", "thing-2"])
    world.end(S.FAILED, "thing-1", reason="flash \ud800 full")
    watcher = JobWatcher("job", world, world, WatchPolicy())
    watcher.poll(extra_calls=50)
    board = Board([watcher])
    board.put("job", watcher.snapshot())
    guard = Guard(build_page(board, actions, PageShutdown()), TOKEN, [HOST])
    transport = httpx.ASGITransport(app=guard)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        for path in ("things?job=job", "thing?job=job&thing=thing-1"):
            answer = await client.get(f"/{TOKEN}/{path}")
            assert answer.headers["content-type"] == "application/json"
            assert "flash \\ud800 full" in answer.text

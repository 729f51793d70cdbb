from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

from otactl.forecast.calibrate.record import parse_report
from otactl.model.eligibility import LeftOut, LeftOutReason
from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.views.report import ReportContent, RoundContent, to_csv, to_html, to_json

S = ExecutionStatus
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)> & \"'"


def an_outcome(name, status=S.SUCCEEDED, number=1, **details):
    return ThingOutcome(
        thing_name=name,
        status=status,
        execution_number=number,
        queued_at_ms=1_800_000_000_000,
        started_at_ms=1_800_000_001_000,
        updated_at_ms=1_800_000_020_000,
        status_details=details,
    )


def a_report(*executions, rounds=1, **changes):
    executions = executions or (
        *(an_outcome(f"t{n}", downloadTime=str(n), retryCount="0") for n in range(20)),
        an_outcome("mended", S.FAILED, 1, reason="flash full"),
        an_outcome("mended", S.SUCCEEDED, 2, downloadTime="3"),
        an_outcome("bad", S.FAILED, 1, reason="flash full"),
    )
    content = RoundContent(
        round=1,
        status="COMPLETED",
        executions=executions,
        counts={S.SUCCEEDED: 21, S.FAILED: 1},
        duration_seconds=61,
    )
    fields = {
        "job_id": "job",
        "made_ms": 1_800_000_100_000,
        "created_ms": 1_800_000_000_000,
        "rounds": tuple(content for _ in range(rounds)) if isinstance(rounds, int) else rounds,
        "planned_rounds": 1 if not isinstance(rounds, int) else rounds,
        "things": 22,
        "image_bytes": 4096,
        "image_sha256": "ab" * 32,
        "document": '{"command": "fota"}',
    } | changes
    return ReportContent(**fields)


class Page(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.attributes = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data


def test_the_report_is_one_file_that_loads_and_runs_nothing():
    page = Page(to_html(a_report()))
    assert not {"script", "link", "img", "iframe", "object", "embed"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href", "style")]
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert ("http-equiv", "Content-Security-Policy") in page.attributes


def test_it_shows_the_counts_the_charts_and_what_failed():
    page = Page(to_html(a_report()))
    for words in ("did not succeed", "21 succeeded", "flash full", "bad", "4,096 bytes", "p50"):
        assert words in page.text
    assert page.tags.count("svg") == 3
    assert "polygon" in page.tags
    assert "rect" in page.tags


def test_a_thing_that_a_retry_mended_is_no_failure():
    page = Page(to_html(a_report()))
    assert page.text.count("mended") == 0
    assert a_report().rounds[0].failure_groups()[0].count == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"job_id": HOSTILE},
        {"failure": HOSTILE},
        {"document": HOSTILE},
        {"source": HOSTILE},
        {"notes": (HOSTILE,)},
        {"api_calls": {HOSTILE: 1}},
        {"policy": {"x": HOSTILE}},
    ],
)
def test_text_stays_text(changes):
    page = Page(to_html(a_report(**changes)))
    assert not {"script", "img"} & set(page.tags)
    assert "alert(1)" in page.text


def test_what_devices_report_stays_text():
    hostile = an_outcome("t1", S.FAILED, reason=HOSTILE, downloadTime=HOSTILE, step=HOSTILE)
    page = Page(to_html(a_report(hostile)))
    assert not {"script", "img"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.text


def test_a_file_that_people_open_lists_so_many_and_says_how_many_more():
    executions = [an_outcome(f"t{n:05}", S.FAILED, reason="x") for n in range(2500)]
    html = to_html(a_report(*executions))
    assert "and 500 more; the CSV has them all" in html
    assert "t01999" in html
    assert ">t02000<" not in html


def test_several_rounds_have_a_table_of_their_own():
    assert "<h2>Rounds</h2>" in to_html(a_report(rounds=2))
    assert "<h2>Rounds</h2>" not in to_html(a_report())


def test_a_report_of_nothing_is_a_report():
    page = Page(to_html(a_report(rounds=0, planned_rounds=1, failure="it was never begun")))
    assert "it was never begun" in page.text


def test_the_csv_has_every_attempt():
    rows = list(csv.DictReader(io.StringIO(to_csv(a_report()))))
    assert len(rows) == 23
    assert [row["status"] for row in rows if row["thing"] == "mended"] == ["FAILED", "SUCCEEDED"]
    assert rows[0]["startedAt"] == "2027-01-15T08:00:01+00:00"


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_cell_of_the_csv_is_a_formula(reason):
    report = a_report(an_outcome("t1", S.FAILED, reason=reason, downloadTime=reason))
    (row,) = csv.DictReader(io.StringIO(to_csv(report), newline=""))
    assert row["reason"] == f"'{reason}"
    assert row["downloadTime"] == f"'{reason}"


@pytest.mark.parametrize("reason", ["\t=1", "\r=1", "\n=1", "\r\n=1,2"])
def test_no_cell_of_the_csv_begins_another_line(reason):
    report = a_report(an_outcome("t1", S.FAILED, reason=reason))
    (row,) = csv.DictReader(io.StringIO(to_csv(report), newline=""))
    assert row["reason"].startswith("\ufffd")


def test_the_json_is_what_a_profile_is_fitted_to():
    past = parse_report(json.dumps(to_json(a_report())), file_name="report.json")
    assert past.image_bytes == 4096
    assert len(past.executions) == 23
    assert past.executions[5].download_seconds == 5
    assert past.executions[5].start_delay_seconds == 1


def test_success_needs_every_planned_round():
    whole = RoundContent(round=1, status="COMPLETED", executions=(), counts={S.SUCCEEDED: 1})
    assert a_report(rounds=(whole,), planned_rounds=1).is_success
    assert not a_report(rounds=(whole,), planned_rounds=2).is_success
    assert not a_report(rounds=(whole,), planned_rounds=1, is_running=True).is_success


def test_numbers_in_drawings_are_finite():
    for seconds in ("0", "1e-9", "1e9"):
        html = to_html(a_report(an_outcome("t1", downloadTime=seconds)))
        assert not re.search(r'"[^"]*(nan|inf)[^"]*"', html)


def test_the_csv_has_the_download_time_that_an_agents_reports_come_to():
    report = a_report(an_outcome("t1", reason="accepted", updatedBy="  v1.0.0"))

    (row,) = csv.DictReader(io.StringIO(to_csv(report)))
    assert row["downloadTime"] == "19"


def test_things_left_out_are_listed_with_their_reason():
    left_out = (
        LeftOut(thing_name="old", reason=LeftOutReason.OTHER_VERSION, version="0.1"),
        LeftOut(thing_name=HOSTILE, reason=LeftOutReason.OFFLINE, detail="for 40.0 days"),
    )
    content = a_report(left_out=left_out)
    page = Page(to_html(content))

    assert "2 things of the list got no image" in page.text
    assert "not one of fromVersions" in page.text
    assert "for 40.0 days" in page.text
    assert "script" not in page.tags
    assert to_json(content)["leftOut"] == [
        {"thing": "old", "reason": "not one of fromVersions", "version": "0.1", "detail": None},
        {
            "thing": HOSTILE,
            "reason": "offline too long",
            "version": None,
            "detail": "for 40.0 days",
        },
    ]
    assert "Left out" not in Page(to_html(a_report())).text

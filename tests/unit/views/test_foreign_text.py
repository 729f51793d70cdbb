"""What others wrote, in every view: as written, on a line that cannot be taken for ours."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.table import Table
from tests.support.job_world import JobWorld
from tests.support.plan import a_plan_with, a_summary

from otactl.cli import terminal
from otactl.device.behaviour import Behaviour
from otactl.errors import DeploymentFailed
from otactl.errors.problem import Problem, Severity
from otactl.fleet import ThingResult
from otactl.fleet.fleet_context import FleetProgress
from otactl.jobqueue.request import MalformedRequest
from otactl.jobqueue.state import RequestState
from otactl.model.outcome import DeploymentResult, DownloadSeconds, RoundResult, ThingOutcome
from otactl.model.progress import AlarmProgress, AlarmState
from otactl.model.status import ExecutionStatus
from otactl.monitor.board import Board
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.watch_policy import WatchPolicy
from otactl.operations.report_content import ReportContent, RoundContent
from otactl.views import foreign_text
from otactl.views.deploy_progress import DeployProgress
from otactl.views.fleet_status import FleetStatus
from otactl.views.fleet_table import print_results
from otactl.views.monitor_terminal.frame import draw
from otactl.views.monitor_terminal.overview import overview, summary_line
from otactl.views.monitor_terminal.screen import Mode, Screen
from otactl.views.plan_table import print_plan
from otactl.views.problem_list import print_problems
from otactl.views.report import to_csv, to_html
from otactl.views.request_table import field_lines, request_lines
from otactl.views.result_table import print_result

S = ExecutionStatus
#: A name of a pump, a line that looks like ours, a mark that turns what follows round.
NASTY = "pump:on:1\nerror: forged\u202etxt\u2066 \x85\u200b\x1b[2J"
INVISIBLE = "\u202e\u2066\x85\u200b\x1b"


def failed_thing():
    return ThingOutcome(
        thing_name="pump:on:1", status=S.FAILED, status_details={"reason": NASTY, "step": NASTY}
    )


def a_watcher():
    world = JobWorld()
    world.create(things=["pump:on:1"])
    world.end(S.FAILED, "pump:on:1", reason=NASTY, step=NASTY)
    watcher = JobWatcher("job", world, world, WatchPolicy())
    watcher.poll(extra_calls=9)
    return watcher


def a_snapshot():
    alarm = AlarmProgress(name=NASTY, state=AlarmState.ALARM, reason=NASTY)
    snapshot = a_watcher().snapshot(note=NASTY)
    return replace(snapshot, alarms=(alarm,), job=replace(snapshot.job, comment=NASTY))


def a_result():
    outcomes = (failed_thing(),)
    counts = {S.FAILED: 1}
    done = RoundResult(
        round=1,
        status="COMPLETED",
        counts=counts,
        duration_seconds=1.0,
        download_seconds=DownloadSeconds(p50=None, p99=None, max=None),
        outcomes=outcomes,
    )
    return DeploymentResult(
        deployment_id="d",
        job_id="job",
        things=1,
        planned_rounds=1,
        rounds=(done,),
        image_sha256="ab" * 32,
        leftovers=(NASTY,),
    )


def a_report():
    one = RoundContent(
        round=1, status="COMPLETED", executions=[failed_thing()], counts={S.FAILED: 1}
    )
    return ReportContent(
        job_id="job",
        made_ms=0,
        created_ms=0,
        rounds=(one,),
        failure=NASTY,
        source=NASTY,
        notes=(NASTY,),
        document=NASTY,
        policy={NASTY: NASTY},
    )


def a_device_result():
    return ThingResult(
        thing_name="pump:on:1",
        behaviour=Behaviour.FAIL,
        job_id="job",
        execution_number=1,
        status=S.FAILED,
        reason=NASTY,
        sha256=None,
        download_ms=1000,
        received_blocks=1,
        retries=0,
    )


def print_progress(console):
    with DeployProgress(console, rounds=1, things=1, now_ms=lambda: 0) as progress:
        progress.on_pause(NASTY, 5)


def print_frames(console):
    board = Board([a_watcher()])
    board.put("job", a_snapshot())
    for screen in (
        Screen(message=NASTY),
        Screen(mode=Mode.THINGS),
        Screen(mode=Mode.THING, thing_name="pump:on:1"),
    ):
        for line in draw(board, screen, width=200, height=40).lines:
            console.print(line)


def print_a_table(console):
    table = Table("thing", "reason")
    table.add_row("pump:on:1", foreign_text.escape(NASTY))
    console.print(table)


def print_queue(console):
    malformed = MalformedRequest(order_key="k", state=RequestState.PENDING, reason=NASTY, item={})
    console.print(request_lines([(malformed, "")], 0), soft_wrap=True)
    for line in field_lines({"name": NASTY, "failure": {"reason": NASTY}}):
        console.print(line, markup=False, soft_wrap=True)


PRINTERS = {
    "note": lambda _: terminal.note(NASTY),
    "warning": lambda _: terminal.warn(NASTY),
    "error": lambda _: terminal.print_error(DeploymentFailed(NASTY, hint=NASTY)),
    "problem": lambda console: print_problems(
        console, [Problem(file=NASTY, severity=Severity.ERROR, code="c", message=NASTY)]
    ),
    "table": print_a_table,
    "queue": print_queue,
    "plan": lambda console: print_plan(
        console, a_plan_with(deployment_id="d", source=NASTY), a_summary()
    ),
    "progress": print_progress,
    "result": lambda console: print_result(console, a_result()),
    "devices": lambda console: print_results(console, [a_device_result()]),
    "overview": lambda console: [console.print(each) for each in overview("job", a_snapshot())],
    "summary": lambda console: console.print(summary_line("job", a_snapshot())),
    "frames": print_frames,
}


@pytest.mark.parametrize("name", PRINTERS)
def test_the_terminal_shows_it_as_written_and_on_no_line_of_ours(capsys, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "300")
    PRINTERS[name](terminal.stderr_console())
    said = capsys.readouterr().err
    assert "pump:on:1" in said
    assert not set(INVISIBLE) & set(said)
    assert not [line for line in said.splitlines() if line.startswith("error: forged")]


def test_the_report_shows_nothing_that_turns_letters_round():
    html = to_html(a_report())
    assert "pump:on:1" in html
    assert not set(INVISIBLE) & set(html)


def test_the_csv_has_a_line_for_an_execution_and_the_details_as_they_were():
    written = to_csv(a_report())
    assert len(written.splitlines()) == 2
    assert not set(INVISIBLE) & set(written)
    (row,) = csv.DictReader(io.StringIO(written))
    assert json.loads(row["statusDetails"])["reason"] == NASTY


@pytest.mark.parametrize("sign", "=+-@＝＋－＠")  # noqa: RUF001 - a spreadsheet takes them, too
def test_no_cell_is_a_formula(sign):
    assert foreign_text.csv_cell(f"{sign}1+1") == f"'{sign}1+1"


@pytest.mark.parametrize("show", [terminal.print_json, terminal.print_json_line])
def test_json_holds_what_was_written_in_signs_that_print(capsys, show):
    text = NASTY + "ü 水 😀 \U000e0041 \ud800"
    show({"reason": text})
    said = capsys.readouterr().out
    assert json.loads(said) == {"schemaVersion": 1, "reason": text}
    assert said.removesuffix("\n").isprintable()
    assert "ü 水 😀" in said


def test_further_lines_of_a_message_are_indented():
    assert foreign_text.clean_lines("one\ntwo\tx") == "one\n  two\ufffdx"


def test_the_bar_of_a_long_step_and_the_fleet_s_line_put_no_emoji_in(capsys, monkeypatch):
    # These parts of rich read markup by themselves, past what the console was told of emoji.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    console = terminal.stderr_console()
    fleet = FleetProgress(
        things=1,
        connected=0,
        phases=Counter(),
        finished=Counter(),
        is_settled=False,
        faults={"pump": NASTY},
    )
    with DeployProgress(console, rounds=1, things=1, now_ms=lambda: 0) as progress:
        progress.on_progress(SimpleNamespace(title=NASTY), 1, 2)
    with FleetStatus(console) as status:
        status.show(fleet)
    said = capsys.readouterr().err
    assert "1 cannot connect: pump:on:1" in said
    assert "\N{ON WITH EXCLAMATION MARK WITH LEFT RIGHT ARROW ABOVE}" not in said
    assert not set(INVISIBLE) - {"\x1b"} & set(said)

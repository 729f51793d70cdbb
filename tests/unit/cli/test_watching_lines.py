"""What is printed while jobs are watched: nothing twice, and never without the last word."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from otactl.cli.monitor_output import Showing, print_changes
from otactl.cli.options import OutputFormat
from otactl.model.snapshot import JobCounts, JobDescription, JobSnapshot
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.monitor.board import Board
from otactl.views.page.job_fields import BoardNews
from otactl.views.snapshot_fields import snapshot_fields

EARLIER = {ExecutionStatus.IN_PROGRESS: 2, ExecutionStatus.FAILED: 1}
LAST = {ExecutionStatus.SUCCEEDED: 2, ExecutionStatus.FAILED: 1}
FOLLOW = Showing(output=OutputFormat.JSON, follow=True, web=False, port=0, is_until_done=True)


def a_snapshot(counts):
    job = JobDescription(job_id="job", status=JobStatus.IN_PROGRESS, counts=JobCounts(counts))
    return JobSnapshot(at_ms=1, job=job, polled_ms=1)


@pytest.fixture
def board():
    return Board([SimpleNamespace(job_id="job")])


def printed(capsys):
    lines = capsys.readouterr().out.splitlines()
    return [
        {status: count for status, count in json.loads(line)["counts"].items() if count}
        for line in lines
    ]


def end_while(called, board):
    """Let the watch end with its last snapshot at the very moment something else is told."""

    def call(*arguments):
        if not board.is_finished:
            board.put("job", a_snapshot(LAST))
            board.finish()
        return called(*arguments)

    return call


def test_a_snapshot_that_comes_while_an_earlier_one_is_printed_is_printed(board, capsys):
    board.put("job", a_snapshot(EARLIER))
    print_changes(board, FOLLOW, end_while(snapshot_fields, board))
    assert printed(capsys) == [EARLIER, LAST]


def test_a_snapshot_is_printed_once(board, capsys):
    board.put("job", a_snapshot(LAST))
    board.finish()
    print_changes(board, FOLLOW)
    assert printed(capsys) == [LAST]


class EndingBoard(Board):
    """A board whose watch ends while its snapshot is read."""

    def snapshot(self, *arguments):
        return end_while(super().snapshot, self)(*arguments)


def test_a_page_is_not_told_the_end_before_what_the_end_was():
    board = EndingBoard([SimpleNamespace(job_id="job")])
    board.put("job", a_snapshot(EARLIER))
    news = BoardNews(board)
    first = news.fields()
    assert not first["finished"]
    assert news.fields()["finished"]


def test_a_job_deleted_by_its_deployment_is_not_told_before_how_it_ended(board, capsys):
    reported = Showing(output=OutputFormat.TEXT, follow=True, web=False, port=0, is_until_done=True)
    left = replace(a_snapshot(EARLIER), gone=True)
    board.put("job", left)

    def end():
        over = replace(left.job, status=JobStatus.COMPLETED, counts=JobCounts(LAST))
        board.put("job", replace(left, job=over))
        board.finish()

    ending = threading.Timer(0.2, end)
    ending.start()
    print_changes(board, reported)
    ending.join()

    said = capsys.readouterr().err
    assert "DELETED" not in said
    assert "COMPLETED" in said


def test_a_job_that_somebody_deleted_is_told_at_the_end(board, capsys):
    reported = Showing(output=OutputFormat.TEXT, follow=True, web=False, port=0, is_until_done=True)
    board.put("job", replace(a_snapshot(EARLIER), gone=True))
    board.finish()

    print_changes(board, reported)

    assert capsys.readouterr().err.count("DELETED") == 1

"""The page's real server on loopback: many things, many readers, slow readers, and its end."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from tests.support.job_world import JobWorld

from otactl.cli.watching.web import serving_page
from otactl.errors import LocalResourceMissing
from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.monitor.board import Board
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.watch_policy import WatchPolicy
from otactl.views.page.app import LAST_SECONDS, MAX_STREAMS

S = ExecutionStatus
DEADLINE_SECONDS = 20


class NoActions:
    """No test here presses a button."""


def board_of(*watchers):
    board = Board(watchers)
    for watcher in watchers:
        board.put(watcher.job_id, watcher.snapshot())
    return board


def a_watcher(things=3, job_id="job", reasons=1):
    """A watcher that has seen a job end on many things: each tenth failed, for various reasons."""
    world = JobWorld()
    world.create(job_id)
    world.executions[job_id] = [
        ThingOutcome(
            thing_name=f"thing-{number:06}",
            status=S.FAILED if number % 10 == 0 else S.SUCCEEDED,
            queued_at_ms=world.ms,
            updated_at_ms=world.ms + number,
            status_details={"reason": f"{'x' * 150} of kind {number // 10 % reasons}"}
            if number % 10 == 0
            else {"downloadTime": str(number % 97)},
        )
        for number in range(things)
    ]
    watcher = JobWatcher(job_id, world, world, WatchPolicy())
    watcher.state.see_job(world.describe(job_id), world.ms)
    for outcome in world.executions[job_id]:
        watcher.state.see_execution(outcome, world.ms)
    return watcher


def events(stream):
    """The events of a stream, as they come in: name and content."""
    name = ""
    for line in stream.iter_lines():
        kind, _, content = line.partition(": ")
        if kind == "event":
            name = content
        elif kind == "data":
            yield name, json.loads(content) if content else None


@contextmanager
def listening(address):
    with (
        httpx.Client(timeout=DEADLINE_SECONDS) as client,
        client.stream("GET", f"{address}events") as stream,
    ):
        assert stream.status_code == 200
        yield events(stream)


def test_a_hundred_thousand_things_answer_at_once_and_news_stay_small():
    board = board_of(a_watcher(100_000, reasons=500))
    with serving_page(board, NoActions(), 0) as address, httpx.Client() as client:
        for query in (
            {"offset": "0"},
            {"offset": "99950"},
            {"search": "thing-09"},
            {"search": "of kind 490"},
            {"status": "FAILED", "sort": "updated", "descending": "true"},
        ):
            began = time.monotonic()
            answer = client.get(f"{address}things", params={"job": "job", **query})
            took = time.monotonic() - began
            assert answer.json()["things"], query
            assert len(answer.content) < 50_000
            # Half of this on an idle machine; a person calls up to a second "at once".
            assert took < 1, f"{query} took {took:.3f} s"
        with listening(address) as stream:
            name, fields = next(stream)
    assert name == "board"
    assert fields["jobs"][0]["total"] == 100_000
    assert fields["jobs"][0]["moreFailures"] == 475
    assert len(json.dumps(fields)) < 20_000


def test_a_page_is_told_only_of_the_jobs_that_changed():
    one, other = a_watcher(job_id="one"), a_watcher(job_id="other")
    board = board_of(one, other)
    with serving_page(board, NoActions(), 0) as address, listening(address) as stream:
        _, first = next(stream)
        board.put("other", other.snapshot())
        _, second = next(stream)

    assert [job["jobId"] for job in first["jobs"]] == ["one", "other"]
    assert [job["jobId"] for job in second["jobs"]] == ["other"]
    assert second["order"] == ["one", "other"]


def test_pages_are_told_when_the_program_ends():
    board = board_of(a_watcher())
    with ExitStack() as stack:
        with serving_page(board, NoActions(), 0) as address:
            stream = stack.enter_context(listening(address))
            assert next(stream)[0] == "board"
        assert list(stream) == [("end", None)]


def test_pages_may_ask_once_more_before_the_end():
    board = board_of(a_watcher())
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client())
        serving = ExitStack()
        ending = threading.Thread(target=serving.close)
        address = serving.enter_context(serving_page(board, NoActions(), 0))
        with listening(address) as stream:
            next(stream)
            ending.start()
            assert next(stream)[0] == "end"
            answer = client.get(f"{address}things", params={"job": "job"})
            began = time.monotonic()
        ending.join()

    assert len(answer.json()["things"]) == 3
    # Whoever has asked closes the stream; nobody waits for the rest of its time.
    assert time.monotonic() - began < LAST_SECONDS


def test_why_a_watch_ended_is_told_before_its_end():
    board = board_of(a_watcher())
    with ExitStack() as stack:
        with serving_page(board, NoActions(), 0) as address:
            stream = stack.enter_context(listening(address))
            next(stream)
            board.finish(LocalResourceMissing("the credentials expired"))
        (board_event, fields), (end_event, _) = stream
    assert (board_event, end_event) == ("board", "end")
    assert fields["failure"] == "the credentials expired"
    assert fields["finished"]
    assert fields["jobs"] == []


@contextmanager
def stuck_reader(address):
    """A reader that asks for the stream and then reads nothing."""
    url = httpx.URL(address)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((url.host, url.port))
        request = f"GET {url.path}events HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(15).startswith(b"HTTP/1.1 200")
        yield


def test_a_reader_that_is_stuck_holds_up_neither_the_others_nor_the_end():
    watchers = [a_watcher(600, job_id=f"job-{number}", reasons=60) for number in range(300)]
    board = board_of(*watchers)
    with ExitStack() as stack:
        with serving_page(board, NoActions(), 0) as address:
            stack.enter_context(stuck_reader(address))
            with listening(address) as stream:
                _, fields = next(stream)
                assert len(json.dumps(fields)) > 1_000_000
                board.put("job-7", watchers[7].snapshot())
                _, fields = next(stream)
                assert [job["jobId"] for job in fields["jobs"]] == ["job-7"]
            began = time.monotonic()
        assert time.monotonic() - began < 5


def test_so_many_pages_may_be_open_and_one_that_is_closed_makes_room():
    board = board_of(a_watcher())
    with serving_page(board, NoActions(), 0) as address, ExitStack() as stack:
        streams = [stack.enter_context(listening(address)) for _ in range(MAX_STREAMS - 1)]
        assert all(next(stream) for stream in streams)
        with listening(address) as last:
            next(last)
            refused = httpx.get(f"{address}events")
            assert refused.status_code == 503
            assert "too many pages" in refused.json()["error"]
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            with httpx.stream("GET", f"{address}events") as stream:
                if stream.status_code == 200:
                    return
        raise AssertionError("no room was made")


def test_a_port_that_is_taken_is_said_to_be():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(LocalResourceMissing, match=f"port {port} cannot be used"),
            serving_page(board_of(a_watcher()), NoActions(), port),
        ):
            pass

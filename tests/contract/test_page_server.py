"""The page's real server on loopback: many things, many readers, slow readers, and its end."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from tests.support.job_world import JobWorld

from otactl.errors import LocalResourceMissing
from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.monitor.board import Board
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.watch_policy import WatchPolicy
from otactl.views.page.app import LAST_SECONDS, MAX_STREAMS
from otactl.views.page.connection import MAX_CONNECTIONS, BoundedConnection
from otactl.views.page.server import serving_page

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
            began = time.process_time()
            answer = client.get(f"{address}things", params={"job": "job", **query})
            took = time.process_time() - began
            assert answer.json()["things"], query
            assert len(answer.content) < 50_000
            # Processor time, of the server and of this client: other tests run beside it.
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


def test_a_reader_that_is_stuck_holds_up_neither_the_others_nor_the_end(capsys):
    watchers = [a_watcher(600, job_id=f"job-{number}", reasons=60) for number in range(300)]
    board = board_of(*watchers)
    with ExitStack() as stack:
        with serving_page(board, NoActions(), 0) as address:
            stack.enter_context(stuck_reader(address))
            with listening(address) as stream:
                _, fields = next(stream)
                assert len(json.dumps(fields)) > 1_000_000
                board.put("job-7", watchers[7].snapshot())
                # Where the machine is busy, a sign of life may come first.
                fields = next(fields for name, fields in stream if name == "board")
                assert [job["jobId"] for job in fields["jobs"]] == ["job-7"]
            began = time.monotonic()
        assert time.monotonic() - began < 30
    assert capsys.readouterr().err == ""


def test_so_many_pages_may_be_open_and_one_that_is_closed_makes_room():
    board = board_of(a_watcher())
    with serving_page(board, NoActions(), 0) as address, ExitStack() as stack:
        streams = [stack.enter_context(listening(address)) for _ in range(MAX_STREAMS - 1)]
        assert all(next(stream) for stream in streams)
        with listening(address) as last:
            next(last)
            refused = httpx.get(f"{address}events")
            assert refused.status_code == 503
            assert refused.json()["error"] == "20 pages of this watch are open already: close one"
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            with httpx.stream("GET", f"{address}events") as stream:
                if stream.status_code == 200:
                    return
        raise AssertionError("no room was made")


def raw_connection(address, sent=b""):
    """A connection of a program that is no browser, which has sent this."""
    url = httpx.URL(address)
    connection = socket.create_connection((url.host, url.port), timeout=DEADLINE_SECONDS)
    connection.sendall(sent)
    return connection


def is_closed(connection):
    """Whether the other side closes the connection, within the deadline."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def test_streams_that_are_asked_for_at_the_same_moment_are_within_the_limit():
    # One after the other each would be counted before the next is let in; together they are not.
    board = board_of(a_watcher())
    with serving_page(board, NoActions(), 0) as address, ExitStack() as stack:
        url = httpx.URL(address)
        request = f"GET {url.path}events HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n\r\n"
        connections = [stack.enter_context(raw_connection(address)) for _ in range(MAX_STREAMS * 3)]
        for connection in connections:
            connection.sendall(request.encode())
        answers = [connection.recv(12) for connection in connections]
    assert answers.count(b"HTTP/1.1 200") == MAX_STREAMS
    assert answers.count(b"HTTP/1.1 503") == 2 * MAX_STREAMS


def test_a_connection_too_many_is_closed_at_once_and_the_page_goes_on():
    board = board_of(a_watcher())
    with serving_page(board, NoActions(), 0) as address, ExitStack() as stack:
        silent = [stack.enter_context(raw_connection(address)) for _ in range(MAX_CONNECTIONS)]
        for _ in range(30):
            assert is_closed(stack.enter_context(raw_connection(address)))
        silent.pop().close()
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            try:
                assert httpx.get(address).status_code == 200
            except httpx.TransportError:
                continue
            return
        raise AssertionError("no room was made")


class HastyConnection(BoundedConnection):
    """A connection whose patience is short, so that a test need not wait for the real one."""

    request_seconds = 0.3
    read_seconds = 0.3


@contextmanager
def hasty_server(application):
    """Connections of little patience; yields their address, and those that are open."""
    config = uvicorn.Config(application, http=HastyConnection, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    try:
        yield "http://{}:{}/".format(*listener.getsockname()), server.server_state.connections
    finally:
        server.should_exit = True
        thread.join()


async def endless(scope, receive, send):
    """An application that answers with more than any buffer holds."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000):
        body = {"type": "http.response.body", "body": b"x" * 65536, "more_body": True}
        await send(body)
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: 127.",
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HT",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\nx",
    ],
    ids=["silent", "half a head", "half a second head", "half a body"],
)
def test_a_connection_that_sends_no_whole_request_is_closed(sent):
    app = PlainTextResponse("here")
    with hasty_server(app) as (address, _), raw_connection(address, sent) as connection:
        assert is_closed(connection)


def can_trickle(connection, content):
    """Whether the other side lets somebody send this a byte at a time, which takes ten seconds."""
    try:
        for byte in content:
            connection.sendall(bytes([byte]))
            time.sleep(0.01)  # the sender's pace, which is what is tested
    except (ConnectionResetError, BrokenPipeError):
        return False
    return True


def test_single_bytes_do_not_keep_a_connection_open():
    with hasty_server(PlainTextResponse("here")) as (address, _):
        head = b"GET / HTTP/1.1\r\nHost: " + b"h" * 1000
        with raw_connection(address) as connection:
            assert not can_trickle(connection, head)


def test_a_reader_that_takes_nothing_is_closed():
    # The reader need not notice; what counts is that its descriptor here is free again.
    request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    with hasty_server(endless) as (address, connections), raw_connection(address, request) as one:
        assert one.recv(12) == b"HTTP/1.1 200"
        assert connections
        deadline = time.monotonic() + DEADLINE_SECONDS
        while connections:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_no_file_descriptor_left_is_one_line_and_no_traceback():
    command = [sys.executable, "-m", "tests.support.page_with_few_files"]
    with (
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as page,
        ExitStack() as stack,
    ):
        address = page.stdout.readline().strip()
        for _ in range(45):
            stack.enter_context(raw_connection(address))
        said = page.stderr.readline()
        stack.close()
        answer = httpx.get(address, timeout=DEADLINE_SECONDS)
        page.terminate()
        said += page.stderr.read()
    assert said == (
        "warning: the page cannot take more connections: Too many open files; close some, or"
        " raise `ulimit -n`\n"
    )
    assert answer.status_code == 200


def test_a_port_that_is_taken_is_said_to_be():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(LocalResourceMissing, match=f"port {port} cannot be used"),
            serving_page(board_of(a_watcher()), NoActions(), port),
        ):
            pass

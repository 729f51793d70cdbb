"""The page as a Starlette application: static files, a stream of snapshots, tables, actions.

Calls of AWS and sorting a large table run in a thread; the stream itself only reads a number.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from importlib.resources import files

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from otactl.errors import OtactlError
from otactl.model.progress import Percentiles
from otactl.monitor.board import Board
from otactl.operations.watch.actions import WatchActions
from otactl.views.chart.histogram_chart import histogram_chart
from otactl.views.chart.progress_chart import progress_chart
from otactl.views.foreign_text import to_json
from otactl.views.page.export import report_html, things_csv
from otactl.views.page.job_fields import BoardNews, page_fields, policy_fields, thing_fields
from otactl.views.page.page_shutdown import OpenPage, PageShutdown
from otactl.views.page.request import (
    MAX_BODY_BYTES,
    BadRequest,
    act_of,
    body_object,
    check_typed,
    comment_of,
    job_of,
    status_of,
    table_query,
    thing_of,
    width_of,
)

#: How often the stream checks for news, and the shortest time between two messages.
_BEAT_SECONDS = 0.25
_NOTIFY_SECONDS = 0.5
#: How long a page may take for its last requests, and how often their end is checked.
LAST_SECONDS = 1.0
_LAST_BEAT_SECONDS = 0.02
#: A heartbeat on an idle stream: if three are missing, the page treats the program as stalled.
_HEARTBEAT_SECONDS = 1.5
#: The page's own modules.
SCRIPTS = (
    "page.js",
    "element.js",
    "server.js",
    "view.js",
    "board.js",
    "drawing.js",
    "table.js",
    "dialog.js",
    "gate.js",
    "address.js",
)
#: Pages open at once; each keeps a connection.
MAX_STREAMS = 20
#: How long the body of a request may take, in seconds; it is a few hundred bytes.
_BODY_SECONDS = 10.0


def build_page(board: Board, actions: WatchActions, page_shutdown: PageShutdown) -> Starlette:
    """The application behind the guard.

    Args:
        page_shutdown: Notifies open pages that the program is about to end.
    """
    page = _Page(board, actions, page_shutdown)
    return Starlette(
        routes=[
            Route("/", _static("page/static/page.html", media_type="text/html")),
            *(
                Route(f"/{name}", _static(f"page/static/{name}", media_type="text/javascript"))
                for name in SCRIPTS
            ),
            # The colours that charts and report share, then the page's own.
            Route(
                "/page.css",
                _static("chart/chart.css", "page/static/page.css", media_type="text/css"),
            ),
            Route("/events", page.events, methods=["GET"]),
            Route("/things", _answering(page.things)),
            Route("/thing", _answering(page.thing)),
            Route("/job", _answering(page.job)),
            Route("/chart/progress", _answering(page.progress)),
            Route("/chart/downloads", _answering(page.downloads)),
            Route("/things.csv", _answering(page.things_csv)),
            Route("/report.html", _answering(page.report)),
            Route("/look", _answering(page.poll), methods=["POST"]),
            Route("/want", _answering(page.want), methods=["POST"]),
            Route("/cancel", _answering(page.cancel), methods=["POST"]),
            Route("/decide", _answering(page.decide), methods=["POST"]),
        ]
    )


class _Page:
    """The answers that depend on the board."""

    def __init__(self, board: Board, actions: WatchActions, page_shutdown: PageShutdown) -> None:
        self._board = board
        self._actions = actions
        self._page_shutdown = page_shutdown

    def _job_of(self, request: Request) -> str:
        return job_of(request.query_params, self._board.job_ids)

    async def events(self, request: Request) -> Response:
        """The stream of snapshots (server-sent events), for at most ``MAX_STREAMS`` pages."""
        open_page = self._page_shutdown.open_page(MAX_STREAMS)
        if open_page is None:
            words = f"{MAX_STREAMS} pages of this watch are open already: close one"
            return _json({"error": words}, status_code=503)
        return _PageStream(self._report(request), open_page)

    async def _report(self, request: Request) -> AsyncIterator[str]:
        """News when there are any; a slow reader gets the newest, never a backlog."""
        loop = asyncio.get_running_loop()
        news = BoardNews(self._board)
        reported, notified_at = -1, -_NOTIFY_SECONDS
        while not await request.is_disconnected():
            # Read first: what the board got before the end is sent before it, too.
            ends = self._page_shutdown.is_announced
            version, now = self._board.version, loop.time()
            if version != reported and (ends or now - notified_at >= _NOTIFY_SECONDS):
                yield _event("board", json.dumps(news.fields(), separators=(",", ":")))
                reported, notified_at = version, now
            elif now - notified_at >= _HEARTBEAT_SECONDS:
                yield _event("beat")
                notified_at = now
            if ends:
                yield _event("end")
                break
            await asyncio.sleep(_BEAT_SECONDS)
        # The page sends its last requests, and closes the stream when it has the answers.
        beats_left = int(LAST_SECONDS / _LAST_BEAT_SECONDS)
        for _ in range(beats_left):
            if await request.is_disconnected():
                break
            await asyncio.sleep(_LAST_BEAT_SECONDS)

    async def things(self, request: Request) -> Response:
        job_id = self._job_of(request)
        query = table_query(request.query_params)
        page = await run_in_threadpool(self._board.things, job_id, query)
        return _json(page_fields(page))

    async def thing(self, request: Request) -> Response:
        job_id = self._job_of(request)
        name = thing_of(request.query_params)
        if name is None:
            raise BadRequest("the name of a thing is missing")
        await run_in_threadpool(self._actions.show_thing, job_id, name)
        outcome = self._board.thing(job_id, name)
        if outcome is None:
            raise BadRequest("nothing is known of that thing")
        return _json(thing_fields(outcome))

    async def job(self, request: Request) -> Response:
        job_id = self._job_of(request)
        snapshot = self._board.snapshot(job_id)
        if snapshot is None or snapshot.job is None:
            raise BadRequest("the job is not known yet")
        document = await run_in_threadpool(self._actions.document, job_id)
        return _json(policy_fields(snapshot.job) | {"document": document})

    async def progress(self, request: Request) -> Response:
        job_id = self._job_of(request)
        width = width_of(request.query_params)
        return _drawing(progress_chart(self._board.progress(job_id), width=width))

    async def downloads(self, request: Request) -> Response:
        job_id = self._job_of(request)
        width = width_of(request.query_params)
        bins = await run_in_threadpool(self._board.downloads, job_id)
        snapshot = self._board.snapshot(job_id)
        # A page may be open before the first poll: then there is nothing to draw, not an error.
        reported = Percentiles() if snapshot is None else snapshot.download_seconds
        return _drawing(histogram_chart(bins, reported, width=width))

    async def things_csv(self, request: Request) -> Response:
        """The things of the table, on all of its pages, for a spreadsheet."""
        job_id = self._job_of(request)
        query = table_query(request.query_params)
        text = await run_in_threadpool(things_csv, self._board, job_id, query)
        return _file(text, f"{job_id}.csv", "text/csv; charset=utf-8")

    async def report(self, request: Request) -> Response:
        job_id = self._job_of(request)
        text = await run_in_threadpool(report_html, self._board, job_id)
        return _file(text, f"{job_id}.html", "text/html; charset=utf-8")

    async def poll(self, _request: Request) -> Response:
        self._actions.poll_now()
        return _json({"message": "looking"})

    async def want(self, request: Request) -> Response:
        fields = body_object(await _body(request))
        status = status_of(fields)
        if status is not None:
            self._board.want(job_of(fields, self._board.job_ids), status)
            self._actions.poll_now()
        return _json({"message": "they are being listed"})

    async def cancel(self, request: Request) -> Response:
        fields = body_object(await _body(request))
        job_id = job_of(fields, self._board.job_ids)
        thing_name = thing_of(fields)
        check_typed(fields, job_id)
        force = fields.get("force") is True
        words = await run_in_threadpool(self._actions.cancel, job_id, thing_name, force=force)
        return _json({"message": words})

    async def decide(self, request: Request) -> Response:
        fields = body_object(await _body(request))
        job_id = job_of(fields, self._board.job_ids)
        act, comment = act_of(fields), comment_of(fields)
        words = await run_in_threadpool(self._actions.decide, job_id, act, comment)
        return _json({"message": words})


class _PageStream(StreamingResponse):
    """A stream that counts as an open page until it has ended, in whatever way.

    Args:
        open_page: Claimed by the caller, because the check for a free one and the claim must be
            one step.
    """

    def __init__(self, content: AsyncIterator[str], open_page: OpenPage) -> None:
        super().__init__(content, media_type="text/event-stream")
        self._open_page = open_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._open_page:
            await super().__call__(scope, receive, send)


def _answering(
    answer: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint whose errors become messages for the page."""

    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except BadRequest as error:
            return _json({"error": str(error)}, status_code=400)
        except OtactlError as error:
            words = f"{error} ({error.hint})" if error.hint else str(error)
            return _json({"error": words}, status_code=502)

    return endpoint


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise BadRequest("the request is too long")
    except TimeoutError as error:
        raise BadRequest("the request did not arrive in time") from error
    return body


def _json(fields: Mapping[str, object], status_code: int = 200) -> Response:
    """JSON of untrusted text: half of a surrogate pair, which no UTF-8 has, becomes an escape."""
    return Response(to_json(fields), status_code=status_code, media_type="application/json")


def _event(name: str, content: str = "") -> str:
    """A server-sent event; JSON has no line break that would end it."""
    return f"event: {name}\ndata: {content}\n\n"


def _drawing(svg: str) -> Response:
    return Response(svg, media_type="image/svg+xml")


def _file(text: str, name: str, media_type: str) -> Response:
    """A file to download, never a page to show; a job's id needs no quoting."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=media_type, headers=headers)


def _static(*names: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers with files, joined."""
    content = b"\n".join((files("otactl.views") / name).read_bytes() for name in names)

    async def serve(_request: Request) -> Response:
        return Response(content, media_type=f"{media_type}; charset=utf-8")

    return serve

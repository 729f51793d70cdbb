"""The layer in front of MiniStack: it serves the streams that MiniStack lacks.

Every request goes to MiniStack first, which authenticates the caller and checks its IAM policies
(it knows the operations of streams by their routes). Only when MiniStack then answers that it
has no such operation do we serve it. So the day it has streams of its own, ours step aside.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from otactl.cloud.asgi import (
    Answer,
    Application,
    CapturedAnswer,
    Receive,
    Send,
    read_body,
    replay,
    send_answer,
)
from otactl.cloud.ministack.answer import scope_of_last_request
from otactl.cloud.scope import Scope
from otactl.cloud.streams.api import StreamApi, fault_answer
from otactl.cloud.streams.fault import FaultKind, StreamFault
from otactl.cloud.streams.tags import StreamTags

_STREAMS = re.compile(r"/streams(/[^/]*)?")
_JOB = re.compile(r"/jobs/[^/]+")
_UNSUPPORTED = b"Unsupported IoT path"
_STREAM_ARN = re.compile(r"arn:aws:iot:[^:]*:\d{12}:stream/([^/]+)")
_SIGNED_FOR_IOT = re.compile(rb"Credential=[^,\s]+/(iot|execute-api)/aws4_request")
_RESET = "/_ministack/reset"
_MAX_JOB_TARGETS = 100


class Front:
    """The ASGI application of the gateway.

    Args:
        application: MiniStack's.
        streams: Serves streams over HTTP.
        tags: Their tags.
        on_scope: Called with the account and region of every IoT request.
        on_reset: Called when MiniStack forgot everything, before the client is.
    """

    def __init__(
        self,
        application: Application,
        streams: StreamApi,
        tags: StreamTags,
        on_scope: Callable[[Scope], None],
        on_reset: Callable[[], None],
    ) -> None:
        self._application = application
        self._streams = streams
        self._tags_of_streams = tags
        self._on_scope = on_scope
        self._on_reset = on_reset

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and _is_signed_for_iot(scope):
            await self._iot(scope, receive, send)
            self._on_scope(scope_of_last_request())
            return
        if scope["type"] == "http" and scope["path"] == _RESET:
            answer = CapturedAnswer()
            await self._application(scope, receive, answer.capture)
            self._on_reset()
            await answer.release(send)
            return
        await self._application(scope, receive, send)

    async def _iot(self, scope: Any, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if _STREAMS.fullmatch(path):
            await self._instead_of_ministack(scope, receive, send)
        elif path in ("/tags", "/untag"):
            await self._tags(scope, receive, send)
        elif method == "PUT" and _JOB.fullmatch(path):
            body = await read_body(receive)
            refusal = _too_many_targets(body)
            if refusal is None:
                await self._application(scope, replay(body, receive), send)
            else:
                await send_answer(send, refusal, str(uuid.uuid4()))
        else:
            await self._application(scope, receive, send)

    async def _instead_of_ministack(self, scope: Any, receive: Receive, send: Send) -> None:
        body, theirs = await self._ask_ministack(scope, receive)
        if theirs.status != FaultKind.INVALID_REQUEST.http_status or (
            _UNSUPPORTED not in theirs.body
        ):
            await theirs.release(send)
            return
        answer = await self._streams.answer(
            scope_of_last_request(), scope["method"], scope["path"], _query(scope), body
        )
        await send_answer(send, answer, str(uuid.uuid4()))

    async def _tags(self, scope: Any, receive: Receive, send: Send) -> None:
        body, theirs = await self._ask_ministack(scope, receive)
        members = _query(scope) if scope["method"] == "GET" else _json_object(body)
        stream = _STREAM_ARN.fullmatch(str(members.get("resourceArn")))
        if stream is None or theirs.status not in (400, 404):
            # Somebody else's tags, or a caller that MiniStack sent away.
            await theirs.release(send)
            return
        owner = scope_of_last_request()
        try:
            fields: dict[str, Any] = {}
            if scope["method"] == "GET":
                fields = self._tags_of_streams.list(owner, stream[1])
            elif scope["path"] == "/tags":
                self._tags_of_streams.tag(owner, stream[1], members.get("tags"))
            else:
                self._tags_of_streams.untag(owner, stream[1], members.get("tagKeys"))
            answer = Answer(200, fields)
        except StreamFault as fault:
            answer = fault_answer(fault)
        await send_answer(send, answer, str(uuid.uuid4()))

    async def _ask_ministack(self, scope: Any, receive: Receive) -> tuple[bytes, CapturedAnswer]:
        body = await read_body(receive)
        theirs = CapturedAnswer()
        await self._application(scope, replay(body, receive), theirs.capture)
        return body, theirs


def _is_signed_for_iot(scope: Any) -> bool:
    return any(
        name.lower() == b"authorization" and _SIGNED_FOR_IOT.search(header)
        for name, header in scope["headers"]
    )


def _too_many_targets(body: bytes) -> Answer | None:
    """AWS's quota of 100 targets for one job (aws-facts A1), which MiniStack does not keep."""
    targets = _json_object(body).get("targets")
    if not isinstance(targets, list) or len(targets) <= _MAX_JOB_TARGETS:
        return None
    message = f"A job has at most {_MAX_JOB_TARGETS} targets; this one has {len(targets)}"
    return fault_answer(StreamFault(FaultKind.LIMIT_EXCEEDED, message))


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _query(scope: Any) -> Mapping[str, str]:
    return dict(parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True))

"""The HTTP operations of streams, which MiniStack lacks, and their tags, which it stores.

MiniStack has the routes of streams, so it authenticates the caller and checks its IAM policies.
Only when it then answers that the operation is unsupported, it is served here. So if a later
MiniStack has its own streams, those are used. Streams become one more type of resource for its
TagResource, UntagResource and ListTagsForResource.

Touched, in ``ministack.services.iot``: ``handle_request`` is wrapped, streams are added to
``_TAGGABLE_RESOURCES``; ``_tags_error``, ``_set_created_tags`` and ``_tags`` are used as its own
resources use them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import iot

from otactl.cloud.ministack.answer import REQUEST, account, first
from otactl.cloud.ministack.shape import Changes, require, require_parameters
from otactl.cloud.operation import find_operation, members_of
from otactl.cloud.scope import Scope
from otactl.cloud.streams.api import StreamApi
from otactl.cloud.streams.record import StreamFault
from otactl.cloud.streams.store import StreamStore

_JSON = "application/json"
_UNSUPPORTED = b"Unsupported IoT path"


def install(
    changes: Changes, api: StreamApi, store: StreamStore, on_scope: Callable[[Scope], None]
) -> None:
    """Install it, below the checks against the models."""
    require("stream" not in iot._TAGGABLE_RESOURCES, "no tags of streams")
    require_parameters(iot._tags_error, "tags", "required")
    require_parameters(iot._set_created_tags, "arn", "tags")
    changes.put_item(
        iot._TAGGABLE_RESOURCES, "stream", (_TaggedStreams(store), "Stream {name} does not exist")
    )

    @changes.around(iot, "handle_request", *REQUEST)
    async def handle_request(
        handle: Any, method: str, path: str, headers: Any, body: bytes, query: Any
    ) -> Any:
        answer = await handle(method, path, headers, body, query)
        scope = account()
        on_scope(scope)
        operation = find_operation("iot", method, path)
        if operation is None or "Stream" not in operation.name or _UNSUPPORTED not in answer[2]:
            return answer
        parameters = {name: first(found) for name, found in query.items()}
        members = members_of(operation, path, parameters, {}, body)
        refusal = iot._tags_error(members.get("tags"), required=False)
        if refusal is not None:
            return refusal
        try:
            fields = await api.answer(scope, operation.name, members)
        except StreamFault as fault:
            kind = fault.kind
            return error_response_json(
                kind.http_code, str(fault), kind.http_status, fault.existing, content_type=_JSON
            )
        arn = scope.arn(f"stream/{members.get('streamId')}")
        if operation.name == "CreateStream":
            iot._set_created_tags(arn, members.get("tags"))
        elif operation.name == "DeleteStream":
            iot._tags.pop(arn, None)
        return json_response(fields, content_type=_JSON)


class _TaggedStreams:
    """The mapping in which MiniStack looks up a stream before it tags it."""

    def __init__(self, store: StreamStore) -> None:
        self._store = store

    def get(self, stream_id: str) -> dict[str, Any] | None:
        """An empty record if the stream exists in the account and region, else None."""
        return None if self._store.find(account(), stream_id) is None else {}

"""The five operations over HTTP; shapes of the botocore ``iot`` model.

The caller is authenticated and authorised before (see ``front``). What is refused, is refused
with everything that is wrong at once.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import botocore.session

from otactl.cloud.asgi import Answer
from otactl.cloud.constraint import message_of, violations
from otactl.cloud.scope import Scope
from otactl.cloud.streams.fault import FaultKind, StreamFault
from otactl.cloud.streams.file_reader import FileReader
from otactl.cloud.streams.record import S3Location, Stream, StreamFile
from otactl.cloud.streams.store import StreamStore
from otactl.cloud.streams.tags import read_tags


def summary(stream: Stream) -> dict[str, Any]:
    """StreamSummary, also what CreateStream and UpdateStream answer."""
    described = {} if stream.description is None else {"description": stream.description}
    return {
        "streamId": stream.stream_id,
        "streamArn": stream.arn,
        "streamVersion": stream.version,
    } | described


def information(stream: Stream) -> dict[str, Any]:
    """StreamInfo; times are epoch seconds with a fraction."""
    return summary(stream) | {
        "files": [
            {
                "fileId": file.file_id,
                "s3Location": {"bucket": file.location.bucket, "key": file.location.key}
                | ({"version": file.location.version} if file.location.version else {}),
            }
            for file in stream.files
        ],
        "createdAt": stream.created_at_ms / 1000,
        "lastUpdatedAt": stream.last_updated_at_ms / 1000,
        "roleArn": stream.role_arn,
    }


PREFIX = "/streams"


class StreamApi:
    """Answers the HTTP requests of the stream service.

    Args:
        store: The streams.
        reader: Looks at the objects a stream names.
        now_ms: The cloud's clock, epoch milliseconds.
    """

    def __init__(self, store: StreamStore, reader: FileReader, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._reader = reader
        self._now_ms = now_ms

    async def answer(
        self, scope: Scope, method: str, path: str, query: Mapping[str, str], body: bytes
    ) -> Answer:
        """Answer one request.

        Args:
            scope: Whose streams.
            method: Of HTTP.
            path: Begins with ``/streams``.
            query: Its parameters.
            body: As it came.
        """
        stream_id = unquote(path.removeprefix(PREFIX).removeprefix("/"))
        operation = {
            ("GET", False): self._list,
            ("GET", True): self._describe,
            ("POST", True): self._create,
            ("PUT", True): self._update,
            ("DELETE", True): self._delete,
        }.get((method, bool(stream_id)))
        try:
            if operation is None:
                raise StreamFault(
                    FaultKind.INVALID_REQUEST, f"{method} {path} is no operation of streams"
                )
            members = _members(body) if method in ("POST", "PUT") else {}
            fields = await operation(scope, members | {"streamId": stream_id}, query)
        except StreamFault as fault:
            return fault_answer(fault)
        return Answer(200, fields)

    async def _create(
        self, scope: Scope, members: dict[str, Any], _query: Mapping[str, str]
    ) -> dict[str, Any]:
        _check("CreateStream", members)
        tags = read_tags(members.get("tags"))
        self._store.refuse_existing(scope, members["streamId"])
        files = await self._files(scope, members["roleArn"], members["files"])
        stream = self._store.create(
            scope,
            members["streamId"],
            files=files,
            role_arn=members["roleArn"],
            description=members.get("description"),
            tags=tags,
            now_ms=self._now_ms(),
        )
        return summary(stream)

    async def _update(
        self, scope: Scope, members: dict[str, Any], _query: Mapping[str, str]
    ) -> dict[str, Any]:
        _check("UpdateStream", members)
        stream = self._store.describe(scope, members["streamId"])
        role_arn = members.get("roleArn")
        files = None
        if members.get("files") is not None:
            files = await self._files(scope, role_arn or stream.role_arn, members["files"])
        elif role_arn is not None:
            for file in stream.files:
                await self._reader.pin(scope, role_arn, file.location)
        updated = self._store.update(
            scope,
            stream.stream_id,
            files=files,
            role_arn=role_arn,
            description=members.get("description"),
            now_ms=self._now_ms(),
        )
        return summary(updated)

    async def _describe(
        self, scope: Scope, members: dict[str, Any], _query: Mapping[str, str]
    ) -> dict[str, Any]:
        _check("DescribeStream", members)
        return {"streamInfo": information(self._store.describe(scope, members["streamId"]))}

    async def _delete(
        self, scope: Scope, members: dict[str, Any], _query: Mapping[str, str]
    ) -> dict[str, Any]:
        _check("DeleteStream", members)
        self._store.delete(scope, members["streamId"])
        return {}

    async def _list(
        self, scope: Scope, _members: dict[str, Any], query: Mapping[str, str]
    ) -> dict[str, Any]:
        max_results = _number(query.get("maxResults"))
        _check("ListStreams", {"maxResults": max_results})
        page = self._store.page(
            scope,
            max_results=max_results,
            next_token=query.get("nextToken"),
            ascending=query.get("isAscendingOrder", "").lower() == "true",
        )
        token = {"nextToken": page.next_token} if page.next_token else {}
        return {"streams": [summary(stream) for stream in page.streams]} | token

    async def _files(
        self, scope: Scope, role_arn: str, files: list[dict[str, Any]]
    ) -> tuple[StreamFile, ...]:
        locations = [(file.get("fileId"), _location(file, at)) for at, file in enumerate(files, 1)]
        file_ids = [file_id for file_id, _ in locations]
        if len(set(file_ids)) < len(file_ids):
            raise StreamFault(FaultKind.INVALID_REQUEST, "The fileIds of a stream must differ")
        return tuple(
            [
                StreamFile(
                    file_id=file_id,
                    location=location,
                    state=await self._reader.pin(scope, role_arn, location),
                )
                for file_id, location in locations
                if file_id is not None
            ]
        )


def fault_answer(fault: StreamFault) -> Answer:
    """The HTTP answer for a fault."""
    fields = {"message": str(fault)}
    if fault.existing is not None:
        fields |= {
            "resourceId": fault.existing.resource_id,
            "resourceArn": fault.existing.resource_arn,
        }
    return Answer(fault.kind.http_status, fields, fault.kind.http_code)


def _check(operation: str, members: dict[str, Any]) -> None:
    clauses = violations(_shape(operation), members)
    if clauses:
        raise StreamFault(FaultKind.INVALID_REQUEST, message_of(clauses))


@functools.cache
def _shape(operation: str) -> Any:
    return _service_model().operation_model(operation).input_shape


@functools.cache
def _service_model() -> Any:
    return botocore.session.get_session().get_service_model("iot")


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise StreamFault(FaultKind.INVALID_REQUEST, f"The body is not JSON: {error}") from error
    if not isinstance(members, dict):
        raise StreamFault(FaultKind.INVALID_REQUEST, "The body is not a JSON object")
    return members


def _location(file: dict[str, Any], at: int) -> S3Location:
    # The model requires none of these, but a file without them cannot be delivered.
    where = file.get("s3Location") or {}
    missing = [
        name
        for name, found in (
            ("fileId", file.get("fileId")),
            ("s3Location.bucket", where.get("bucket")),
            ("s3Location.key", where.get("key")),
        )
        if found is None
    ]
    if missing:
        names = " and ".join(f"files.{at}.member.{name}" for name in missing)
        raise StreamFault(FaultKind.INVALID_REQUEST, f"{names} must be given")
    return S3Location(bucket=where["bucket"], key=where["key"], version=where.get("version"))


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise StreamFault(
            FaultKind.INVALID_REQUEST, f"maxResults must be a number, not {text!r}"
        ) from None

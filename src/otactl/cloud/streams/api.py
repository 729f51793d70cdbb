"""The five operations over HTTP; shapes of the botocore ``iot`` model.

The caller has been authenticated and authorised, and the request fits the model (see
``ministack.stream_request``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otactl.cloud.scope import Scope
from otactl.cloud.streams.file_reader import FileReader
from otactl.cloud.streams.record import FaultKind, S3Location, Stream, StreamFault, StreamFile
from otactl.cloud.streams.store import StreamStore


def summary(stream: Stream) -> dict[str, Any]:
    """StreamSummary, also the answer of CreateStream and UpdateStream."""
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


class StreamApi:
    """Answers the HTTP requests of the stream service.

    Args:
        now_ms: The cloud's clock, epoch milliseconds.
    """

    def __init__(self, store: StreamStore, reader: FileReader, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._reader = reader
        self._now_ms = now_ms

    async def answer(self, scope: Scope, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        """The fields of the answer to one request.

        Raises:
            StreamFault: The request is refused.
        """
        match operation:
            case "CreateStream":
                return await self._create(scope, members)
            case "UpdateStream":
                return await self._update(scope, members)
            case "DescribeStream":
                return {"streamInfo": information(self._store.describe(scope, members["streamId"]))}
            case "DeleteStream":
                self._store.delete(scope, members["streamId"])
                return {}
        page = self._store.page(
            scope,
            max_results=members.get("maxResults"),
            next_token=members.get("nextToken"),
            ascending=bool(members.get("ascendingOrder")),
        )
        token = {"nextToken": page.next_token} if page.next_token else {}
        return {"streams": [summary(stream) for stream in page.streams]} | token

    async def _create(self, scope: Scope, members: dict[str, Any]) -> dict[str, Any]:
        self._store.refuse_existing(scope, members["streamId"])
        files = await self._files(scope, members["roleArn"], members["files"])
        stream = self._store.create(
            scope,
            members["streamId"],
            files=files,
            role_arn=members["roleArn"],
            description=members.get("description"),
            now_ms=self._now_ms(),
        )
        return summary(stream)

    async def _update(self, scope: Scope, members: dict[str, Any]) -> dict[str, Any]:
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

"""The streams of every account and region, in memory. Pure: no clock, no I/O.

Rules and their sources:

- a stream id is unique in its account and region (ResourceAlreadyExistsException, botocore
  ``iot``);
- a new stream has version 1 and every update adds 1 (AWS CLI examples; aws-facts G1); the
  highest version is 65535 (StreamVersion);
- ListStreams pages in the order of creation, newest first unless ``ascendingOrder`` is set
  (as documented for ListCertificates; for streams unconfirmed).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from otactl.cloud.page_token import page_token, read_token
from otactl.cloud.scope import Scope
from otactl.cloud.streams.record import FaultKind, Stream, StreamFault, StreamFile

MAX_STREAM_VERSION = 65535
DEFAULT_PAGE_SIZE = 100
_LIST = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPage:
    """A page of the list.

    Attributes:
        next_token: For the next page; None on the last page.
    """

    streams: tuple[Stream, ...]
    next_token: str | None


class StreamStore:
    """See the module."""

    def __init__(self) -> None:
        self._streams: dict[tuple[Scope, str], Stream] = {}
        self._last_sequence = 0

    def find(self, scope: Scope, stream_id: str) -> Stream | None:
        """The stream with that id, or None."""
        return self._streams.get((scope, stream_id))

    def refuse_existing(self, scope: Scope, stream_id: str) -> None:
        """Refuse an id that is in use.

        Raises:
            StreamFault: ALREADY_EXISTS.
        """
        stream = self.find(scope, stream_id)
        if stream is not None:
            raise StreamFault(
                FaultKind.ALREADY_EXISTS,
                f"Stream {stream_id} already exists",
                existing={"resourceId": stream_id, "resourceArn": stream.arn},
            )

    def create(
        self,
        scope: Scope,
        stream_id: str,
        *,
        files: tuple[StreamFile, ...],
        role_arn: str,
        description: str | None,
        now_ms: int,
    ) -> Stream:
        """Store a new stream.

        Raises:
            StreamFault: The id is in use.
        """
        self.refuse_existing(scope, stream_id)
        self._last_sequence += 1
        stream = Stream(
            stream_id=stream_id,
            arn=scope.arn(f"stream/{stream_id}"),
            version=1,
            description=description,
            files=files,
            role_arn=role_arn,
            created_at_ms=now_ms,
            last_updated_at_ms=now_ms,
            sequence=self._last_sequence,
        )
        self._streams[scope, stream_id] = stream
        return stream

    def describe(self, scope: Scope, stream_id: str) -> Stream:
        """The stream with that id.

        Raises:
            StreamFault: It does not exist.
        """
        stream = self.find(scope, stream_id)
        if stream is None:
            raise StreamFault(FaultKind.NOT_FOUND, f"Stream {stream_id} does not exist")
        return stream

    def update(
        self,
        scope: Scope,
        stream_id: str,
        *,
        files: tuple[StreamFile, ...] | None,
        role_arn: str | None,
        description: str | None,
        now_ms: int,
    ) -> Stream:
        """Change the members that are not None, and increment the version.

        Raises:
            StreamFault: The stream does not exist, or has the highest version.
        """
        stream = self.describe(scope, stream_id)
        if stream.version >= MAX_STREAM_VERSION:
            raise StreamFault(
                FaultKind.LIMIT_EXCEEDED, f"Stream {stream_id} has no version left after this one"
            )
        updated = replace(
            stream,
            version=stream.version + 1,
            files=stream.files if files is None else files,
            role_arn=stream.role_arn if role_arn is None else role_arn,
            description=stream.description if description is None else description,
            last_updated_at_ms=now_ms,
        )
        self._streams[scope, stream_id] = updated
        return updated

    def delete(self, scope: Scope, stream_id: str) -> None:
        """Delete a stream.

        Raises:
            StreamFault: It does not exist.
        """
        self.describe(scope, stream_id)
        del self._streams[scope, stream_id]

    def page(
        self, scope: Scope, *, max_results: int | None, next_token: str | None, ascending: bool
    ) -> StreamPage:
        """One page of the list.

        Raises:
            StreamFault: The token is invalid.
        """
        streams = sorted(
            (stream for (owner, _), stream in self._streams.items() if owner == scope),
            key=lambda stream: stream.sequence,
            reverse=not ascending,
        )
        last = read_token(_LIST, next_token)
        if last is None:
            raise StreamFault(
                FaultKind.INVALID_REQUEST, "nextToken is not one that ListStreams gave"
            )
        if next_token:
            streams = [
                stream for stream in streams if (stream.sequence > last) == ascending
                and stream.sequence != last
            ]  # fmt: skip
        size = max_results or DEFAULT_PAGE_SIZE
        page = tuple(streams[:size])
        return StreamPage(
            streams=page,
            next_token=page_token(_LIST, page[-1].sequence) if len(streams) > size else None,
        )

    def clear(self) -> None:
        """Delete all streams."""
        self._streams.clear()

"""Answers the MQTT requests of devices: DescribeStream and GetStream.

The answer is a sequence of messages, built one by one as they are sent, so that a block is in
memory only while it is sent.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from otactl.cloud.scope import Scope
from otactl.cloud.streams.file_reader import FileReader
from otactl.cloud.streams.record import FaultKind, Stream, StreamFault, StreamFile
from otactl.cloud.streams.selection import select_blocks
from otactl.cloud.streams.store import StreamStore
from otactl.wire.error import WireError
from otactl.wire.stream_payload import (
    DataBlock,
    GetStreamRequest,
    StreamDescription,
    StreamFileSize,
    StreamRejected,
    check_limits,
    decode_describe_request,
    decode_get_request,
    encode_data_block,
    encode_description,
    encode_rejected,
)
from otactl.wire.stream_topic import PayloadFormat, StreamTopic, StreamVerb

#: The largest MQTT message of AWS IoT (aws-facts A9).
_MAX_MESSAGE_BYTES = 131072
#: The largest bitmap has about 24 KiB in hex; no valid request is longer than this.
_MAX_REQUEST_BYTES = 32 * 1024

_log = logging.getLogger("otactl.cloud.streams")


class DeviceService:
    """Answers devices."""

    def __init__(self, store: StreamStore, reader: FileReader) -> None:
        self._store = store
        self._reader = reader
        #: Things served although AWS may refuse them, and why; each is logged once.
        self._doubts: set[tuple[str, str]] = set()

    async def answer(
        self, scope: Scope, topic: StreamTopic, body: bytes
    ) -> AsyncIterator[tuple[StreamVerb, bytes]]:
        """The messages that answer one request.

        Args:
            scope: The device's account and region.
            topic: Of the request; its verb is GET or DESCRIBE.
            body: Of the request, untrusted.

        Yields:
            The verb of the topic to answer on, and the payload.
        """
        token: str | None = None
        try:
            if len(body) > _MAX_REQUEST_BYTES:
                raise WireError("InvalidRequest", f"the request has {len(body)} bytes")
            if topic.verb is StreamVerb.DESCRIBE:
                token = decode_describe_request(body, topic.payload_format).client_token
                yield StreamVerb.DESCRIPTION, self._describe(scope, topic, token)
                return
            request = decode_get_request(body, topic.payload_format)
            token = request.client_token
            self._note_doubt(topic, request.doubt)
            async for block in self._blocks(scope, topic, request):
                yield StreamVerb.DATA, encode_data_block(block, topic.payload_format)
        except WireError as error:
            rejected = StreamRejected(
                code=error.code, message=str(error), client_token=error.client_token or token
            )
            yield StreamVerb.REJECTED, encode_rejected(rejected, topic.payload_format)
        except StreamFault as fault:
            if fault.kind is FaultKind.INTERNAL:
                _log.error("GetStream on %s failed: %s", topic, fault)
            rejected = StreamRejected(
                code=fault.kind.mqtt_code, message=str(fault), client_token=token
            )
            yield StreamVerb.REJECTED, encode_rejected(rejected, topic.payload_format)

    def _note_doubt(self, topic: StreamTopic, doubt: str) -> None:
        if doubt and (topic.thing_name, doubt) not in self._doubts:
            self._doubts.add((topic.thing_name, doubt))
            _log.warning("GetStream on %s is served, but AWS may refuse it: %s", topic, doubt)

    def _describe(self, scope: Scope, topic: StreamTopic, token: str | None) -> bytes:
        stream = self._store.describe(scope, topic.stream_id)
        description = StreamDescription(
            stream_version=stream.version,
            files=tuple(
                StreamFileSize(file_id=file.file_id, size_bytes=file.state.size_bytes)
                for file in stream.files
            ),
            description=stream.description or "",
            client_token=token,
        )
        return encode_description(description, topic.payload_format)

    async def _blocks(
        self, scope: Scope, topic: StreamTopic, request: GetStreamRequest
    ) -> AsyncIterator[DataBlock]:
        check_limits(request)
        _check_message_size(request, topic.payload_format)
        stream, file = self._find(scope, topic, request)
        blocks = select_blocks(request, file.state.size_bytes)
        await self._reader.check(scope, stream, file)
        for block_id in blocks:
            yield DataBlock(
                file_id=file.file_id,
                block_id=block_id,
                payload=await self._reader.read(
                    scope, file, block_id * request.block_size, request.block_size
                ),
                client_token=request.client_token,
            )

    def _find(
        self, scope: Scope, topic: StreamTopic, request: GetStreamRequest
    ) -> tuple[Stream, StreamFile]:
        stream = self._store.describe(scope, topic.stream_id)
        if request.stream_version is not None and request.stream_version != stream.version:
            raise WireError(
                "VersionMismatch",
                f"the stream has version {stream.version}, not {request.stream_version}",
                client_token=request.client_token,
            )
        file = stream.file(request.file_id)
        if file is None:
            raise StreamFault(
                FaultKind.NOT_FOUND,
                f"Stream {stream.stream_id} has no file {request.file_id}",
            )
        return stream, file


def _check_message_size(request: GetStreamRequest, payload_format: PayloadFormat) -> None:
    """Refuse a block size whose base64 does not fit into one MQTT message."""
    if payload_format is PayloadFormat.JSON and (
        -(-request.block_size // 3) * 4 > _MAX_MESSAGE_BYTES
    ):
        raise WireError(
            "BlockSizeOutOfBounds",
            f"a block of {request.block_size} bytes does not fit into a message of "
            f"{_MAX_MESSAGE_BYTES} bytes as base64; ask for smaller blocks, or in CBOR",
            client_token=request.client_token,
        )

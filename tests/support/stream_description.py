"""The two messages of DescribeStream that no device of ours sends or reads."""

from __future__ import annotations

from otactl.wire.stream_body import Fields, dump_request, load_body
from otactl.wire.stream_payload import (
    DescribeStreamRequest,
    StreamDescription,
    StreamFileSize,
)
from otactl.wire.stream_topic import PayloadFormat


def encode_describe_request(request: DescribeStreamRequest, payload_format: PayloadFormat) -> bytes:
    """Write a describe request as a device sends it."""
    return dump_request({"c": request.client_token}, payload_format)


def decode_description(body: bytes, payload_format: PayloadFormat) -> StreamDescription:
    """Read a description.

    Raises:
        WireError: It is not what the service sends.
    """
    answer = load_body(body, payload_format)
    files = answer.fields.get("r")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise answer.misfit("r must be a list of files")
    entries = [Fields(payload_format, file) for file in files]
    return StreamDescription(
        client_token=answer.token,
        stream_version=answer.required("s"),
        description=str(answer.fields.get("d") or ""),
        files=tuple(
            StreamFileSize(file_id=entry.required("f"), size_bytes=entry.required("z"))
            for entry in entries
        ),
    )

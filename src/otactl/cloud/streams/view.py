"""Streams as the HTTP API shows them: the output shapes of the botocore ``iot`` model."""

from __future__ import annotations

from typing import Any

from otactl.cloud.streams.record import Stream


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

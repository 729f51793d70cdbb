"""MQTT file streams behind ``deploy.ports.Streams`` (botocore ``iot``: CreateStream and so on)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.aws.jobs import tag_list
from otactl.aws.translate import MISSING, translated

if TYPE_CHECKING:
    from types_boto3_iot.type_defs import S3LocationTypeDef

    from otactl.aws.clients import AwsClients
    from otactl.deploy.ports import StreamRequest


class IotStreams:
    """MQTT file streams."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    @translated("iot")
    def create(self, request: StreamRequest) -> None:
        """Create a stream of one file."""
        location: S3LocationTypeDef = {"bucket": request.bucket, "key": request.key}
        if request.version_id is not None:
            location["version"] = request.version_id
        self._clients.iot.create_stream(
            streamId=request.stream_id,
            description=request.description,
            files=[{"fileId": request.file_id, "s3Location": location}],
            roleArn=request.role_arn,
            tags=tag_list(request.tags),
        )

    @translated("iot", {MISSING: None})
    def description(self, stream_id: str) -> str | None:
        """The description of a stream, or None if it does not exist."""
        answer = self._clients.iot.describe_stream(streamId=stream_id)
        return answer["streamInfo"].get("description", "")

    @translated("iot", {MISSING: None})
    def delete(self, stream_id: str) -> None:
        """Delete a stream."""
        self._clients.iot.delete_stream(streamId=stream_id)

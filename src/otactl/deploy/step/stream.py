"""The stream that devices fetch the image from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from otactl.deploy.ownership import describe_ours, is_ours, not_ours
from otactl.deploy.ports import StreamRequest
from otactl.deploy.step.base import Calls, Record, Step, StepContext
from otactl.errors import AwsRefused


class CreateStream(Step):
    """Create the stream on the uploaded image."""

    kind: Literal["create-stream"] = "create-stream"
    stream_id: str
    file_id: int
    bucket: str
    object_key: str
    role_arn: str
    tags: Mapping[str, str]

    key: ClassVar[str] = "stream"
    #: The object's version is read, so that the stream can pin it.
    calls: ClassVar[Calls] = {"s3:HeadObject": 1, "iot:CreateStream": 1}
    #: Only a stream of ours is deleted, so it is described first.
    undo_calls: ClassVar[Calls] = {"iot:DescribeStream": 1, "iot:DeleteStream": 1}
    check_calls: ClassVar[Calls] = {"iot:DescribeStream": 1}

    @property
    def title(self) -> str:
        return f"create stream {self.stream_id} with file {self.file_id}"

    @property
    def resource(self) -> str:
        return f"stream/{self.stream_id}"

    def do(self, context: StepContext) -> Record:
        """Create it, pinned to the object's version if the bucket has versioning."""
        stored = context.services.objects.find(self.bucket, self.object_key)
        request = StreamRequest(
            stream_id=self.stream_id,
            file_id=self.file_id,
            bucket=self.bucket,
            key=self.object_key,
            version_id=stored.version_id if stored else None,
            role_arn=self.role_arn,
            description=describe_ours(context.deployment_id),
            tags=self.tags,
        )
        try:
            context.services.streams.create(request)
        except AwsRefused as refusal:
            if not refusal.is_conflict:
                raise
            found = context.services.streams.description(self.stream_id)
            if not is_ours(found, context.deployment_id):
                raise not_ours("stream", self.stream_id, found) from refusal
        return {}

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        found = context.services.streams.description(self.stream_id)
        return is_ours(found, context.deployment_id)

    def delete(self, context: StepContext) -> None:
        context.services.streams.delete(self.stream_id)

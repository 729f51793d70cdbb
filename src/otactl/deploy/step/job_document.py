"""A merged custom job document goes to S3, as the manual says, beside being the job's document.

The job itself carries the document inline: what devices receive cannot change afterwards. The copy
is for people who look for it in their bucket. Its key holds the deployment's id, so nothing is
overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from otactl.deploy.step.base import Record, Step, StepContext


class UploadJobDocument(Step):
    """Store the merged job document in the bucket."""

    kind: Literal["upload-job-document"] = "upload-job-document"
    bucket: str
    object_key: str
    document: str

    @property
    def key(self) -> str:
        """There is one document in a plan."""
        return "job-document"

    @property
    def title(self) -> str:
        """Where the document goes."""
        return f"upload the merged job document to {self.resource}"

    @property
    def resource(self) -> str:
        """The object's address."""
        return f"s3://{self.bucket}/{self.object_key}"

    @property
    def calls(self) -> Mapping[str, int]:
        """The upload."""
        return {"s3:PutObject": 1}

    @property
    def undo_calls(self) -> Mapping[str, int]:
        """A look for its version, then the deletion."""
        return {"s3:HeadObject": 1, "s3:DeleteObject": 1}

    def check_calls(self, *, kept: bool) -> Mapping[str, int]:  # noqa: ARG002
        """One look."""
        return {"s3:HeadObject": 1}

    def do(self, context: StepContext) -> Record:
        """Upload it."""
        context.services.objects.put_text(self.bucket, self.object_key, self.document)
        return {}

    def undo(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Delete it."""
        stored = context.services.objects.find(self.bucket, self.object_key)
        if stored is None:
            return False
        context.services.objects.delete(self.bucket, self.object_key, stored.version_id)
        return True

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Whether it is still there."""
        return context.services.objects.find(self.bucket, self.object_key) is not None

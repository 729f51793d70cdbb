"""The image goes to S3, under a key named by its content, once.

Deployments of the same image share the object. Each claims it (a marker object beside it) before
it is uploaded or found, and clean-up deletes the image only when otactl put it there and no other
deployment claims it: no rollout loses its image to another one's clean-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from otactl.deploy.step.base import Record, Step, StepContext

#: Object metadata that says which deployment uploaded it.
UPLOADED_BY = "otactl-deployment"


class UploadImage(Step):
    """Store the image in the bucket."""

    kind: Literal["upload-image"] = "upload-image"
    bucket: str
    object_key: str
    path: str
    size_bytes: int
    sha256: str

    @property
    def key(self) -> str:
        """There is one image in a plan."""
        return "image"

    @property
    def title(self) -> str:
        """Where the image goes."""
        return f"upload {self.path} ({self.size_bytes:,} bytes) to {self.resource}"

    @property
    def resource(self) -> str:
        """The object's address."""
        return f"s3://{self.bucket}/{self.object_key}"

    @property
    def calls(self) -> Mapping[str, int]:
        """A claim, a look, the upload."""
        return {"s3:PutObject": 2, "s3:HeadObject": 1}

    @property
    def undo_calls(self) -> Mapping[str, int]:
        """The claim and the image go; the listing says who else claims it."""
        return {"s3:DeleteObject": 2, "s3:ListObjectsV2": 1, "s3:HeadObject": 1}

    def do(self, context: StepContext) -> Record:
        """Claim the object, then upload it unless it is there."""
        objects = context.services.objects
        objects.claim(self.bucket, self.object_key, context.deployment_id)
        stored = objects.put_file(
            self.bucket,
            self.object_key,
            self.path,
            sha256=self.sha256,
            metadata={UPLOADED_BY: context.deployment_id},
        )
        return {"version_id": stored.version_id, "created": stored.created}

    def undo(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Give up the claim; delete the image when otactl put it there and nobody else needs it."""
        objects = context.services.objects
        others = objects.release(self.bucket, self.object_key, context.deployment_id)
        stored = objects.find(self.bucket, self.object_key)
        if stored is None or others or UPLOADED_BY not in stored.metadata:
            return False
        objects.delete(self.bucket, self.object_key, stored.version_id)
        return True

    def remains(self, context: StepContext, record: Record | None) -> bool:
        """An image counts as left behind only when this deployment uploaded it."""
        if record is None or not record.get("created"):
            return False
        stored = context.services.objects.find(self.bucket, self.object_key)
        return stored is not None and stored.metadata.get(UPLOADED_BY) == context.deployment_id

"""What is stored in S3: the image, once, under a key named by its content, and a job document.

Deployments of the same image share the object. Each claims it (a marker object beside it) before
it is uploaded or found, and clean-up deletes the image only if otactl put it there and no other
deployment claims it: no clean-up deletes the image of another rollout.

A deployment may claim the image after another has listed the claims and before it deletes. So a
deletion is announced by its own marker before the claims are listed, and a deployment that claims
the image waits until no deletion is announced before it checks whether the image exists. S3 shows
every marker to all at once (S3 User Guide, consistency model): one of the two sees the other's.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from otactl.deploy.ports import StoredObject
from otactl.deploy.step.base import Calls, Record, Step, StepContext

#: How long to wait for an announced deletion; a process that died leaves its announcement behind.
_DELETION_MS = 60_000
_POLL_SECONDS = 1.0

#: Object metadata: the deployment that uploaded it.
UPLOADED_BY = "otactl-deployment"


class UploadImage(Step):
    """Store the image in the bucket."""

    kind: Literal["upload-image"] = "upload-image"
    bucket: str
    object_key: str
    path: str
    size_bytes: int
    sha256: str
    md5: str = ""
    #: The former version of this image; empty for the image that is deployed.
    former: str = ""
    #: The version in the job document; empty if the file has none.
    offered_as: str = ""
    #: Whether it stays, claimed, when the deployment is cleaned up (``keepImages``).
    kept: bool = False

    #: A claim, a list of announced deletions, the upload between two checks for the image. An image
    #: that exists already is not uploaded: two calls less.
    calls: ClassVar[Calls] = {"s3:PutObject": 2, "s3:ListObjectsV2": 1, "s3:HeadObject": 2}
    #: The claim, the image and the announcement are deleted; the lists show other claims.
    undo_calls: ClassVar[Calls] = {
        "s3:PutObject": 1,
        "s3:HeadObject": 3,
        "s3:ListObjectsV2": 3,
        "s3:DeleteObject": 3,
    }
    check_calls: ClassVar[Calls] = {"s3:HeadObject": 1}
    #: The list of other claims.
    kept_check_calls: ClassVar[Calls] = {"s3:ListObjectsV2": 1}

    @property
    def key(self) -> str:
        """The image that is deployed, or the one of a version to roll back to."""
        return f"image/{self.former}" if self.former else "image"

    @property
    def title(self) -> str:
        purpose = f", to roll back to {self.former}" if self.former else ""
        return f"upload {self.path} ({self.size_bytes:,} bytes) to {self.resource}{purpose}"

    @property
    def resource(self) -> str:
        return f"s3://{self.bucket}/{self.object_key}"

    def do(self, context: StepContext) -> Record:
        """Claim the object, then upload it unless it exists."""
        objects = context.services.objects
        objects.claim(self.bucket, self.object_key, context.deployment_id)
        waited_ms = context.span("deletions")
        while objects.claimants(self.bucket, self._deletions) - {context.deployment_id}:
            if waited_ms() >= _DELETION_MS:
                break
            context.services.clock.sleep(_POLL_SECONDS)
        stored = objects.put_file(
            self.bucket,
            self.object_key,
            self.path,
            sha256=self.sha256,
            metadata={UPLOADED_BY: context.deployment_id},
        )
        return {"version_id": stored.version_id, "created": stored.created}

    def undo(self, context: StepContext, record: Record | None) -> bool:
        """Remove the claim; delete the image if otactl uploaded it and no other claim exists."""
        objects = context.services.objects
        if self.kept and record is not None:
            context.on_note(f"kept: {self.resource}, for a rollback (keepImages)")
            return False
        others = objects.release(self.bucket, self.object_key, context.deployment_id)
        stored = objects.find(self.bucket, self.object_key)
        if stored is not None and UPLOADED_BY not in stored.metadata:
            return False
        if stored is not None and others:
            context.on_note(f"kept: {self.resource}, shared with {', '.join(sorted(others))}")
            return False
        return self._delete(context, stored)

    def _delete(self, context: StepContext, stored: StoredObject | None) -> bool:
        """Announce the deletion, list the claims again, and delete if there is none."""
        objects = context.services.objects
        deleted = False
        if stored is not None:
            objects.claim(self.bucket, self._deletions, context.deployment_id)
            if not objects.claimants(self.bucket, self.object_key):
                objects.delete(self.bucket, self.object_key, stored.version_id)
                deleted = True
        # Also if the image is gone: a process killed here left its announcement.
        objects.release(self.bucket, self._deletions, context.deployment_id)
        return deleted

    @property
    def _deletions(self) -> str:
        """The key that a deployment claims while it deletes the image."""
        return f"deleting/{self.object_key}"

    def remains(self, context: StepContext, record: Record | None) -> bool:
        """An image counts as left behind only if this deployment uploaded it."""
        if record is None or not record.get("created") or self.kept:
            return False
        objects = context.services.objects
        stored = objects.find(self.bucket, self.object_key)
        if stored is None or stored.metadata.get(UPLOADED_BY) != context.deployment_id:
            return False
        # Another deployment's rollout may need it: then that deployment deletes it.
        return not objects.claimants(self.bucket, self.object_key) - {context.deployment_id}


class UploadJobDocument(Step):
    """Store a merged custom job document in the bucket, as the manual says.

    The job itself has the document inline: what devices receive cannot change afterwards. The copy
    is for people who look for it in their bucket. Its key has the deployment's id, so nothing is
    overwritten.
    """

    kind: Literal["upload-job-document"] = "upload-job-document"
    bucket: str
    object_key: str
    document: str

    key: ClassVar[str] = "job-document"
    calls: ClassVar[Calls] = {"s3:PutObject": 1}
    #: A check for its version, then the deletion.
    undo_calls: ClassVar[Calls] = {"s3:HeadObject": 1, "s3:DeleteObject": 1}
    check_calls: ClassVar[Calls] = {"s3:HeadObject": 1}

    @property
    def title(self) -> str:
        return f"upload the merged job document to {self.resource}"

    @property
    def resource(self) -> str:
        return f"s3://{self.bucket}/{self.object_key}"

    def do(self, context: StepContext) -> Record:
        context.services.objects.put_text(self.bucket, self.object_key, self.document)
        return {}

    def undo(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        stored = context.services.objects.find(self.bucket, self.object_key)
        if stored is None:
            return False
        context.services.objects.delete(self.bucket, self.object_key, stored.version_id)
        return True

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        return context.services.objects.find(self.bucket, self.object_key) is not None

"""What goes to S3: the image, once, under a key named by its content, and a merged job document.

Deployments of the same image share the object. Each claims it (a marker object beside it) before
it is uploaded or found, and clean-up deletes the image only if otactl put it there and no other
deployment claims it: no rollout loses its image to another one's clean-up.

One may claim it between another's looking for claims and its deleting. So a deletion is announced
by a marker of its own before claims are looked for, and a deployment that claims the image waits
until no deletion is announced before it looks whether the image is there. S3 shows every marker at
once to all (S3 User Guide, consistency model): either the claim is seen, or the announcement.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from otactl.deploy.ports import StoredObject
from otactl.deploy.step.base import Calls, Record, Step, StepContext

#: How long an announced deletion is waited for; a process that died left the announcement behind.
_DELETION_MS = 60_000
_POLL_SECONDS = 1.0

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
    md5: str = ""
    #: The former version that it brings back; empty for the image that is deployed.
    former: str = ""
    #: The version in the job document; empty when the file does not say one.
    offered_as: str = ""
    #: Whether it stays, claimed, when the deployment is cleaned up (``keepImages``).
    kept: bool = False

    #: A claim, a look for announced deletions, the upload between two looks for the image. One that
    #: is there already is not uploaded: two calls less.
    calls: ClassVar[Calls] = {"s3:PutObject": 2, "s3:ListObjectsV2": 1, "s3:HeadObject": 2}
    #: The claim, the image and the announcement go; the listings say who else claims it.
    undo_calls: ClassVar[Calls] = {
        "s3:PutObject": 1,
        "s3:HeadObject": 3,
        "s3:ListObjectsV2": 3,
        "s3:DeleteObject": 3,
    }
    check_calls: ClassVar[Calls] = {"s3:HeadObject": 1}
    #: Who else claims it.
    kept_check_calls: ClassVar[Calls] = {"s3:ListObjectsV2": 1}

    @property
    def key(self) -> str:
        """There is one image that is deployed, and one for each version it can be taken back to."""
        return f"image/{self.former}" if self.former else "image"

    @property
    def title(self) -> str:
        purpose = f", to roll back to {self.former}" if self.former else ""
        return f"upload {self.path} ({self.size_bytes:,} bytes) to {self.resource}{purpose}"

    @property
    def resource(self) -> str:
        return f"s3://{self.bucket}/{self.object_key}"

    def do(self, context: StepContext) -> Record:
        """Claim the object, then upload it unless it is there."""
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
        """Give up the claim; delete the image when otactl put it there and nobody else needs it."""
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
        """Announce the deletion, look for claims once more, and delete if there is none."""
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
        """What a deployment claims while it deletes the image."""
        return f"deleting/{self.object_key}"

    def remains(self, context: StepContext, record: Record | None) -> bool:
        """An image counts as left behind only when this deployment uploaded it."""
        if record is None or not record.get("created") or self.kept:
            return False
        objects = context.services.objects
        stored = objects.find(self.bucket, self.object_key)
        if stored is None or stored.metadata.get(UPLOADED_BY) != context.deployment_id:
            return False
        # Another deployment's rollout may need it: then it is that one's to delete.
        return not objects.claimants(self.bucket, self.object_key) - {context.deployment_id}


class UploadJobDocument(Step):
    """Store a merged custom job document in the bucket, as the manual says.

    The job itself carries the document inline: what devices receive cannot change afterwards. The
    copy is for people who look for it in their bucket. Its key holds the deployment's id, so
    nothing is overwritten.
    """

    kind: Literal["upload-job-document"] = "upload-job-document"
    bucket: str
    object_key: str
    document: str

    key: ClassVar[str] = "job-document"
    calls: ClassVar[Calls] = {"s3:PutObject": 1}
    #: A look for its version, then the deletion.
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

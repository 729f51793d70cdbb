"""Puts a deployment into the queue: its files first, then the requests, the first one last."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otactl.aws.object_store import S3ObjectStore
from otactl.aws.target_reader import MAX_THING_LIST_BYTES
from otactl.deploy.image_file import measure_image
from otactl.errors import UserMistake
from otactl.jobqueue.request import Targets
from otactl.jobqueue.stored_file import FileRole, StoredFile
from otactl.jobqueue.submission import (
    MAX_INLINE_TARGETS,
    QueuedPart,
    RequestOptions,
    key_of,
    pending_request,
    plan_parts,
    queued_configuration,
)
from otactl.jobqueue.target_set import TargetSet
from otactl.model.arn import Arn
from otactl.model.configuration import DocumentSource
from otactl.operations.text_file import read_named_text
from otactl.wire.job_document import MAX_JOB_DOCUMENT_LENGTH

if TYPE_CHECKING:
    from otactl.jobqueue.request import JobRequest
    from otactl.operations.load import LoadedDeployment
    from otactl.operations.queue.session import QueueSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is put into the queue.

    Attributes:
        bucket: Where its files go.
        options: When it may be deployed.
        split: Things per request; None for one request.
    """

    loaded: LoadedDeployment
    bucket: str
    options: RequestOptions
    split: int | None


def submit(submission: Submission, session: QueueSession, *, now_ms: int) -> tuple[JobRequest, ...]:
    """Store the files and put the requests in.

    A process that is killed on the way leaves unused files, but no request that may be deployed.

    Returns:
        The requests, in their order.

    Raises:
        UserMistake: It has waves or leaves things out, and is to be split.
        AwsRefused: There is no such table or bucket, or something is not allowed.
    """
    configuration = submission.loaded.configuration
    if submission.split is not None and configuration.eligibility is not None:
        raise UserMistake(
            f"{configuration.file_name}: --split and useEligibilityConfig = True exclude one"
            " another: a batch of which every thing is left out would stop the series",
            hint="use waves in place of --split, or set useEligibilityConfig = False",
        )
    if submission.split is not None and configuration.waves is not None:
        raise UserMistake(
            "--split makes batches, useWaveConfig = True makes waves: use one of them",
            hint="waves have gates and approvals; with --split, set useWaveConfig = False",
        )
    parts = plan_parts(
        _targets(submission, session),
        submission.options,
        size=submission.split,
        now_ms=now_ms,
        random_bytes=secrets.token_bytes,
    )
    # A table that is not there, or may not be read, is found before anything is stored.
    session.table.find([parts[0].order_key])
    keeper = _FileKeeper(submission, session)
    image, document = keeper.image(parts[0]), keeper.document(parts[0])
    excepted = keeper.excepted(parts[0])
    requests = tuple(keeper.request(part, image, document, excepted) for part in parts)
    session.table.add(requests)
    return requests


def _targets(submission: Submission, session: QueueSession) -> tuple[str, ...]:
    """The targets in their order; for a series, groups are taken apart into their things."""
    listed = submission.loaded.thing_list
    if submission.split is None or not listed.groups:
        return (*listed.things, *listed.groups)
    members = (arn for group in listed.groups for arn in session.targets.members(group))
    return tuple(dict.fromkeys((*listed.things, *members)))


class _FileKeeper:
    """Stores the files of a submission."""

    def __init__(self, submission: Submission, session: QueueSession) -> None:
        self._submission = submission
        self._configuration = submission.loaded.configuration
        self._store = session.store
        self._objects = S3ObjectStore(
            session.clients, concurrency=self._configuration.upload_concurrency
        )

    def image(self, part: QueuedPart) -> StoredFile:
        """Store the image, once for all parts."""
        firmware = measure_image(
            self._configuration.image, piece_bytes=self._configuration.chunk_size_bytes
        )
        key = key_of(FileRole.IMAGE, part, firmware.name)
        self._objects.put_file(
            self._submission.bucket, key, firmware.path, sha256=firmware.sha256, metadata={}
        )
        return StoredFile(key=key, sha256=firmware.sha256, size_bytes=firmware.size_bytes)

    def document(self, part: QueuedPart) -> StoredFile | None:
        """Store the local custom job document, when there is one."""
        custom = self._configuration.custom_document
        if custom is None or custom.source is not DocumentSource.LOCAL_FILE or custom.path is None:
            return None
        path = Path(custom.path)
        text = read_named_text(path, "job document", limit=MAX_JOB_DOCUMENT_LENGTH)
        return self._write(FileRole.DOCUMENT, part, path.name, text.encode())

    def excepted(self, part: QueuedPart) -> StoredFile | None:
        """Store the list of things that are in no wave, when there is one."""
        waves = self._configuration.waves
        if waves is None or waves.excepted_things is None:
            return None
        path = Path(waves.excepted_things)
        text = read_named_text(path, "list of exceptThings", limit=MAX_THING_LIST_BYTES)
        return self._write(FileRole.EXCEPTED, part, path.name, text.encode())

    def request(
        self,
        part: QueuedPart,
        image: StoredFile,
        document: StoredFile | None,
        excepted: StoredFile | None,
    ) -> JobRequest:
        """Store what a request has of its own."""
        listed = "".join(f"{arn}\n" for arn in part.targets).encode()
        name = Path(self._configuration.thing_list).name
        thing_list = self._write(FileRole.THING_LIST, part, name, listed)
        text = queued_configuration(
            self._submission.loaded.text,
            part,
            image=image.name,
            thing_list=thing_list.name,
            document=None if document is None else document.name,
            excepted=None if excepted is None else excepted.name,
        )
        name = Path(self._configuration.file_name).name
        return pending_request(
            part,
            self._submission.options,
            bucket=self._submission.bucket,
            image=image,
            configuration=self._write(FileRole.CONFIGURATION, part, name, text.encode()),
            thing_list=thing_list,
            document=document,
            excepted=excepted,
            targets=self._kept_targets(part),
            image_version=self._submission.loaded.configuration.reported_version or "",
        )

    def _kept_targets(self, part: QueuedPart) -> Targets:
        packed = TargetSet.of(part.targets).packed
        has_groups = any(Arn.parse(arn).is_thing_group for arn in part.targets)
        if len(part.targets) <= MAX_INLINE_TARGETS or has_groups:
            inline = None if has_groups else packed
            return Targets(count=len(part.targets), inline=inline, has_groups=has_groups)
        file = self._write(FileRole.TARGETS, part, "digests", packed)
        return Targets(count=len(part.targets), file=file)

    def _write(self, role: FileRole, part: QueuedPart, name: str, content: bytes) -> StoredFile:
        return self._store.write(self._submission.bucket, key_of(role, part, name), content)


def after_keys(session: QueueSession, job_ids: list[str]) -> Iterator[str]:
    """The order keys of requests that others shall come after.

    Raises:
        UserMistake: There is no such request.
    """
    for job_id in job_ids:
        request = session.request(job_id)
        yield request.order_key


def request_names(requests: tuple[JobRequest, ...]) -> str:
    """The requests in a sentence."""
    first, last = requests[0].job_id, requests[-1].job_id
    return first if len(requests) == 1 else f"{first} to {last}"

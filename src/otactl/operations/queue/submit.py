"""Adds a deployment to the queue: its files first, then the requests, the first one last."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from otactl.aws.object_store import S3ObjectStore
from otactl.aws.queue_item_reading import MAX_NUMBER
from otactl.aws.target_reader import MAX_THING_LIST_BYTES
from otactl.deploy.image_file import measure_image
from otactl.errors import UserMistake
from otactl.jobqueue.request import JobRequest, Targets
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.stored_file import FileRole, StoredFile, release_key
from otactl.jobqueue.submission import (
    MAX_INLINE_TARGETS,
    QueuedPart,
    RequestOptions,
    plan_parts,
    queued_configuration,
)
from otactl.jobqueue.target_set import TargetSet
from otactl.model.arn import Arn
from otactl.model.configuration import DocumentSource
from otactl.model.rollback import RollbackImage
from otactl.operations.load import LoadedDeployment
from otactl.operations.queue.former_files import FormerFile, find_former_files
from otactl.operations.queue.session import QueueSession
from otactl.operations.text_file import read_named_text
from otactl.wire.job_document import MAX_JOB_DOCUMENT_LENGTH

#: Longest name of a former image, so that its number fits before it.
_MAX_FORMER_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A deployment to add to the queue.

    Attributes:
        bucket: Where its files are stored.
        options: When it may be deployed.
        split: Things per request; None for one request.
    """

    loaded: LoadedDeployment
    bucket: str
    options: RequestOptions
    split: int | None


def submit(
    submission: Submission,
    session: QueueSession,
    *,
    now_ms: int,
    notify: Callable[[str], None] = lambda _sentence: None,
) -> tuple[JobRequest, ...]:
    """Store the files and add the requests.

    A process that is killed meanwhile leaves unused files, but no request that may be deployed.

    Returns:
        The requests, in their order.

    Raises:
        UserMistake: It is to be split and has waves or eligibility, or no thing; or a version that
            a rollback may need has no image.
        AwsRefused: The table or bucket does not exist, or a permission is missing.
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
    targets = _targets(submission, session)
    if not targets:
        raise UserMistake(
            f"{configuration.thing_list}: its thing groups have no things, so --split makes no"
            " request",
            hint="without --split the groups themselves are the targets",
        )
    parts = plan_parts(
        targets,
        submission.options,
        size=submission.split,
        now_ms=now_ms,
        random_bytes=secrets.token_bytes,
    )
    # Fails before anything is stored if the table does not exist or may not be read.
    session.table.find([parts[0].order_key])
    former = find_former_files(submission.loaded, session, submission.bucket, notify)
    keeper = _FileKeeper(submission, session)
    image, document = keeper.image(parts[0]), keeper.document(parts[0])
    excepted = keeper.excepted(parts[0])
    kept = tuple(keeper.former(parts[0], former))
    requests = tuple(
        keeper.request(part, image, document, excepted=excepted, former=kept) for part in parts
    )
    session.table.add(requests)
    return requests


def _targets(submission: Submission, session: QueueSession) -> tuple[str, ...]:
    """The targets in their order; for a series, groups are replaced by their things."""
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
        return self._image(FileRole.IMAGE, part, self._configuration.image)

    def document(self, part: QueuedPart) -> StoredFile | None:
        """Store the local custom job document, if there is one."""
        custom = self._configuration.custom_document
        if custom is None or custom.source is not DocumentSource.LOCAL_FILE or custom.path is None:
            return None
        path = Path(custom.path)
        text = read_named_text(path, "job document", limit=MAX_JOB_DOCUMENT_LENGTH)
        return self._write(FileRole.DOCUMENT, part, path.name, text.encode())

    def excepted(self, part: QueuedPart) -> StoredFile | None:
        """Store the list of things that are in no wave, if there is one."""
        waves = self._configuration.waves
        if waves is None or waves.excepted_things is None:
            return None
        path = Path(waves.excepted_things)
        text = read_named_text(path, "list of exceptThings", limit=MAX_THING_LIST_BYTES)
        return self._write(FileRole.EXCEPTED, part, path.name, text.encode())

    def former(
        self, part: QueuedPart, files: Sequence[FormerFile]
    ) -> Iterator[tuple[RollbackImage, StoredFile]]:
        """Store images of former versions not in the bucket yet; yields each and its file."""
        for number, one in enumerate(files, start=1):
            stored = one.stored
            if stored is None:
                name = Path(one.image.path).name[-_MAX_FORMER_NAME:]
                stored = self._image(FileRole.FORMER, part, one.image.path, f"{number}_{name}")
            yield replace(one.image, path=stored.name), stored

    def _image(
        self, role: FileRole, part: QueuedPart, path: str, name: str | None = None
    ) -> StoredFile:
        firmware = measure_image(path, piece_bytes=self._configuration.chunk_size_bytes)
        key = release_key(role, part.job_id, name or firmware.name)
        self._objects.put_file(
            self._submission.bucket, key, firmware.path, sha256=firmware.sha256, metadata={}
        )
        return StoredFile(key=key, sha256=firmware.sha256, size_bytes=firmware.size_bytes)

    def request(
        self,
        part: QueuedPart,
        image: StoredFile,
        document: StoredFile | None,
        *,
        excepted: StoredFile | None,
        former: Sequence[tuple[RollbackImage, StoredFile]],
    ) -> JobRequest:
        """Store the files of one request."""
        listed = "".join(f"{arn}\n" for arn in part.targets).encode()
        name = Path(self._configuration.thing_list).name
        thing_list = self._write(FileRole.THING_LIST, part, name, listed)
        text = queued_configuration(
            self._submission.loaded.ini.text,
            part,
            image=image.name,
            thing_list=thing_list.name,
            document=None if document is None else document.name,
            excepted=None if excepted is None else excepted.name,
            former=[image for image, _ in former],
        )
        name = Path(self._configuration.file_name).name
        options = self._submission.options
        return JobRequest(
            job_id=part.job_id,
            order_key=part.order_key,
            state=RequestState.PENDING,
            bucket=self._submission.bucket,
            image=image,
            configuration=self._write(FileRole.CONFIGURATION, part, name, text.encode()),
            thing_list=thing_list,
            document=document,
            excepted=excepted,
            former=tuple(dict.fromkeys(file for _, file in former)),
            targets=self._kept_targets(part),
            not_before_ms=options.not_before_ms,
            after=part.after,
            series=part.series,
            keep_days=options.keep_days,
            required_succeeded=options.required_succeeded,
            maximum_minutes=options.maximum_minutes,
            image_version=self._configuration.reported_version or "",
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
        key = release_key(role, part.job_id, name)
        return self._store.write(self._submission.bucket, key, content)


def after_keys(session: QueueSession, job_ids: list[str]) -> Iterator[str]:
    """The order keys of requests that must be deployed first.

    Raises:
        UserMistake: A request does not exist.
    """
    for job_id in job_ids:
        request = session.request(job_id)
        yield request.order_key


def request_names(requests: tuple[JobRequest, ...]) -> str:
    """The requests in a sentence."""
    first, last = requests[0].job_id, requests[-1].job_id
    return first if len(requests) == 1 else f"{first} to {last}"


def check_series(
    split: int | None, required: float | None, max_minutes: int | None, rounds: int
) -> None:
    """Refuse options of a series if there is none.

    Raises:
        UserMistake: Such an option is given.
    """
    if required is not None and split is None:
        raise UserMistake("--required-succeeded is about the requests of --split")
    if required is not None and rounds > 1:
        raise UserMistake("--required-succeeded needs rounds = 1: each round must succeed")
    if max_minutes is not None and required is None:
        raise UserMistake("--max-minutes is about --required-succeeded")


def check_named(file: Path, key: str, named: str, given: Path | None) -> None:
    """Refuse a file on the command line that differs from the configuration's."""
    if given is None or Path(named).resolve() == given.resolve():
        return
    raise UserMistake(
        f"{file}: {key} is {named}, but {given} was given",
        hint="they must be the same file; paths in the configuration count from its own folder",
    )


def epoch_ms(text: str) -> int:
    """An ISO 8601 time in epoch milliseconds; UTC if it has no offset.

    Raises:
        UserMistake: It is not a valid time, or one that no request can have.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserMistake(
            f"--not-before {text} is not a time", hint="write it as 2026-12-01T03:00+01:00"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    found = int(moment.timestamp() * 1000)
    if not 0 <= found <= MAX_NUMBER:
        raise UserMistake(
            f"--not-before {text} is not between 1970 and 5138",
            hint="`otactl queue cancel` keeps a request until `otactl queue retry`",
        )
    return found

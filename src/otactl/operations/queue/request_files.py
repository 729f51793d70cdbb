"""Downloads, checks and reads a request's files. None of them is trusted."""

from __future__ import annotations

import hashlib
from pathlib import Path

from otactl.aws.release_store import FileRefused, ReleaseStore
from otactl.aws.target_reader import MAX_THING_LIST_BYTES
from otactl.errors import LocalResourceMissing, UserMistake
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.stored_file import StoredFile
from otactl.jobqueue.target_set import TargetSet
from otactl.jobqueue.trust import Trust, refusals
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.limits import MAX_CONFIGURATION_LENGTH
from otactl.model.thing_list import ThingList
from otactl.operations.load import LoadedDeployment, load_deployment
from otactl.wire.job_document import MAX_JOB_DOCUMENT_LENGTH

#: The name of the downloaded configuration; jobs_scheduler.py reads it.
CONFIGURATION_NAME = "dev.ini"
_BYTES_PER_CHARACTER = 4


def names_of(request: JobRequest) -> dict[StoredFile, str]:
    """The name of each downloaded file of a request."""
    names = {file: file.name for file in request.files}
    return names | {request.configuration: CONFIGURATION_NAME}


def download_files(request: JobRequest, store: ReleaseStore, folder: Path, trust: Trust) -> None:
    """Download a request's files into a folder.

    Raises:
        FileRefused: One is missing or too large, does not match its digest, or has none where
            one is needed.
    """
    limits = {
        request.configuration: MAX_CONFIGURATION_LENGTH * _BYTES_PER_CHARACTER,
        request.thing_list: MAX_THING_LIST_BYTES,
        request.image: trust.max_image_bytes,
    }
    limits |= dict.fromkeys(request.former, trust.max_image_bytes)
    if request.excepted is not None:
        limits[request.excepted] = MAX_THING_LIST_BYTES
    for file, name in names_of(request).items():
        if file.sha256 is None and trust.needs_digests:
            raise FileRefused(
                f"{file.key} has no digest in the queue", hint="add the request with otactl"
            )
        limit = limits.get(file, MAX_JOB_DOCUMENT_LENGTH * _BYTES_PER_CHARACTER)
        store.download(request.bucket, file, folder, name=name, limit_bytes=limit)


def check_files(request: JobRequest, folder: Path) -> None:
    """Check that a folder still has a request's files as they were downloaded.

    Raises:
        UserMistake: One is missing or changed.
    """
    for file, name in names_of(request).items():
        path = folder / name
        try:
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256")
        except OSError as error:
            raise UserMistake(f"cannot read {path}: {error.strerror}") from error
        if file.sha256 is not None and digest.hexdigest() != file.sha256:
            raise UserMistake(
                f"{path} was changed since it was fetched",
                hint="deploy it as your own (`otactl deploy`), or fetch it again",
            )


def check_targets(request: JobRequest, listed: ThingList, declared: TargetSet) -> None:
    """Check that a thing list has the targets that the queue uses to separate requests.

    Raises:
        UserMistake: They differ: requests that share things could be deployed at the same time.
    """
    targets = request.targets
    if targets is None or targets.has_groups:
        # The queue has read this same list.
        return
    if listed.groups or TargetSet.of(listed.things) != declared:
        raise UserMistake(
            f"{request.thing_list.key} lists other targets than the queue keeps for"
            f" {request.job_id}",
            hint="add the request again, with `otactl queue add`",
        )


def read_request(
    request: JobRequest, folder: Path, trust: Trust, *, now_ms: int | None
) -> LoadedDeployment:
    """Read a request's deployment from its files; a schedule must begin after ``now_ms``, or now.

    Raises:
        UserMistake: It names what it may not; ``ConfigurationInvalid`` if it is invalid.
    """
    try:
        return load_deployment(
            folder / CONFIGURATION_NAME,
            overrides=_overrides(request, trust),
            now_ms=now_ms,
            accept=lambda configuration: _accept(configuration, request, trust),
        )
    except LocalResourceMissing as error:
        # The files exist, so the error is in their content.
        raise UserMistake(str(error), hint=error.hint) from error


def _accept(configuration: DeploymentConfiguration, request: JobRequest, trust: Trust) -> None:
    """Refuse a configuration that names what it may not, before such a file is opened."""
    reasons = list(refusals(configuration, request, trust))
    if configuration.signing is not None and trust.signing_key is None:
        reasons.append(
            "[SIGNING_CONFIG]: a worker signs only with a key of its own (--signing-key)"
        )
    if configuration.waves is not None and request.series is not None:
        reasons.append("useWaveConfig = True in a request of a series (--split)")
    if reasons:
        raise UserMistake(
            f"the configuration of {request.job_id} names what it may not: {'; '.join(reasons)}"
        )


def _overrides(request: JobRequest, trust: Trust) -> dict[str, str]:
    overrides = {}
    if request.run > 1:
        # A new run must not use the job and the stream of the run before.
        suffix = f"-r{request.run}"
        overrides["jobId"] = request.aws_job_id
        overrides["streamId"] = request.job_id.replace("jobId_", "streamId_", 1) + suffix
    if trust.signing_key is not None:
        overrides["SIGNING_CONFIG.source"] = "key"
        overrides["SIGNING_CONFIG.privateKeyPath"] = str(trust.signing_key.absolute())
    return overrides

"""What a configuration out of the queue may name.

A user who can write to the table or the bucket can write a ``dev.ini`` that a worker executes with
its own rights. So the file may name only the request's own files, and only buckets, regions and
roles that the worker's operator allows: no file from the queue can make a worker read, sign with
or upload a file on its disk.

AWS IoT replaces placeholders in a job's document on each delivery, by the rights of a role that the
job names: with a presigned URL of an object, or with the signature of one (Developer Guide,
create-manage-jobs). So a document is checked as it is sent to CreateJob, whatever file it came
from: every placeholder in it must have one of these two forms, and name an object in a bucket that
the request may use.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from otactl.jobqueue.request import JobRequest
from otactl.model.configuration import DeploymentConfiguration, DocumentSource
from otactl.model.identifier import is_bucket_name
from otactl.model.quoting import quoted
from otactl.model.s3_url import S3Location, parse_s3_url
from otactl.wire.placeholder import PRESIGNED, SIGNATURE, START

GIBIBYTE = 1024**3
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a worker's operator allows.

    Attributes:
        buckets: Buckets a configuration may use beside the one its request lies in.
        regions: Regions it may deploy in; empty for any.
        role_arns: Roles it may name; empty for any of the account.
        max_image_bytes: Larger images are not downloaded.
        needs_digests: Whether a request without digests (the manual's old script) is refused.
        signing_key: The worker's own private key, for images that are to be signed; the path in
            the file is not used.
    """

    buckets: frozenset[str] = field(default_factory=frozenset)
    regions: frozenset[str] = field(default_factory=frozenset)
    role_arns: frozenset[str] = field(default_factory=frozenset)
    max_image_bytes: int = GIBIBYTE
    needs_digests: bool = False
    signing_key: Path | None = None


def refusals(
    configuration: DeploymentConfiguration, request: JobRequest, trust: Trust
) -> Iterator[str]:
    """A message for each name a configuration may not use; its paths are as written in the file."""
    yield from _files(configuration, request)
    buckets = {request.bucket, *trust.buckets}
    if configuration.bucket not in buckets:
        yield (
            f"bucket = {configuration.bucket} is not the request's own ({request.bucket});"
            " the worker must be run with --allow-bucket to use it"
        )
    if trust.regions and configuration.region not in trust.regions:
        yield f"region = {configuration.region} is not one of {', '.join(sorted(trust.regions))}"
    for role_arn in _roles(configuration):
        if trust.role_arns and role_arn not in trust.role_arns:
            yield f"roleArn = {quoted(role_arn)} is not one that the worker allows (--allow-role)"
    url = configuration.custom_document.url if configuration.custom_document else None
    if url is not None and parse_s3_url(url).bucket not in buckets:
        yield f"jobDocSrcUrl = {quoted(url)} is in another bucket (--allow-bucket)"


def document_refusals(document: str, request: JobRequest, trust: Trust) -> Iterator[str]:
    """A message for each placeholder that a job document, as sent to CreateJob, may not have."""
    yield from placeholder_refusals(document, {request.bucket, *trust.buckets})


def _files(configuration: DeploymentConfiguration, request: JobRequest) -> Iterator[str]:
    named = {"binName": configuration.image, "thingList": configuration.thing_list}
    allowed = {"binName": request.image.name, "thingList": request.thing_list.name}
    document = configuration.custom_document
    if document is not None and document.source is DocumentSource.LOCAL_FILE:
        named["jobDocPath"] = document.path or ""
        allowed["jobDocPath"] = request.document.name if request.document else ""
    if configuration.waves is not None and configuration.waves.excepted_things is not None:
        named["exceptThings"] = configuration.waves.excepted_things
        allowed["exceptThings"] = request.excepted.name if request.excepted else ""
    waves = configuration.waves
    own = {file.name for file in request.former}
    for listed in configuration.rollback.images if waves is not None and waves.rolls_back else ():
        if listed.path not in own:
            yield f"imageList names {quoted(listed.path)}, which is no file of the request's own"
    for key, path in named.items():
        if path != allowed[key]:
            yield f"{key} = {quoted(path)} is not the request's own file {quoted(allowed[key])}"


def _roles(configuration: DeploymentConfiguration) -> Iterator[str]:
    yield configuration.role_arn
    if configuration.job.presigned_url is not None:
        yield configuration.job.presigned_url.role_arn


def placeholder_refusals(document: str, buckets: Container[str]) -> Iterator[str]:
    """A message for each placeholder a document may not have; ``buckets`` are allowed."""
    for start in START.finditer(document):
        shown = quoted(document[start.start() : start.start() + _SHOWN])
        location = _location(document, start.start())
        if location is None:
            yield f"the job document has a placeholder of an unknown form: {shown}"
        elif location.bucket not in buckets:
            yield (
                f"the job document has a placeholder of another bucket, {location.bucket}"
                f" (--allow-bucket): {shown}"
            )


def _location(document: str, position: int) -> S3Location | None:
    """The object that the placeholder at a position names; None if its form is unknown."""
    match = PRESIGNED.match(document, position)
    signature = SIGNATURE.match(document, position)
    if match is not None:
        try:
            location = parse_s3_url(match["url"])
        except ValueError:
            return None
    elif signature is not None and is_bucket_name(signature["bucket"]):
        location = S3Location(signature["bucket"], signature["key"])
    else:
        return None
    # For a program that resolves such a path, it would be in another bucket.
    return None if {".", ".."}.intersection(location.key.split("/")) else location

"""What AWS IoT would put into a job document out of the queue.

AWS IoT replaces placeholders in a job's document on each delivery, by the rights of a role that the
job names: with a presigned URL of an object, or with the signature of one (Developer Guide,
create-manage-jobs). So a document is judged as it goes to CreateJob, whatever file it came from:
every placeholder in it must have one of these two forms, and name an object in a bucket that the
request may use.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from otactl.model.identifier import is_bucket_name
from otactl.model.quoting import quoted
from otactl.model.s3_url import S3Location, parse_s3_url
from otactl.wire.placeholder import PRESIGNED, SIGNATURE, START

_SHOWN = 200


def placeholder_refusals(document: str, buckets: Container[str]) -> Iterator[str]:
    """Every placeholder that a document may not have; objects in these buckets it may name."""
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
    """The object that the placeholder at a position names; None if it is not known."""
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
    # A path with these would be another bucket's for a program that resolves it.
    return None if {".", ".."}.intersection(location.key.split("/")) else location

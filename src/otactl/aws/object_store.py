"""Amazon S3 behind ``deploy.ports.ObjectStore``.

Uploads carry a full-object SHA-256 that S3 verifies, and never replace a key that exists
(``If-None-Match: *``). The digest is also written into the object's metadata: a multipart upload
has only a composite checksum (S3 User Guide, checking object integrity).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from otactl.aws.clients import AwsClients
from otactl.aws.translate import translated
from otactl.deploy.ports import StoredObject
from otactl.errors import AwsRefused, LocalResourceMissing, UserMistake

#: A single PutObject takes 5 GiB; parts pay off from 100 MB (S3 User Guide). A stream delivers
#: 24 MB at most, so parts are for images that travel by presigned URL.
_MULTIPART_FROM_BYTES = 100 * 1024 * 1024
_READ_BYTES = 1024 * 1024
_DIGEST = "otactl-sha256"
_CLAIMS = "claims"
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_TAKEN = frozenset({"PreconditionFailed", "412"})


class S3ObjectStore:
    """Amazon S3.

    Args:
        concurrency: Parts of one large object uploaded at once; None: as in the settings.
    """

    def __init__(self, clients: AwsClients, *, concurrency: int | None = None) -> None:
        self._clients = clients
        self._concurrency = concurrency or clients.settings.upload_concurrency

    @translated("s3")
    def check_bucket(self, bucket: str, *, owner: str, region: str) -> None:
        """Refuse a bucket that is missing, in another region or another account's."""
        try:
            head = self._clients.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=owner)
        except ClientError as error:
            raise _bucket_mistake(error, bucket, owner, region) from error
        found = head.get("BucketRegion")
        if found and found != region:
            raise _other_region(bucket, found, region)

    @translated("s3", dict.fromkeys(_ABSENT))
    def find(self, bucket: str, key: str) -> StoredObject | None:
        """The object, or None if it does not exist."""
        head = self._clients.s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        return StoredObject(
            bucket=bucket,
            key=key,
            size_bytes=head["ContentLength"],
            sha256=_digest_of(head),
            version_id=_version(head.get("VersionId")),
            metadata=head.get("Metadata", {}),
        )

    @translated("s3")
    def put_file(
        self, bucket: str, key: str, path: str, *, sha256: str, metadata: Mapping[str, str]
    ) -> StoredObject:
        """Store a file under a key named by its content, unless the key exists."""
        found = self.find(bucket, key)
        if found is None:
            try:
                with open(path, "rb") as file:  # noqa: PTH123 - read and sent by one handle
                    _check_unchanged(file, path, sha256)
                    self._upload(bucket, key, file, sha256, {**metadata, _DIGEST: sha256})
            except OSError as error:
                raise LocalResourceMissing(
                    f"cannot read the image {path}: {error.strerror}"
                ) from error
            found = self.find(bucket, key)
        if found is None:
            raise AwsRefused("s3:PutObject", "NotFound", f"s3://{bucket}/{key} is gone again")
        if found.sha256 is not None and found.sha256 != sha256:
            raise UserMistake(
                f"s3://{bucket}/{key} holds something else (SHA-256 {found.sha256})",
                hint="the key is named by the image's digest; somebody overwrote it: delete it",
            )
        ours = all(found.metadata.get(name) == text for name, text in metadata.items())
        return replace(found, created=ours)

    def _upload(
        self, bucket: str, key: str, file: BinaryIO, sha256: str, metadata: dict[str, str]
    ) -> None:
        size_bytes = file.seek(0, 2)
        file.seek(0)
        if size_bytes >= _MULTIPART_FROM_BYTES:
            from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - seldom needed

            self._clients.s3.upload_fileobj(
                file,
                bucket,
                key,
                ExtraArgs={"Metadata": metadata, "ChecksumAlgorithm": "SHA256"},
                Config=TransferConfig(
                    multipart_threshold=_MULTIPART_FROM_BYTES, max_concurrency=self._concurrency
                ),
            )
            return
        self._put_new(
            Bucket=bucket,
            Key=key,
            Body=file,
            ContentType="application/octet-stream",
            ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
            Metadata=metadata,
        )

    @translated("s3", dict.fromkeys(_TAKEN))
    def _put_new(self, **parameters: Any) -> None:
        """Put an object unless the key exists.

        A retry after a lost answer finds its own object, so a versioned bucket gets no second
        version.
        """
        self._clients.s3.put_object(**parameters, IfNoneMatch="*")

    @translated("s3")
    def put_text(self, bucket: str, key: str, text: str) -> None:
        """Store a small text."""
        self._put_new(
            Bucket=bucket,
            Key=key,
            Body=text.encode(),
            ContentType="application/json",
            ChecksumAlgorithm="SHA256",
        )

    @translated("s3")
    def read_text(self, bucket: str, key: str, *, limit_bytes: int) -> str:
        """Read a small UTF-8 object."""
        answer = self._clients.s3.get_object(Bucket=bucket, Key=key)
        # Not ``as body``: that would be urllib3's stream, whose errors are not botocore's.
        with answer["Body"]:
            content = answer["Body"].read(limit_bytes + 1)
        if len(content) > limit_bytes:
            raise UserMistake(f"s3://{bucket}/{key} is larger than {limit_bytes:,} bytes")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise UserMistake(f"s3://{bucket}/{key} is not UTF-8: {error}") from error

    @translated("s3")
    def delete(self, bucket: str, key: str, version_id: str | None) -> None:
        """Delete an object; in a versioned bucket, that version."""
        if version_id is None:
            self._clients.s3.delete_object(Bucket=bucket, Key=key)
        else:
            self._clients.s3.delete_object(Bucket=bucket, Key=key, VersionId=version_id)

    @translated("s3")
    def claim(self, bucket: str, key: str, claimant: str) -> None:
        """Put a marker that names a user of the object."""
        self._put_new(Bucket=bucket, Key=_claim_key(key, claimant), Body=b"")

    @translated("s3")
    def release(self, bucket: str, key: str, claimant: str) -> frozenset[str]:
        """Delete the claimant's marker; returns the claimants left."""
        marker = self.find(bucket, _claim_key(key, claimant))
        if marker is not None:
            self.delete(bucket, marker.key, marker.version_id)
        return self.claimants(bucket, key)

    def claimants(self, bucket: str, key: str) -> frozenset[str]:
        """The claimants that have a marker."""
        prefix = _claim_key(key, "")
        entries = self._clients.listed(
            "s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix
        )
        return frozenset(entry["Key"].removeprefix(prefix) for entry in entries)


def _claim_key(key: str, claimant: str) -> str:
    return f"{_CLAIMS}/{key}/{claimant}"


def _version(version_id: str | None) -> str | None:
    # Objects written before versioning was switched on have the literal version "null".
    return None if version_id in (None, "null") else version_id


def _digest_of(head: Mapping[str, Any]) -> str | None:
    checksum = head.get("ChecksumSHA256")
    if checksum and "-" not in checksum:
        return base64.b64decode(checksum).hex()
    recorded = head.get("Metadata", {}).get(_DIGEST)
    return str(recorded) if recorded else None


def _check_unchanged(file: BinaryIO, path: str, sha256: str) -> None:
    digest = hashlib.sha256()
    while piece := file.read(_READ_BYTES):
        digest.update(piece)
    file.seek(0)
    if digest.hexdigest() != sha256:
        raise UserMistake(
            f"the image {path} has changed since it was planned: SHA-256 was {sha256},"
            f" is {digest.hexdigest()}",
            hint="plan again, so that the image you reviewed is the one deployed",
        )


def _other_region(bucket: str, found: str, region: str) -> UserMistake:
    return UserMistake(
        f"bucket {bucket} is in {found}, the deployment in {region}",
        hint="AWS IoT reads images from a bucket of its own region; correct one of them",
    )


def _bucket_mistake(
    error: ClientError, bucket: str, owner: str, region: str
) -> UserMistake | ClientError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    found = headers.get("x-amz-bucket-region")
    match status:
        case 404:
            return UserMistake(
                f"bucket {bucket} does not exist",
                hint="create it, or correct `bucket` in [DEFAULT]",
            )
        case 301 | 400 if found and found != region:
            return _other_region(bucket, found, region)
        case 403:
            return UserMistake(
                f"bucket {bucket} is not account {owner}'s, or these credentials may not see it",
                hint="an image is only put into a bucket of the account that deploys it",
            )
        case _:
            return error

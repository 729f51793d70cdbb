"""The files of requests in S3, under ``release/`` (botocore ``s3``).

Downloads are not trusted: the size is checked before and while reading, the digest afterwards, and
the bucket must be the account's (``ExpectedBucketOwner``). A refused file is not kept.
"""

from __future__ import annotations

import hashlib
import os
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from otactl.aws.clients import AwsClients
from otactl.aws.translate import translated
from otactl.errors import LocalResourceMissing, UserMistake
from otactl.jobqueue.stored_file import StoredFile

_PIECE_BYTES = 1024 * 1024
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})


class FileRefused(UserMistake):
    """Raised when a request's file is missing, too large, or has another digest."""


class ReleaseStore:
    """Reads and writes the files of requests.

    Args:
        clients: The clients of the command, in the queue's region.
        account: The account that must own the buckets.
    """

    def __init__(self, clients: AwsClients, account: str) -> None:
        self._clients = clients
        self._account = account

    def download(
        self, bucket: str, file: StoredFile, folder: Path, *, name: str, limit_bytes: int
    ) -> Path:
        """Download a file into a folder, as a new file.

        Args:
            file: Its key, and its digest if known.
            name: The name of the new file, which must not exist.
            limit_bytes: A larger file is refused.

        Raises:
            FileRefused: It is missing, too large, or has another digest.
            LocalResourceMissing: The new file cannot be written.
        """
        path = folder / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            handle = os.open(path, flags, 0o600)
            try:
                with os.fdopen(handle, "wb") as target:
                    self._copy(bucket, file, limit_bytes, target)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise LocalResourceMissing(f"cannot write {path}: {error.strerror}") from error
        return path

    def read(self, bucket: str, file: StoredFile, *, limit_bytes: int) -> bytes:
        """A file's content, if it is not larger than the limit and has its digest.

        Raises:
            FileRefused: It is missing, too large, or has another digest.
        """
        content = BytesIO()
        self._copy(bucket, file, limit_bytes, content)
        return content.getvalue()

    @translated("s3")
    def write(self, bucket: str, key: str, content: bytes) -> StoredFile:
        """Store a small file that otactl made; an existing one is replaced."""
        self._clients.s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=content,
            ChecksumAlgorithm="SHA256",
            ExpectedBucketOwner=self._account,
        )
        return StoredFile(
            key=key, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content)
        )

    @translated("s3")
    def _copy(self, bucket: str, file: StoredFile, limit_bytes: int, target: BinaryIO) -> None:
        location = f"s3://{bucket}/{file.key}"
        answer = self._get(bucket, file.key)
        if answer is None:
            raise FileRefused(f"{location} does not exist")
        size_bytes, body = answer["ContentLength"], answer["Body"]
        digest, read_bytes = hashlib.sha256(), 0
        with body:
            if size_bytes > limit_bytes:
                raise FileRefused(
                    f"{location} has {size_bytes:,} bytes; {limit_bytes:,} are allowed"
                )
            while piece := body.read(_PIECE_BYTES):
                read_bytes += len(piece)
                if read_bytes > limit_bytes:
                    raise FileRefused(f"{location} has more than the {limit_bytes:,} bytes allowed")
                digest.update(piece)
                target.write(piece)
        if file.sha256 is not None and digest.hexdigest() != file.sha256:
            raise FileRefused(
                f"{location} is not what was put into the queue: its SHA-256 was {file.sha256},"
                f" is {digest.hexdigest()}",
                hint="somebody replaced it: find out who before it is added again",
            )

    @translated("s3", dict.fromkeys(_ABSENT))
    def _get(self, bucket: str, key: str) -> Any:
        return self._clients.s3.get_object(
            Bucket=bucket, Key=key, ExpectedBucketOwner=self._account
        )

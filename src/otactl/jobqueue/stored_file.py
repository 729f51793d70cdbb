"""The files of a request in S3, and the names they may have.

All lie under ``release/`` with flat names, as the manual has it: ``release/binFile_<jobId>_<name>``
and so on. Other users may write keys into the table, so a key is checked before it becomes a file
name: no folder, no ``..``, no hidden file, nothing that a shell or a terminal could misread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from otactl.model.quoting import quoted

RELEASE_PREFIX = "release/"
_MAX_NAME_BYTES = 255
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_MAX_OWN_NAME = 80
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class FileRole(StrEnum):
    """What a file of a request is for; the first part of its name."""

    IMAGE = "binFile"
    CONFIGURATION = "devFile"
    THING_LIST = "thingListFile"
    DOCUMENT = "docFile"
    EXCEPTED = "exceptFile"
    FORMER = "formerFile"
    TARGETS = "targetsFile"
    CHECKPOINT = "checkpointFile"
    WAVES = "wavesFile"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One object under ``release/``.

    Attributes:
        key: Its key, checked.
        sha256: Lower-case hex; None for a file that the manual's old script stored.
        size_bytes: None if the digest is None.
    """

    key: str
    sha256: str | None = None
    size_bytes: int | None = None

    @property
    def name(self) -> str:
        """The name of the downloaded file."""
        return self.key.removeprefix(RELEASE_PREFIX)


def release_key(role: FileRole, request_id: str, name: str) -> str:
    """The key of a new file; unsafe characters of its own name become ``_``."""
    own = _UNSAFE.sub("_", name)[-_MAX_OWN_NAME:]
    return f"{RELEASE_PREFIX}{role}_{request_id}_{own}"


def check_key(key: str) -> str:
    """A key as it came from the table, if it names a plain file under ``release/``.

    Raises:
        ValueError: It does not; the message says what is wrong.
    """
    name = key.removeprefix(RELEASE_PREFIX)
    if name == key:
        raise ValueError(f"the key {quoted(key)} is not under {RELEASE_PREFIX}")
    if not name or "/" in name or "\\" in name or name in (".", ".."):
        raise ValueError(f"the key {quoted(key)} names a folder or a file in another folder")
    if name.startswith((".", "-", "~")) or not name.isprintable():
        raise ValueError(f"the key {quoted(key)} makes no safe file name")
    if len(name.encode()) > _MAX_NAME_BYTES:
        raise ValueError(f"the key {quoted(key)} is longer than {_MAX_NAME_BYTES} bytes")
    return key


def check_digest(text: str) -> str:
    """A SHA-256 as it came from the table.

    Raises:
        ValueError: It is not a SHA-256.
    """
    if _SHA256.fullmatch(text) is None:
        raise ValueError(f"{quoted(text)} is no SHA-256 in lower-case hex")
    return text

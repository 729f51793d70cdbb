"""Checks the files a ``dev.ini`` names: image, private key, custom document, thing list.

Each function takes the file and a problem with the location of the key that names it, and returns
problems. A problem with the file as a whole is reported at the key, one inside it at its own line.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from filecmp import cmp
from pathlib import Path
from typing import Any, BinaryIO

from otactl.errors import ConfigurationInvalid, LocalResourceMissing, UserMistake
from otactl.errors.problem import Problem, Severity
from otactl.model.rollback import RollbackImage
from otactl.model.thing_list import ThingList, parse_thing_list
from otactl.operations.text_file import opened, read_text, regular_size
from otactl.wire.custom_document import DocumentFault, read_custom_document
from otactl.wire.job_document import MAX_JOB_DOCUMENT_LENGTH
from otactl.wire.stream_payload import MAX_FILE_SIZE

#: A million ARNs of the usual length have 70 MB.
_MAX_THING_LIST_BYTES = 512 * 1024 * 1024
_MAX_LINE_BYTES = 8192
_MAX_KEY_BYTES = 64 * 1024


def check_image(path: Path, location: Problem, *, streamed: bool) -> list[Problem]:
    """Why the image cannot be deployed, by a stream or by its URL."""
    try:
        size_bytes = regular_size(path)
        with opened(path) as file:
            is_empty = not file.read(1)
    except LocalResourceMissing as error:
        return [_about(location, "missing-file", f"cannot read the image {path}: {error}")]
    if is_empty:
        return [_about(location, "empty", f"the image {path} is empty")]
    if streamed and size_bytes > MAX_FILE_SIZE:
        return [
            _about(
                location,
                "range",
                f"the image {path} has {size_bytes} bytes; a stream carries {MAX_FILE_SIZE}",
                hint="usePresignedUrlConfig = True delivers larger ones over HTTPS",
            )
        ]
    return []


def same_as_new(former: RollbackImage, new: Path, new_version: str | None) -> Iterator[str]:
    """Why a rollback to an image of ``imageList`` would not replace the new image, in words."""
    with suppress(OSError, LocalResourceMissing):
        path = Path(former.path)
        # Compare sizes first: reading a FIFO never ends, and most images differ in size.
        if regular_size(path) == regular_size(new) and cmp(path, new, shallow=False):
            yield (
                f"the image of {former.version}, {former.path}, is the image that is deployed"
                f" (binName), byte for byte: a rollback to {former.version} would install it again"
            )
    if former.offered_as == new_version and former.version != new_version:
        yield (
            f"the image of {former.version} is offered as {new_version}, which is the new image's"
            " version: a device that compares versions does not take it"
        )


def check_private_key(path: Path, location: Problem) -> list[Problem]:
    """Why the image cannot be signed with this key."""
    from otactl.deploy.signing import sign_image

    try:
        if regular_size(path) > _MAX_KEY_BYTES:
            raise UserMistake("it is too long for a private key")
    except (LocalResourceMissing, UserMistake) as error:
        return [_about(location, "private-key", f"cannot read the private key {path}: {error}")]
    try:
        # A test signature is the surest check.
        sign_image("00" * 32, str(path))
    except (LocalResourceMissing, UserMistake) as error:
        return [_about(location, "private-key", str(error), hint=error.hint)]
    return []


def read_document(
    path: Path,
    location: Problem,
    check: Callable[[dict[str, Any], str], Iterable[DocumentFault]],
) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The custom job document, and its problems, by itself and in its deployment."""
    try:
        text = read_text(path, limit=MAX_JOB_DOCUMENT_LENGTH)
    except LocalResourceMissing as error:
        problem = _about(
            location,
            "missing-file",
            f"cannot read the job document {path}: {error}",
            hint=error.hint,
        )
        return None, [problem]
    try:
        document = read_custom_document(text)
    except DocumentFault as fault:
        return None, [_in_document(path, fault, "json")]
    return document, [_in_document(path, fault, "document") for fault in check(document, text)]


def _in_document(path: Path, fault: DocumentFault, code: str) -> Problem:
    return Problem(file=str(path), line=fault.line, code=code, message=str(fault), hint=fault.hint)


def read_thing_list(
    path: Path, location: Problem, *, region: str | None, account: str | None
) -> tuple[ThingList | None, list[Problem]]:
    """The thing list and its problems; some are only warnings."""
    try:
        with opened(path) as file:
            lines = _LineReader(file)
            thing_list = parse_thing_list(
                lines, file_name=str(path), region=region, account=account
            )
    except LocalResourceMissing as error:
        return None, [
            _about(location, "missing-file", f"cannot read the thing list {path}: {error}")
        ]
    except ConfigurationInvalid as error:
        return None, list(error.problems)
    problems = list(thing_list.warnings)
    if lines.was_cut:
        message = f"{path} is longer than {_MAX_THING_LIST_BYTES} bytes"
        problems.append(_about(location, "too-large", message))
    return thing_list, problems


class _LineReader:
    """The lines of a file; line length and total size are limited."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._read_bytes = 0

    @property
    def was_cut(self) -> bool:
        return self._read_bytes > _MAX_THING_LIST_BYTES

    def __iter__(self) -> Iterator[str]:
        while not self.was_cut:
            line = self._read(_MAX_LINE_BYTES)
            if not line:
                return
            if self._read_bytes == len(line) and line.startswith(
                (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
            ):
                raise LocalResourceMissing("it is UTF-16 text; save it as UTF-8")
            # A line that is not UTF-8 is not a valid ARN and is reported with its number.
            yield line.decode("utf-8", errors="replace")
            while len(line) == _MAX_LINE_BYTES and not line.endswith(b"\n") and not self.was_cut:
                line = self._read(_MAX_LINE_BYTES)

    def _read(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self._read_bytes += len(line)
        return line


def _about(location: Problem, code: str, message: str, *, hint: str | None = None) -> Problem:
    return replace(location, severity=Severity.ERROR, code=code, message=message, hint=hint)

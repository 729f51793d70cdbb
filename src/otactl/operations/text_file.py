"""Reads and writes the user's text files, with a clear message for each failure."""

from __future__ import annotations

import codecs
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from otactl import atomic_file
from otactl.errors import LocalResourceMissing

#: The longest character of UTF-8.
_MAX_BYTES_PER_CHARACTER = 4
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path, *, limit: int) -> str:
    """Read a small UTF-8 file, with its line ends unchanged.

    Args:
        path: The file.
        limit: Maximum number of characters.

    Raises:
        LocalResourceMissing: It cannot be read, is not text, or is longer.
    """
    with opened(path) as file:
        content = file.read(limit * _MAX_BYTES_PER_CHARACTER + 1)
    if content.startswith(_UTF_16_MARKS):
        raise LocalResourceMissing("it is UTF-16 text", hint="save it as UTF-8")
    if b"\0" in content:
        raise LocalResourceMissing("it is not a text file: it contains NUL bytes")
    if len(content) > limit * _MAX_BYTES_PER_CHARACTER:
        raise LocalResourceMissing(f"it is longer than {limit} characters")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise LocalResourceMissing(f"line {line} is not UTF-8", hint="save it as UTF-8") from error
    if len(text) > limit:
        raise LocalResourceMissing(f"it is longer than {limit} characters")
    return text


def read_named_text(path: Path, what: str, *, limit: int, hint: str | None = None) -> str:
    """Read a file the user named, as ``read_text`` does.

    Args:
        path: The file.
        what: The kind of file, for messages, such as ``fleet profile``.
        limit: Maximum number of characters.
        hint: What to do, for errors that have no hint of their own.

    Raises:
        LocalResourceMissing: It cannot be read; the message names it and says why.
    """
    try:
        return read_text(path, limit=limit)
    except LocalResourceMissing as error:
        raise LocalResourceMissing(
            f"cannot read the {what} {path}: {error}", hint=error.hint or hint
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file or a pipe for reading.

    Raises:
        LocalResourceMissing: It cannot be read, or is a device, whose content may never end; the
            message says why, without the path.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise LocalResourceMissing("it is a device, not a file")
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError) as error:
        raise LocalResourceMissing(_reason(error)) from error


def regular_size(path: Path) -> int:
    """The size of a regular file in bytes; nothing is opened, so a pipe cannot block.

    Raises:
        LocalResourceMissing: It does not exist, or is not a regular file.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise LocalResourceMissing(_reason(error)) from error
    if stat.S_ISDIR(status.st_mode):
        raise LocalResourceMissing("it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise LocalResourceMissing("it is not a regular file")
    return status.st_size


def write_atomically(path: Path, text: str, what: str = "", *, is_private: bool = False) -> None:
    """Replace a file atomically, so that no reader sees half of it.

    Args:
        path: The file.
        text: The whole new content.
        what: The kind of file, for messages, such as ``the report``.
        is_private: Whether only its owner may read it; then its folder is created, too.

    Raises:
        LocalResourceMissing: The folder is missing or not writable.
    """
    try:
        atomic_file.write_atomically(path, text, is_private=is_private)
    except OSError as error:
        named = f"{what} {path}".strip()
        raise LocalResourceMissing(f"cannot write {named}: {error.strerror}") from error


def _reason(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "it is a folder"
        case PermissionError():
            return "it may not be read"
        case OSError(strerror=str() as reason):
            return reason
        case _:
            return str(error)

"""Replaces a file's text atomically: a reader, or a later process, sees all of it or none.

The text goes to a temporary file in the same folder first; a failure halfway leaves the old file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def replacing(path: Path, *, is_private: bool = True) -> Iterator[TextIO]:
    """A file to write into, UTF-8; it replaces ``path`` when the block ends without an error.

    A private file is readable only by its owner, and its folder is created too.

    Raises:
        OSError: It cannot be written.
    """
    if is_private:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        if not is_private:
            temporary.chmod(path.stat().st_mode if path.exists() else _new_file_mode())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, text: str, *, is_private: bool = True) -> None:
    """Write a file whole; see ``replacing``."""
    with replacing(path, is_private=is_private) as file:
        file.write(text)


def _new_file_mode() -> int:
    # The only way to read the mask is to set it.
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask

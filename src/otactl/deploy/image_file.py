"""The image on disk: measured once, read in pieces, never in memory as a whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

from otactl.errors import LocalResourceMissing, UserMistake
from otactl.model.firmware import Firmware


def measure_image(path: str, *, piece_bytes: int) -> Firmware:
    """Read the image and compute its digests.

    It is read in pieces (the manual's ``fileChunkSize``).

    Raises:
        LocalResourceMissing: It cannot be read.
        UserMistake: It is empty.
    """
    md5, sha256, size_bytes = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    try:
        with Path(path).open("rb") as file:
            while piece := file.read(piece_bytes):
                md5.update(piece)
                sha256.update(piece)
                size_bytes += len(piece)
    except OSError as error:
        raise LocalResourceMissing(
            f"cannot read the image {path}: {error.strerror or error}",
            hint="correct `binName` in [DEFAULT]; it is relative to the configuration file",
        ) from error
    if not size_bytes:
        raise UserMistake(f"the image {path} is empty", hint="correct `binName` in [DEFAULT]")
    return Firmware(
        path=path,
        name=Path(path).name,
        size_bytes=size_bytes,
        md5=md5.hexdigest(),
        sha256=sha256.hexdigest(),
    )

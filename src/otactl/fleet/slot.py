"""A device's flash: two slots for images, and a record of which one boots and what is in hand.

Only the inactive slot is ever written. Boot record and saved work are one file, replaced in one
act: a process killed at any moment leaves either the old image booting and the download in hand,
or the new image booting and its report to be sent. What a process wrote survives its death; that
it survives a power cut, as real flash must, is more than a virtual device needs, so nothing is
flushed to the disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otactl.device.saved_work import SavedWork
from otactl.device.verification import ImageVerdict, verify_image
from otactl.fleet.store import write_atomically

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from otactl.device.job import Image

_RECORD = "device.json"
_SLOTS = ("a", "b")
_CHUNK_BYTES = 1 << 20


class SlotStore:
    """The slots of one device.

    Args:
        directory: Of the thing.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._record = self._read_record()
        self._is_prepared = False
        self._verified_sha256: str | None = None

    @property
    def booted_sha256(self) -> str | None:
        """Of the image that boots; None for the one from the factory."""
        return self._record.get("sha256")

    @property
    def active_image(self) -> Path | None:
        """The image that boots; None for the one from the factory."""
        active = self._record.get("active")
        return self._slot(active) if active else None

    def saved_work(self) -> SavedWork | None:
        """What an earlier process left, if the slot still holds it."""
        saved = SavedWork.from_fields(self._record.get("work"))
        if saved is None or saved.report is not None:
            return saved
        try:
            size_bytes = self._slot(self._inactive).stat().st_size
        except OSError:
            return None
        blocks = -(-size_bytes // saved.block_size) if saved.block_size > 0 else 0
        return saved if blocks and -(-blocks // 8) == len(saved.received) else None

    def prepare(self, size_bytes: int, *, keep: bool) -> None:
        """Make the inactive slot ready for an image of this size."""
        self._verified_sha256 = None
        self._directory.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | (0 if keep else os.O_TRUNC)
        with self._opened(flags) as file:
            os.ftruncate(file, size_bytes)
        self._is_prepared = True

    def write(self, offset: int, payload: bytes) -> None:
        """Write into the inactive slot."""
        if not self._is_prepared:
            raise OSError("the slot is not prepared")
        self._verified_sha256 = None
        # Not held open: ten thousand devices would need ten thousand files more.
        with self._opened(os.O_WRONLY) as file:
            while payload:
                written = os.pwrite(file, payload, offset)
                payload, offset = payload[written:], offset + written

    def verify(self, image: Image, key: ec.EllipticCurvePublicKey | None) -> ImageVerdict:
        """Read the inactive slot through and compare."""
        verdict = verify_image(self._chunks(), image, key)
        self._verified_sha256 = verdict.sha256 if verdict.fault is None else None
        return verdict

    def switch(self, sha256: str, saved: SavedWork) -> None:
        """Boot the inactive slot from now on.

        Raises:
            OSError: Its image was not verified, or the record cannot be written.
        """
        if self._verified_sha256 is None or self._verified_sha256 != sha256:
            raise OSError("the image in the slot was not verified")
        self.close()
        record = {"active": self._inactive, "sha256": sha256, "work": saved.to_fields()}
        self._write_record(record)

    def save(self, saved: SavedWork) -> None:
        """Keep this for the next process."""
        self._write_record(self._record | {"work": saved.to_fields()})

    def forget(self) -> None:
        """Keep nothing for the next process, and free the inactive slot."""
        self.close()
        if self._record.get("work") is not None:
            self._write_record(self._record | {"work": None})
        # A real device keeps the old image to fall back on; a virtual one has nothing to fall
        # back from, and a thousand of them would fill the disk.
        self._slot(self._inactive).unlink(missing_ok=True)

    def close(self) -> None:
        """Take no more for the slot until it is prepared again."""
        self._is_prepared = False

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        file = os.open(self._slot(self._inactive), flags, 0o600)
        try:
            yield file
        finally:
            os.close(file)

    @property
    def _inactive(self) -> str:
        return _SLOTS[self._record.get("active") == _SLOTS[0]]

    def _slot(self, name: str) -> Path:
        return self._directory / f"slot-{name}.bin"

    def _chunks(self) -> Iterator[bytes]:
        with self._slot(self._inactive).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    def _read_record(self) -> dict[str, Any]:
        try:
            record = json.loads((self._directory / _RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(record, dict) or record.get("active") not in (None, *_SLOTS):
            return {}
        return record

    def _write_record(self, record: dict[str, Any]) -> None:
        write_atomically(self._directory / _RECORD, json.dumps(record))
        self._record = record

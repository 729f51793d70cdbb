"""A device's flash: two slots for images, and a record with the active slot and the saved work.

Only the inactive slot is ever written. Boot record and saved work are one file, replaced
atomically: a process killed at any moment leaves either the old image active with its download
saved, or the new image active with its report still to send. Files survive the end of a process.
They need not survive a power cut, as real flash must, so nothing is flushed to the disk.

The record also has the version of the active image, the number of boots, and, until the work is
deleted, the previous image, to fall back on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otactl.atomic_file import write_atomically
from otactl.device.saved_work import SavedWork
from otactl.device.verification import ImageVerdict, verify_image
from otactl.fleet.running_image import RunningImage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from otactl.fleet.running_image import FactoryImage
    from otactl.model.image import Image

_RECORD = "device.json"
_SLOTS = ("a", "b")
_CHUNK_BYTES = 1 << 20
#: The fields of the record about the active image.
_BOOTED = ("active", "sha256", "version")


class SlotStore:
    """The slots of one device.

    Args:
        factory: Its first image; None if its version and bytes are not needed.
    """

    def __init__(self, directory: Path, factory: FactoryImage | None = None) -> None:
        self._directory = directory
        self._factory = factory
        self._record = self._read_record()
        self._is_prepared = False
        self._verified_sha256: str | None = None

    @property
    def booted_sha256(self) -> str | None:
        """Of the active image; None for the factory image."""
        return self._record.get("sha256")

    @property
    def active_image(self) -> Path | None:
        """The file of the active image; None for the factory image."""
        active = self._record.get("active")
        return self._slot(active) if active else None

    def running(self) -> RunningImage:
        """The active image, with the digest of its bytes, which this reads.

        Raises:
            OSError: The image cannot be read.
        """
        image = self.active_image
        if image is not None:
            sha256: str | None = hashlib.sha256(image.read_bytes()).hexdigest()
        else:
            sha256 = self._factory.sha256 if self._factory else None
        return RunningImage(version=self.version, sha256=sha256, boots=self.boots)

    @property
    def version(self) -> str | None:
        """Of the active image; None if unknown."""
        if self._record.get("active"):
            return self._record.get("version")
        return self._factory.version if self._factory else None

    @property
    def boots(self) -> int:
        """The number of boots; at least 1."""
        return int(self._record.get("boots", 1))

    def saved_work(self) -> SavedWork | None:
        """The saved work of an earlier process; None if the slot does not fit it."""
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
        """Prepare the inactive slot for an image of this size."""
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
        # Not kept open: ten thousand devices would need ten thousand more open files.
        with self._opened(os.O_WRONLY) as file:
            while payload:
                written = os.pwrite(file, payload, offset)
                payload, offset = payload[written:], offset + written

    def verify(self, image: Image, key: ec.EllipticCurvePublicKey | None) -> ImageVerdict:
        """Read the whole inactive slot and verify it."""
        verdict = verify_image(self._chunks(), image, key)
        self._verified_sha256 = verdict.sha256 if verdict.fault is None else None
        return verdict

    def switch(self, sha256: str, saved: SavedWork, version: str | None = None) -> None:
        """Make the inactive slot, with an image of this version, the active one.

        Raises:
            OSError: Its image was not verified, or the record cannot be written.
        """
        if self._verified_sha256 is None or self._verified_sha256 != sha256:
            raise OSError("the image in the slot was not verified")
        self.close()
        self._write_record(
            {
                "active": self._inactive,
                "sha256": sha256,
                "version": version,
                "boots": self.boots,
                "work": saved.to_fields(),
                "former": {key: self._record.get(key) for key in _BOOTED},
            }
        )

    def boot(self) -> None:
        """Count a boot. With saved work, it is written to disk when that work ends."""
        record = self._record | {"boots": self.boots + 1}
        if record.get("work") is None:
            self._write_record(record)
        self._record = record

    def fall_back(self) -> None:
        """Make the previous image active again, if ``forget`` kept it."""
        former = self._record.get("former")
        if former is None:
            return
        self._write_record(self._record | former | {"former": None})
        self._slot(self._inactive).unlink(missing_ok=True)

    def save(self, saved: SavedWork) -> None:
        """Save this for the next process."""
        self._write_record(self._record | {"work": saved.to_fields()})

    def forget(self, *, keep_former: bool = False) -> None:
        """Delete the saved work, and free the inactive slot.

        A real device keeps the old image. Here only a device that is going to fall back keeps it:
        a thousand old images would fill the disk.
        """
        self.close()
        former = self._record.get("former") if keep_former else None
        if self._record.get("work") is not None:
            self._write_record(self._record | {"work": None, "former": former})
        if former is None:
            self._slot(self._inactive).unlink(missing_ok=True)

    def close(self) -> None:
        """Refuse writes to the slot until it is prepared again."""
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
        return record if _is_sound(record) and _is_sound(record.get("former") or {}) else {}

    def _write_record(self, record: dict[str, Any]) -> None:
        write_atomically(self._directory / _RECORD, json.dumps(record))
        self._record = record


def _is_sound(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and record.get("active") in (None, *_SLOTS)
        and isinstance(record.get("boots", 1), int)
    )

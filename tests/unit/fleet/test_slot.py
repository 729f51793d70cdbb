"""Slots: only the spare one is written, only a verified one is booted, and death is survived."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from otactl.device.report import Report
from otactl.device.saved_work import SavedWork
from otactl.fleet.running_image import FactoryImage, RunningImage
from otactl.fleet.slot import SlotStore
from otactl.model.image import Image
from otactl.model.status import ExecutionStatus

CONTENT = bytes(range(256)) * 10
SHA256 = hashlib.sha256(CONTENT).hexdigest()
IMAGE = Image(size_bytes=len(CONTENT), sha256=SHA256)
SAVED = SavedWork(
    identity=("j", 1, 5),
    content_key=IMAGE.content_key,
    block_size=256,
    received=b"\xff\x03",
)
REPORT = Report(ExecutionStatus.SUCCEEDED, {"sha256": SHA256})


def _install(slots: SlotStore, content: bytes, version: str | None = None) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    slots.prepare(len(content), keep=False)
    slots.write(0, content)
    assert slots.verify(Image(size_bytes=len(content), sha256=sha256), None).fault is None
    slots.switch(sha256, replace(SAVED, report=REPORT), version)
    return sha256


def test_images_alternate_between_the_slots(tmp_path: Path) -> None:
    slots = SlotStore(tmp_path)
    assert (slots.booted_sha256, slots.active_image) == (None, None)
    seen = set()
    for number in range(3):
        content = bytes([number]) * 1000
        sha256 = _install(slots, content)
        assert slots.booted_sha256 == sha256
        assert slots.active_image is not None
        assert slots.active_image.read_bytes() == content
        seen.add(slots.active_image.name)

    assert seen == {"slot-a.bin", "slot-b.bin"}
    assert SlotStore(tmp_path).booted_sha256 == slots.booted_sha256


def test_what_was_not_verified_is_not_booted(tmp_path: Path) -> None:
    slots = SlotStore(tmp_path)
    slots.prepare(len(CONTENT), keep=False)
    slots.write(0, CONTENT)
    with pytest.raises(OSError, match="was not verified"):
        slots.switch(SHA256, SAVED)

    slots.verify(IMAGE, None)
    slots.write(5, b"!")
    with pytest.raises(OSError, match="was not verified"):
        slots.switch(SHA256, SAVED)

    assert slots.verify(IMAGE, None).fault == "SHA-256 mismatch"
    with pytest.raises(OSError, match="was not verified"):
        slots.switch(SHA256, SAVED)
    assert slots.booted_sha256 is None


def test_a_download_is_found_again_by_the_next_process(tmp_path: Path) -> None:
    slots = SlotStore(tmp_path)
    slots.prepare(len(CONTENT), keep=False)
    slots.write(256, CONTENT[256:])
    slots.save(SAVED)

    again = SlotStore(tmp_path)
    assert again.saved_work() == SAVED
    again.prepare(len(CONTENT), keep=True)
    again.write(0, CONTENT[:256])

    assert again.verify(IMAGE, None).fault is None


def test_a_download_whose_slot_is_gone_begins_anew(tmp_path: Path) -> None:
    slots = SlotStore(tmp_path)
    slots.prepare(len(CONTENT), keep=False)
    slots.save(SAVED)
    (tmp_path / "slot-a.bin").unlink()
    assert SlotStore(tmp_path).saved_work() is None

    # Another size than the map speaks of: the file is not the one that was being written.
    (tmp_path / "slot-a.bin").write_bytes(bytes(256 * 100))
    assert SlotStore(tmp_path).saved_work() is None


def test_a_verdict_is_found_again_although_the_spare_slot_is_empty(tmp_path: Path) -> None:
    slots = SlotStore(tmp_path)
    _install(slots, CONTENT)

    saved = SlotStore(tmp_path).saved_work()

    assert saved is not None
    assert saved.report == REPORT


def test_forgetting_frees_the_spare_slot_and_keeps_the_boot_record(tmp_path: Path) -> None:
    slots = SlotStore(tmp_path)
    _install(slots, CONTENT)
    sha256 = _install(slots, CONTENT[:-1])

    slots.forget()

    again = SlotStore(tmp_path)
    assert again.saved_work() is None
    assert again.booted_sha256 == sha256
    assert again.active_image is not None
    assert {path.name for path in tmp_path.iterdir()} == {"device.json", again.active_image.name}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"active":"../x"}', '{"active":7}', "\x00"])
def test_a_damaged_record_is_a_device_from_the_factory(tmp_path: Path, text: str) -> None:
    (tmp_path / "device.json").write_text(text)

    slots = SlotStore(tmp_path)

    assert (slots.booted_sha256, slots.saved_work()) == (None, None)


def test_a_new_image_starts_with_an_empty_slot(tmp_path: Path) -> None:
    slots = SlotStore(tmp_path)
    slots.prepare(10, keep=False)
    slots.write(0, b"0123456789")

    slots.prepare(4, keep=False)

    assert (tmp_path / "slot-a.bin").read_bytes() == bytes(4)


def test_no_slot_is_held_open(tmp_path: Path) -> None:
    # Ten thousand devices have ten thousand sockets, and some systems allow twenty thousand files.
    before = len(list(Path("/dev/fd").iterdir()))
    stores = [SlotStore(tmp_path / str(number)) for number in range(50)]
    for store in stores:
        store.prepare(100, keep=False)
        store.write(10, b"x")

    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_device_that_falls_back_runs_the_bytes_and_the_version_of_before(tmp_path: Path) -> None:
    slots = SlotStore(tmp_path)
    former = _install(slots, b"former", "1")
    slots.boot()
    slots.forget()
    _install(slots, CONTENT, "2")
    slots.boot()
    slots.forget(keep_former=True)
    assert slots.running() == RunningImage(version="2", sha256=SHA256, boots=3)

    slots.fall_back()
    slots.boot()

    fallen_back = RunningImage(version="1", sha256=former, boots=4)
    assert slots.running() == SlotStore(tmp_path).running() == fallen_back
    assert len(list(tmp_path.glob("slot-*"))) == 1, "the image that failed is gone"


def test_a_device_falls_back_to_the_image_from_the_factory(tmp_path: Path) -> None:
    path = tmp_path / "factory.bin"
    path.write_bytes(b"factory")
    factory = FactoryImage(version="0.9", path=path)
    slots = SlotStore(tmp_path / "thing", factory)
    comes_with = RunningImage(version="0.9", sha256=hashlib.sha256(b"factory").hexdigest(), boots=1)
    assert slots.running() == comes_with
    _install(slots, CONTENT, "2")
    slots.forget(keep_former=True)
    slots.fall_back()

    assert slots.running() == comes_with
    slots.fall_back()
    assert slots.running() == comes_with, "there is nothing left to fall back on"
    assert factory.names == {"0.9", comes_with.sha256}


def test_boots_are_counted_across_processes(tmp_path: Path) -> None:
    slots = SlotStore(tmp_path, FactoryImage(version="1"))
    for _ in range(3):
        slots.boot()

    assert SlotStore(tmp_path).boots == 4
    assert SlotStore(tmp_path, FactoryImage(version="1")).running() == RunningImage(
        version="1", sha256=None, boots=4
    )


@pytest.mark.parametrize(
    "record",
    ['{"active": "a", "boots": "many"}', '{"active": "a", "former": {"active": "../x"}}'],
)
def test_a_record_that_was_tampered_with_is_that_of_a_new_device(
    tmp_path: Path, record: str
) -> None:
    (tmp_path / "device.json").write_text(record)

    assert (SlotStore(tmp_path).boots, SlotStore(tmp_path).active_image) == (1, None)

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from tests.unit.cloud.test_loop_clock import ADDRESS

from otactl.cloud.record import (
    RECORD_NAME,
    AlreadyRunning,
    is_running,
    lock,
    read_record,
    write_record,
)
from otactl.errors import LocalResourceMissing
from otactl.model.local_cloud import LocalCloudAddress

if TYPE_CHECKING:
    from pathlib import Path


def address(state_dir: Path) -> LocalCloudAddress:
    return LocalCloudAddress(**ADDRESS | {"clock_speed": 1.0, "state_dir": str(state_dir)})


def test_the_record_counts_while_the_lock_is_held_and_not_after(tmp_path: Path) -> None:
    held = lock(tmp_path)
    write_record(address(tmp_path))

    assert is_running(tmp_path)
    assert read_record(tmp_path) == address(tmp_path)
    os.close(held)
    assert not is_running(tmp_path)
    assert read_record(tmp_path) is None


def test_a_lock_is_taken_once(tmp_path: Path) -> None:
    held = lock(tmp_path)

    with pytest.raises(AlreadyRunning, match=str(tmp_path)):
        lock(tmp_path)
    os.close(held)
    os.close(lock(tmp_path))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": 1}', json.dumps(ADDRESS)])
def test_half_a_record_is_none(tmp_path: Path, content: str) -> None:
    held = lock(tmp_path)
    (tmp_path / RECORD_NAME).write_text(content)

    assert read_record(tmp_path) is None
    os.close(held)


def test_a_directory_that_is_not_there_has_no_cloud(tmp_path: Path) -> None:
    assert not is_running(tmp_path / "none")
    assert read_record(tmp_path / "none") is None


def test_only_the_user_reads_the_record(tmp_path: Path) -> None:
    write_record(address(tmp_path))

    assert (tmp_path / RECORD_NAME).stat().st_mode & 0o077 == 0


def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "cloud.lock").mkdir()  # stops root too, whom permissions do not stop

    with pytest.raises(LocalResourceMissing, match=r"cloud\.lock cannot be opened"):
        is_running(tmp_path)

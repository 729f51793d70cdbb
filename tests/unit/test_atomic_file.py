from __future__ import annotations

import stat
from pathlib import Path

import pytest

from otactl.atomic_file import replacing, write_atomically


def test_a_file_is_replaced_whole_and_leaves_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, "one")
    write_atomically(path, "two")

    assert path.read_text() == "two"
    assert [found.name for found in path.parent.iterdir()] == ["file"]


def test_a_failure_halfway_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")

    with pytest.raises(UnicodeEncodeError), replacing(path) as file:
        file.write("tw\ud800")

    assert path.read_text() == "one"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_private_file_is_its_owners_and_another_keeps_the_mode_it_has(tmp_path: Path) -> None:
    private, shared = tmp_path / "private", tmp_path / "shared"
    shared.touch()
    shared.chmod(0o664)

    write_atomically(private, "one")
    write_atomically(shared, "one", is_private=False)

    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(shared.stat().st_mode) == 0o664

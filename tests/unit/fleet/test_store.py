"""The fleet directory: written before anything is made, readable by its owner, never a way out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from otactl.errors import LocalResourceMissing, UserMistake
from otactl.fleet.store import FleetDirectory, FleetManifest

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = FleetManifest(
    fleet_id="f1",
    policy_name="otactl-fleet-f1",
    groups={"pumps": ["a", "b"]},
    things=["a", "b"],
    created_at_ms=5,
    region="us-east-1",
)


def test_a_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    fleet = FleetDirectory(tmp_path / "fleet")
    assert not fleet.exists

    fleet.write(MANIFEST)

    assert fleet.exists
    assert fleet.read() == MANIFEST
    assert (tmp_path / "fleet").stat().st_mode & 0o077 == 0


def test_no_fleet_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="there is no fleet in"):
        FleetDirectory(tmp_path).read()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"things": ["../../etc"]},
        {"things": None},
        {"groups": {"x/y": []}},
        {"groups": {"g": ["a/../b"]}},
        {"unknown": 1},
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    fleet = FleetDirectory(tmp_path)
    fleet.write(MANIFEST)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(LocalResourceMissing, match=r"manifest.json cannot be read"):
        fleet.read()


@pytest.mark.parametrize("name", ["..", "a/b", "", "a\0b", "x" * 129])
def test_a_thing_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is not a valid thing name"):
        FleetDirectory(tmp_path).files_of(name)


def test_certificates_are_kept_with_their_arn(tmp_path: Path) -> None:
    fleet = FleetDirectory(tmp_path)
    assert fleet.certificate_arn("a") is None

    fleet.keep_certificate("a", arn="arn:aws:iot:r:1:cert/x", pem="PEM")

    assert fleet.certificate_arn("a") == "arn:aws:iot:r:1:cert/x"
    assert fleet.files_of("a").certificate_file.read_text() == "PEM"


def test_removing_leaves_nothing_of_ours_and_all_that_is_not(tmp_path: Path) -> None:
    root = tmp_path / "fleet"
    fleet = FleetDirectory(root)
    fleet.write(MANIFEST)
    fleet.keep_certificate("a", arn="x", pem="y")
    (root / "notes.txt").write_text("the user's own")

    fleet.remove()

    assert [path.name for path in root.iterdir()] == ["notes.txt"]
    (root / "notes.txt").unlink()
    fleet.write(MANIFEST)
    fleet.remove()
    assert not root.exists()

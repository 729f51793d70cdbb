"""What ends a fleet, or refuses it, that is the machine's: open files, a full disk."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from otactl.errors import LocalResourceMissing
from otactl.fleet.agent import Agent
from otactl.fleet.clock import FleetClock
from otactl.fleet.endpoint import FleetEndpoint
from otactl.fleet.fleet_context import DevicePlan
from otactl.fleet.runner import FleetRun, _allow_files
from otactl.fleet.store import FleetDirectory

if TYPE_CHECKING:
    from pathlib import Path


def test_more_open_files_than_the_system_allows_are_refused() -> None:
    with pytest.raises(LocalResourceMissing, match="needs 1000000000000 open files"):
        _allow_files(10**12)


def test_what_is_allowed_is_allowed() -> None:
    _allow_files(10)


def test_a_full_disk_is_a_missing_resource_and_no_internal_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def boot(_agent: Agent) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Agent, "run", boot)
    directory = FleetDirectory(tmp_path)
    files = directory.files_of("a")
    files.directory.mkdir(parents=True)
    files.key_file.touch()
    files.certificate_file.touch()
    fleet = FleetRun(
        directory, [DevicePlan(thing_name="a")], endpoint=FleetEndpoint("::1"), clock=FleetClock()
    )
    fleet.start()
    assert not fleet.wait_until_idle(grace_seconds=0)

    with pytest.raises(LocalResourceMissing, match="No space left"):
        fleet.stop()

"""What of this machine ends a fleet or refuses it: too few open files, files it cannot use."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING

import pytest

from otactl.errors import LocalResourceMissing
from otactl.fleet.clock import FleetClock
from otactl.fleet.endpoint import FleetEndpoint
from otactl.fleet.fleet_context import DevicePlan
from otactl.fleet.runner import FleetRun, _allow_files
from otactl.fleet.store import FleetDirectory, ThingFiles

if TYPE_CHECKING:
    from pathlib import Path


def test_more_open_files_than_the_system_allows_are_refused() -> None:
    with pytest.raises(LocalResourceMissing, match="needs 1000000000000 open files"):
        _allow_files(10**12)


def test_what_is_allowed_is_allowed() -> None:
    _allow_files(10)


class DirectoryOnBadDisk(FleetDirectory):
    """Can be used until the devices start, in the fleet's thread."""

    def files_of(self, thing_name: str) -> ThingFiles:
        if threading.current_thread().name == "fleet":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().files_of(thing_name)


def test_a_file_that_cannot_be_read_is_a_missing_resource_and_no_internal_error(
    tmp_path: Path,
) -> None:
    directory = DirectoryOnBadDisk(tmp_path)
    files = directory.files_of("a")
    files.directory.mkdir(parents=True)
    files.key_file.touch()
    files.certificate_file.touch()
    fleet = FleetRun(
        directory, [DevicePlan(thing_name="a")], endpoint=FleetEndpoint("::1"), clock=FleetClock()
    )
    fleet.start()
    assert not fleet.wait_until_idle(grace_seconds=0)

    with pytest.raises(LocalResourceMissing, match="Input/output error"):
        fleet.stop()

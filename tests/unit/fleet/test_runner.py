"""A fleet larger than this process may hold open is refused with the figure that is missing."""

from __future__ import annotations

import pytest

from otactl.errors import LocalResourceMissing
from otactl.fleet.runner import _allow_files


def test_more_open_files_than_the_system_allows_are_refused() -> None:
    with pytest.raises(LocalResourceMissing, match="needs 1000000000000 open files"):
        _allow_files(10**12)


def test_what_is_allowed_is_allowed() -> None:
    _allow_files(10)

"""Where otactl keeps its state on this machine."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def state_directory(given: Path | None) -> Path:
    """The directory that was given (``--state-dir``), or the user's state directory."""
    return given or platformdirs.user_state_path("otactl", appauthor=False)


def local_state_directory(given: Path | None) -> Path:
    """Where the local cloud keeps its files, in the state directory."""
    return (state_directory(given) / "local").absolute()

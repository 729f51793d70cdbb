"""Writes reports: whole or not at all, readable by their owner alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from otactl.cli import terminal
from otactl.deploy.store import DeploymentStore
from otactl.errors import LocalResourceMissing, OtactlError
from otactl.operations.report_source import journal_content
from otactl.views.report import to_html

if TYPE_CHECKING:
    from pathlib import Path


def default_report_path(state_dir: Path, name: str) -> Path:
    """Where a report lies when nobody says otherwise."""
    return state_dir / "reports" / f"{name}.html"


def write_text_whole(path: Path, text: str) -> None:
    """Write a file; a reader sees the old one or the new one, never half of it.

    Raises:
        LocalResourceMissing: It cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise LocalResourceMissing(f"cannot write the report {path}: {error.strerror}") from error


def report_finished(deployment_id: str, state_dir: Path, now_ms: int) -> None:
    """Write the report of a deployment that just ended, and name it: the command's last line.

    A report that cannot be written is told, and changes nothing of how the deployment ended.
    """
    path = default_report_path(state_dir, deployment_id)
    journal_path = DeploymentStore(state_dir).path(deployment_id)
    try:
        write_text_whole(path, to_html(journal_content(journal_path, now_ms)))
    except OtactlError as error:
        terminal.warn(str(error))
    else:
        terminal.stderr_console().print(f"report: {path}", soft_wrap=True, markup=False)

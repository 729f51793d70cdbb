"""Writes reports: whole or not at all, readable by their owner alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otactl.cli import terminal
from otactl.deploy.store import DeploymentStore
from otactl.errors import LocalResourceMissing, OtactlError, UserMistake
from otactl.operations.report_source import journal_content
from otactl.views.foreign_text import to_json as json_text
from otactl.views.junit import to_junit
from otactl.views.report import ReportContent, to_csv, to_html, to_json

if TYPE_CHECKING:
    from otactl.model.outcome import DeploymentResult


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


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """Where the result of a deployment goes beside the terminal, ``--report`` and ``--junit``.

    Raises:
        UserMistake: One of them cannot be written, said before anything is deployed.
    """

    report: Path | None = None
    junit: Path | None = None

    def __post_init__(self) -> None:
        if self.report is not None and self.report.suffix not in _WRITERS:
            raise UserMistake(
                f"--report {self.report}: its ending says what it is: {', '.join(_WRITERS)}"
            )
        for path in (self.report, self.junit):
            folder = None if path is None else path.resolve().parent
            if folder is not None and folder.exists() and not os.access(folder, os.W_OK):
                raise UserMistake(f"{path} cannot be written: no permission in {folder}")

    def write(
        self,
        result: DeploymentResult,
        failure: OtactlError | None,
        state_dir: Path,
        now_ms: int,
    ) -> None:
        """Write them, and name the report: the command's last line.

        A file that cannot be written is told, and changes nothing of how the deployment ended.
        """
        path = self.report or default_report_path(state_dir, result.deployment_id)
        journal_path = DeploymentStore(state_dir).path(result.deployment_id)
        try:
            if self.junit is not None:
                write_text_whole(
                    self.junit, to_junit(result, None if failure is None else str(failure))
                )
            write_text_whole(path, _WRITERS[path.suffix](journal_content(journal_path, now_ms)))
        except OtactlError as error:
            terminal.warn(str(error))
        else:
            terminal.stderr_console().print(f"report: {path}", soft_wrap=True, markup=False)


_WRITERS: dict[str, Callable[[ReportContent], str]] = {
    ".html": to_html,
    ".json": lambda content: json_text(to_json(content)) + "\n",
    ".csv": to_csv,
}

"""Writes reports: whole or not at all, readable only by their owner."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from otactl.deploy.store import DeploymentStore
from otactl.errors import OtactlError, UserMistake
from otactl.model.outcome import DeploymentResult
from otactl.operations.report_source import journal_content
from otactl.operations.text_file import write_atomically
from otactl.views.foreign_text import to_json as json_text
from otactl.views.junit import to_junit
from otactl.views.report import ReportContent, to_csv, to_html, to_json


def default_report_path(state_dir: Path, name: str) -> Path:
    """The path of a report unless the user names another."""
    return state_dir / "reports" / f"{name}.html"


def write_report(path: Path, text: str) -> None:
    """Write a report, whole or not at all, readable only by its owner.

    Raises:
        LocalResourceMissing: It cannot be written.
    """
    write_atomically(path, text, "the report", is_private=True)


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """The files for the result of a deployment, ``--report`` and ``--junit``.

    Raises:
        UserMistake: One of them cannot be written; raised before anything is deployed.
    """

    report: Path | None = None
    junit: Path | None = None

    def __post_init__(self) -> None:
        if self.report is not None and self.report.suffix not in REPORTS:
            raise UserMistake(
                f"--report {self.report}: the file name must end with one of {', '.join(REPORTS)}"
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
    ) -> Path:
        """Write them; return the path of the report.

        Raises:
            OtactlError: One cannot be written; the deployment's result does not change.
        """
        path = self.report or default_report_path(state_dir, result.deployment_id)
        journal_path = DeploymentStore(state_dir).path(result.deployment_id)
        if self.junit is not None:
            said = None if failure is None else str(failure)
            write_report(self.junit, to_junit(result, said))
        write_report(path, REPORTS[path.suffix](journal_content(journal_path, now_ms)))
        return path


#: The text of a report, by the suffix of its file.
REPORTS: dict[str, Callable[[ReportContent], str]] = {
    ".html": to_html,
    ".json": lambda content: json_text(to_json(content)) + "\n",
    ".csv": to_csv,
}

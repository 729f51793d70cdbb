"""Writes reports: whole or not at all, readable by their owner alone."""

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
    """Where a report lies when nobody says otherwise."""
    return state_dir / "reports" / f"{name}.html"


def write_report(path: Path, text: str) -> None:
    """Write a report, whole or not at all, readable by its owner alone.

    Raises:
        LocalResourceMissing: It cannot be written.
    """
    write_atomically(path, text, "the report", is_private=True)


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """Where the result of a deployment goes beside the terminal, ``--report`` and ``--junit``.

    Raises:
        UserMistake: One of them cannot be written, said before anything is deployed.
    """

    report: Path | None = None
    junit: Path | None = None

    def __post_init__(self) -> None:
        if self.report is not None and self.report.suffix not in REPORTS:
            raise UserMistake(
                f"--report {self.report}: its ending says what it is: {', '.join(REPORTS)}"
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
        """Write them; returns where the report is.

        Raises:
            OtactlError: One cannot be written, which changes nothing of how the deployment ended.
        """
        path = self.report or default_report_path(state_dir, result.deployment_id)
        journal_path = DeploymentStore(state_dir).path(result.deployment_id)
        if self.junit is not None:
            said = None if failure is None else str(failure)
            write_report(self.junit, to_junit(result, said))
        write_report(path, REPORTS[path.suffix](journal_content(journal_path, now_ms)))
        return path


#: The text of a report, by the ending of its file.
REPORTS: dict[str, Callable[[ReportContent], str]] = {
    ".html": to_html,
    ".json": lambda content: json_text(to_json(content)) + "\n",
    ".csv": to_csv,
}

"""The executions of a report for other programs: JSON, and CSV for spreadsheets.

The JSON is what ``otactl profile from-report`` reads. In the CSV a text that a spreadsheet would
read as a formula is marked as text: what devices write is untrusted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from otactl.model.json_output import SCHEMA_VERSION
from otactl.model.json_output import deployment as json_deployment
from otactl.model.json_output.shaping import shaped
from otactl.model.outcome import ThingOutcome
from otactl.operations.report_content import ReportContent
from otactl.views.foreign_text import csv_cell
from otactl.views.foreign_text import to_json as json_text
from otactl.views.snapshot_fields import execution_fields
from otactl.views.wording import instant

_COLUMNS = (
    "round",
    "thing",
    "status",
    "executionNumber",
    "queuedAt",
    "startedAt",
    "lastUpdatedAt",
    "reason",
    "downloadTime",
    "retryCount",
    "statusDetails",
)


def to_json(content: ReportContent) -> json_deployment.Report:
    """The report as JSON fields; times of executions are epoch milliseconds."""
    fields = shaped(
        json_deployment.Report,
        content,
        schemaVersion=SCHEMA_VERSION,
        madeAt=instant(content.made_ms),
        createdAt=instant(content.created_ms),
        executions=[
            {"round": each.round} | execution_fields(execution)
            for each in content.rounds
            for execution in each.executions
        ],
    )
    if not content.versions:
        del fields["versions"]
    return fields


def to_csv(content: ReportContent) -> str:
    """Every execution on a line; times are ISO 8601, UTC."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in content.rounds:
        for execution in each.executions:
            writer.writerow([each.round, *_cells(execution)])
    return written.getvalue()


def _cells(execution: ThingOutcome) -> Iterator[object]:
    details = execution.status_details
    yield execution.thing_name
    yield execution.status.value
    yield execution.execution_number
    yield instant(execution.queued_at_ms)
    yield instant(execution.started_at_ms)
    yield instant(execution.updated_at_ms)
    seconds = execution.download_seconds
    downloaded = details.get("downloadTime", "" if seconds is None else f"{seconds:g}")
    for text in (execution.reason, downloaded, details.get("retryCount", "")):
        yield csv_cell(text)
    yield json_text(dict(details)) if details else ""

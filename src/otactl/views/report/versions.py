"""The part of a report page that says what things report before and after the update."""

from __future__ import annotations

from otactl.model.verify import VersionVerdict, version_result
from otactl.operations.report_content import ReportContent
from otactl.views.foreign_text import html_text
from otactl.views.report.table import table


def versions_section(content: ReportContent, most: int) -> str:
    """The things with their verdicts, ``most`` of them, those that are not verified first."""
    if not content.versions:
        return ""
    result = version_result(content.expected_version, content.versions)
    things = sorted(
        content.versions,
        key=lambda one: (one.verdict is VersionVerdict.VERIFIED, one.thing_name),
    )
    rows = [
        [one.thing_name, str(one.verdict), one.former or "", one.reported or ""]
        for one in things[:most]
    ]
    more = len(things) - most
    note = f"<p>and {more:,} more; the JSON has them all</p>" if more > 0 else ""
    found = table(["Thing", "Verdict", "Before", "After"], rows, "What things report")
    words = f"Version {result.expected} was to be reported: {result.words}."
    return f"<section><h2>Versions</h2><p>{html_text(words)}</p>{found}{note}</section>"

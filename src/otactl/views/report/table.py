"""The parts of pages without scripts: the document, and tables whose every cell is text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from otactl.model.status import ExecutionStatus
from otactl.model.verify import VersionVerdict, version_result
from otactl.operations.report_content import ReportContent
from otactl.views.chart.progress_chart import status_class
from otactl.views.foreign_text import html_text
from otactl.views.wording import status_word

_NUMBER = re.compile(r"[\d,.]+|-|")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(title: str, styles: str, body: str) -> str:
    """A page that loads nothing and runs nothing; title and body are markup."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{html_text(_POLICY)}">'
        f"<title>{title}</title><style>{styles}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table; columns of numbers are aligned right, a status has its colour."""
    sides = [
        ' class="number"' if rows and all(_NUMBER.fullmatch(row[at]) for row in rows) else ""
        for at in range(len(heads))
    ]
    head = "".join(
        f'<th scope="col"{side}>{html_text(name)}</th>'
        for name, side in zip(heads, sides, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{side}>{_cell(cell)}</td>" for cell, side in zip(row, sides, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table><caption>{html_text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(cell: str) -> str:
    if not isinstance(cell, ExecutionStatus):
        return html_text(cell)
    mark = f'<span class="swatch {status_class(cell)}" aria-hidden="true"></span>'
    return f'<span class="state">{mark}{html_text(status_word(cell))}</span>'


def versions_section(content: ReportContent, most: int) -> str:
    """At most ``most`` things with their verdicts, those that are not verified first."""
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
    words = f"Expected version {result.expected}: {result.words}."
    return f"<section><h2>Versions</h2><p>{html_text(words)}</p>{found}{note}</section>"

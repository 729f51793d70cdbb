"""The linter's findings as SARIF 2.1.0, which code scanning reads (OASIS, sections 3.13 to 3.58).

A waived finding is a result with a suppression, justified in the user's own words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from otactl import __version__
from otactl.errors.problem import Severity
from otactl.forecast.lint import CODES, Finding
from otactl.operations.lint_report import LintReport

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def to_sarif(reports: Iterable[LintReport]) -> dict[str, Any]:
    """One run over several files."""
    results = [_result(report, finding) for report in reports for finding in report.findings]
    rules = [
        {
            "id": code,
            "shortDescription": {"text": about},
            "help": {"text": f"otactl lint --explain {code}"},
        }
        for code, about in CODES.items()
    ]
    driver = {"name": "otactl lint", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(report: LintReport, finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": report.path.as_posix()}}
    line = report.line_of(finding)
    if line is not None:
        location["region"] = {"startLine": line}
    found: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": list(CODES).index(finding.code),
        "level": _LEVELS[finding.severity],
        "message": {
            "text": f"[{finding.section}] {finding.key}: {finding.message} (safe: {finding.safe})"
        },
        "locations": [{"physicalLocation": location}],
    }
    if finding.waived is not None:
        found["suppressions"] = [{"kind": "inSource", "justification": finding.waived}]
    return found

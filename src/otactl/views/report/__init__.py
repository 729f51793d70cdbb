"""The report of a deployment: one file for people, and its executions for other programs."""

from otactl.operations.report_content import ReportContent, RoundContent
from otactl.views.report.export import to_csv, to_json
from otactl.views.report.page import to_html

__all__ = ["ReportContent", "RoundContent", "to_csv", "to_html", "to_json"]

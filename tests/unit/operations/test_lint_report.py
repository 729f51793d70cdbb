"""The findings of a file, those of sections that are switched off included."""

from __future__ import annotations

from pathlib import Path

from otactl.operations.forecast_inputs import read_fleet
from otactl.operations.lint_report import lint_file

EXAMPLE = Path(__file__).parents[3] / "examples" / "dev.ini"


def test_a_waiver_of_a_finding_that_is_switched_off_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "dev.ini"
    path.write_text(
        EXAMPLE.read_text("utf-8")
        + "\n[LINT_CONFIG]\nwaive_OTA102 = a test\nwaive_OTA401 = never found\n"
    )

    findings = lint_file(path, read_fleet(None, things=100, image_bytes=1000)).findings

    assert [one.waived for one in findings if one.code == "OTA102"] == ["a test"]
    assert [one.key for one in findings if one.code == "OTA001"] == ["waive_OTA401"]

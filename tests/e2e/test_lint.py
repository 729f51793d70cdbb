"""``otactl lint`` as CI runs it: the example files, exit codes, the shape of its output."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.e2e.program import otactl

from otactl.forecast.lint import CODES

EXAMPLES = Path(__file__).parents[2] / "examples"
AS_DOCUMENTED = ("--things", "1000", "--image-bytes", "1000000")


@pytest.fixture(scope="module")
def reports() -> dict[Path, dict]:
    files = sorted((EXAMPLES / "lint").glob("*/*.ini"))
    ran = otactl("lint", *map(str, files), *AS_DOCUMENTED, "--output", "json")
    assert ran.returncode == 1, ran.stderr
    return {Path(report["file"]): report for report in json.loads(ran.stdout)["files"]}


def open_codes(report: dict) -> list[str]:
    return [found["code"] for found in report["findings"] if found["waived"] is None]


def test_there_are_ten_good_and_ten_bad_files_at_least(reports: dict[Path, dict]) -> None:
    folders = [path.parent.name for path in reports]
    assert folders.count("good") >= 10
    assert folders.count("bad") >= 10


def test_every_bad_file_gives_exactly_the_code_it_is_named_after(reports: dict) -> None:
    found = {
        path.stem: open_codes(report)
        for path, report in reports.items()
        if path.parent.name == "bad"
    }
    assert found == {name: [name] for name in found}


def test_no_good_file_gives_an_error_or_a_warning(reports: dict) -> None:
    good = [report for path, report in reports.items() if path.parent.name == "good"]
    assert all(report["errors"] == report["warnings"] == 0 for report in good)


def test_every_code_is_explained_in_the_documentation(reports: dict) -> None:
    page = (EXAMPLES.parent / "docs" / "lint.md").read_text("utf-8")
    explained = re.findall(r"^### (OTA\d+)$", page, re.MULTILINE)
    anchors = {f"docs/lint.md#{code.lower()}" for code in explained}
    reported = {found["page"] for report in reports.values() for found in report["findings"]}
    assert reported <= anchors
    assert sorted(explained) == sorted(CODES)


def test_the_manual_s_own_file_gets_what_a_careful_engineer_would_say() -> None:
    ran = otactl("lint", str(EXAMPLES / "manual.ini"), "--things", "1000", "--output", "json")

    found = {(f["code"], f["section"]): f for f in json.loads(ran.stdout)["findings"]}
    assert ran.returncode == 0, "it works, so it may be deployed; it only wants a decision"
    assert set(found) == {
        ("OTA104", "DEFAULT"),  # useAbortConfig = False: nothing stops a bad image
        ("OTA201", "DEFAULT"),  # no rollout section: 1000 per minute
        ("OTA301", "DEFAULT"),  # no timeout
        # The alarms: everything is out before they can know, p99 of few values is the largest
        # value, and the lower limit stops a fleet that downloads too well.
        ("OTA601", "ALARM_CONFIG_DownloadTimeUpperLimitAlarm"),
        ("OTA602", "ALARM_CONFIG_DownloadTimeUpperLimitAlarm"),
        ("OTA601", "ALARM_CONFIG_DownloadTimeLowerLimitAlarm"),
        ("OTA602", "ALARM_CONFIG_DownloadTimeLowerLimitAlarm"),
        ("OTA604", "ALARM_CONFIG_DownloadTimeLowerLimitAlarm"),
        # Switched off, and waiting for whoever switches them on: an abort at 11% after a single
        # execution, a base rate that is not below the maximum, both increase criteria at once.
        ("OTA102", "ABORT_CONFIG_TYPE_ALL"),
        ("OTA002", "EXP_RATE_CONFIG"),
        ("OTA002", "INCREASE_CRITERIA"),
    }
    abort = found["OTA102", "ABORT_CONFIG_TYPE_ALL"]
    assert abort["switchedOff"]
    assert "first 9 executions" in abort["message"]


def test_strict_lets_warnings_decide(tmp_path: Path) -> None:
    warns = str(EXAMPLES / "lint" / "bad" / "OTA301.ini")
    assert otactl("lint", warns, *AS_DOCUMENTED).returncode == 0
    assert otactl("lint", warns, *AS_DOCUMENTED, "--strict").returncode == 1
    waived = tmp_path / "dev.ini"
    text = Path(warns).read_text("utf-8") + "\n[LINT_CONFIG]\nwaive_OTA301 = they always answer\n"
    waived.write_text(text, "utf-8")
    assert otactl("lint", str(waived), *AS_DOCUMENTED, "--strict").returncode == 0


def test_text_names_file_line_section_and_key_as_editors_want_it() -> None:
    path = str(EXAMPLES / "lint" / "bad" / "OTA101.ini")
    ran = otactl("lint", path, *AS_DOCUMENTED)
    assert ran.returncode == 1
    assert re.search(
        rf"^{re.escape(path)}:\d+: \[ABORT_CONFIG_TYPE_ALL\] minNumberOfExecutedThings: error: "
        r"OTA101: .* \(safe: .*see `otactl lint --explain OTA101`\)$",
        ran.stdout,
        re.MULTILINE,
    )


def test_a_broken_file_or_an_unknown_fleet_is_a_user_s_mistake(tmp_path: Path) -> None:
    broken = tmp_path / "dev.ini"
    broken.write_text("[DEFAULT]\njobId = no\n", "utf-8")
    assert otactl("lint", str(broken), "--things", "5").returncode == 2
    assert otactl("lint", str(tmp_path / "none.ini"), "--things", "5").returncode == 2
    asked = otactl("lint", str(EXAMPLES / "lint" / "good" / "constant-rate.ini"))
    assert asked.returncode == 2
    assert "--things" in asked.stderr


def test_findings_are_sarif_for_code_scanning() -> None:
    files = [EXAMPLES / "lint" / "bad" / "OTA102.ini", EXAMPLES / "lint" / "good" / "waived.ini"]
    ran = otactl("lint", *map(str, files), *AS_DOCUMENTED, "--output", "sarif")

    log = json.loads(ran.stdout)
    (run,) = log["runs"]
    assert (log["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "otactl lint")
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == list(CODES)
    for found in run["results"]:
        assert rules[found["ruleIndex"]] == found["ruleId"]
        assert found["level"] in ("error", "warning", "note")
    bad = [r for r in run["results"] if r["ruleId"] == "OTA102"]
    location = bad[0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == str(files[0])
    line = files[0].read_text().splitlines()[location["region"]["startLine"] - 1]
    assert line.startswith("minNumberOfExecutedThings")
    waived = [r for r in run["results"] if "suppressions" in r]
    assert waived
    assert all(r["suppressions"][0]["kind"] == "inSource" for r in waived)

"""What things report of their version, as the terminal, the monitor, the page and JSON show it."""

from __future__ import annotations

import io

from rich.console import Console
from tests.unit.views.test_monitor_terminal import a_board, text_of
from tests.unit.views.test_report import HOSTILE, Page, a_report

from otactl.model.json_output.gate import Gate
from otactl.model.json_output.shaping import shaped
from otactl.model.outcome import DeploymentResult
from otactl.model.thing_state import ThingState
from otactl.model.verify import ThingVersion, VersionPoll, VersionVerdict, version_result
from otactl.model.wave import GateStatus, Verdict
from otactl.views.monitor_terminal.frame import draw
from otactl.views.monitor_terminal.screen import Screen
from otactl.views.report.export import to_json
from otactl.views.report.page import to_html
from otactl.views.result_table import print_result


def a_version(name, verdict, *, former="1.0", reported=None) -> ThingVersion:
    state = ThingState(thing_name=name, version=reported)
    return ThingVersion(
        thing_name=name, former=former, ended_ms=1, last=VersionPoll(2, state), verdict=verdict
    )


GOOD = a_version("a-good", VersionVerdict.VERIFIED, reported="2.0")
OLD = a_version("z-old", VersionVerdict.OLD, reported="1.0")
BRICK = a_version("brick", VersionVerdict.SILENT, former=None)
GATE = GateStatus(
    wave=1,
    name="canary",
    verdict=Verdict.WAIT,
    reasons=("soaking",),
    at_ms=0,
    things=3,
    versions={VersionVerdict.VERIFIED: 1, VersionVerdict.OLD: 1},
    unverified={"z-old": VersionVerdict.OLD},
)


def test_the_terminal_names_what_is_not_verified_before_and_after():
    written = io.StringIO()
    result = DeploymentResult(
        deployment_id="d",
        job_id="j",
        things=3,
        planned_rounds=1,
        rounds=(),
        image_sha256="",
        versions=version_result("2.0", (GOOD, OLD, BRICK)),
    )

    print_result(Console(file=written, width=80), result)

    lines = [line.split() for line in written.getvalue().splitlines()]
    assert ["version", "2.0:", "1", "verified,", "1", "old,", "1", "silent"] in lines
    assert ["z-old", "old", "1.0", "1.0"] in lines
    assert ["brick", "silent", "nothing", "nothing"] in lines
    assert not any("a-good" in line for line in lines)


def test_the_monitor_and_its_page_name_them_at_the_gate():
    shown = text_of(draw(a_board(gate=GATE), Screen(), width=80, height=24))

    assert "1 verified, 1 old: z-old old" in shown
    assert shaped(Gate, GATE)["versions"] == "1 verified, 1 old: z-old old"


def test_a_gate_that_verifies_nothing_says_nothing_of_versions():
    plain = GateStatus(wave=1, name="a", verdict=Verdict.WAIT, reasons=(), at_ms=0, things=1)

    assert "versions" not in shaped(Gate, plain)
    assert "versions" not in text_of(draw(a_board(gate=plain), Screen(), width=80, height=24))


def test_the_report_has_versions_before_and_after_the_bad_ones_first():
    hostile = a_version(HOSTILE, VersionVerdict.OLD, reported=HOSTILE)
    content = a_report(versions=(GOOD, OLD, BRICK, hostile), expected_version="2.0")
    page = Page(to_html(content))

    assert "Expected version 2.0: 1 verified, 2 old, 1 silent." in page.text
    assert page.text.index("brick") < page.text.index("z-old") < page.text.index("a-good")
    assert "script" not in page.tags
    assert to_json(content)["versions"][:2] == [
        {"thing": "a-good", "verdict": "verified", "former": "1.0", "reported": "2.0"},
        {"thing": "z-old", "verdict": "old", "former": "1.0", "reported": "1.0"},
    ]
    assert "Versions" not in Page(to_html(a_report())).text
    assert "versions" not in to_json(a_report())

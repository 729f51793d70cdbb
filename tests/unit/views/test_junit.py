"""JUnit XML: what a CI server counts is what became of the things."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from otactl.model.outcome import DeploymentResult, DownloadSeconds, RoundResult, ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.views.junit import requests_junit, to_junit

S = ExecutionStatus


def outcome(name: str, status: S, reason: str = "") -> ThingOutcome:
    return ThingOutcome(
        thing_name=name,
        status=status,
        started_at_ms=1000,
        updated_at_ms=3500,
        status_details={"reason": reason} if reason else {},
    )


ROUND = RoundResult(
    round=1,
    status="COMPLETED",
    counts={S.SUCCEEDED: 1, S.FAILED: 1, S.TIMED_OUT: 1},
    duration_seconds=61.5,
    download_seconds=DownloadSeconds(),
    outcomes=(
        outcome("b", S.FAILED, 'no <space> & "room"\x1b[31m\x00'),
        outcome("a", S.SUCCEEDED),
        outcome("c", S.TIMED_OUT),
    ),
    not_reached=1,
    not_reached_things=("d",),
)
RESULT = DeploymentResult(
    deployment_id="x", job_id="job-1", things=4, planned_rounds=1, rounds=(ROUND,), image_sha256=""
)


def parsed(result: DeploymentResult, failure: str | None) -> ET.Element:
    return ET.fromstring(to_junit(result, failure))  # noqa: S314  # our own text


def failures(root: ET.Element) -> dict[str, str]:
    return {
        case.get("name", ""): case[0].get("message", "")
        for case in root.iter("testcase")
        if len(case)
    }


def test_each_thing_is_a_case_and_each_round_a_suite() -> None:
    root = parsed(RESULT, "2 of 4 things failed")

    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "5", "4")
    (suite,) = root
    assert (suite.get("name"), suite.get("time")) == ("job-1 round 1", "61.500")
    names = [case.get("name") for case in suite]
    assert names == ["every thing succeeded", "a", "b", "c", "d"]
    assert suite[1].get("time") == "2.500"
    assert failures(root) == {
        "every thing succeeded": "2 of 4 things failed",
        "b": 'FAILED: no <space> & "room"\ufffd[31m\ufffd',
        "c": "TIMED_OUT",
        "d": "did not get the job",
    }


def test_a_success_has_no_failure() -> None:
    good = replace(ROUND, counts={S.SUCCEEDED: 1}, outcomes=ROUND.outcomes[1:2], not_reached=0)
    good = replace(good, not_reached_things=())
    root = parsed(replace(RESULT, rounds=(good,)), None)
    assert root.get("failures") == "0"
    assert not failures(root)


@pytest.mark.parametrize("failure", ["AWS refused", None])
def test_a_deployment_that_failed_before_its_first_round_is_a_case(failure: str | None) -> None:
    root = parsed(replace(RESULT, rounds=()), failure)
    assert root.get("tests") == "1"
    assert failures(root) == ({} if failure is None else {"deployment": failure})


def test_a_failure_is_told_of_the_last_round() -> None:
    good = replace(ROUND, counts={S.SUCCEEDED: 3}, outcomes=(), not_reached=0)
    good = replace(good, not_reached_things=())
    root = parsed(replace(RESULT, rounds=(good, replace(good, round=2))), "aborted")
    assert [suite.get("failures") for suite in root] == ["0", "1"]


def test_requests_of_a_queue_are_suites_of_one_file_those_without_a_result_too() -> None:
    text = requests_junit("queue", [("job-1", RESULT, "2 failed"), ("job-2", None, "refused")])
    root = ET.fromstring(text)  # noqa: S314  # our own text

    assert [suite.get("name") for suite in root] == ["job-1 round 1", "job-2"]
    assert (root.get("tests"), root.get("failures")) == ("6", "5")
    assert failures(root)["deployment"] == "refused"

"""A deployment as JUnit XML, the form in which CI servers show tests.

A round is a suite. Its first case is the round itself, which fails when not every thing succeeded;
a case for each thing that is known by name follows. The form is that of the Jenkins xUnit
plugin's ``junit-10.xsd``; data without a field there are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from otactl.model.outcome import DeploymentResult, RoundResult, ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.views.foreign_text import clean


def to_junit(result: DeploymentResult, failure: str | None) -> str:
    """The result as XML."""
    return requests_junit(result.job_id, [(result.job_id, result, failure)])


def requests_junit(
    name: str, ended: Iterable[tuple[str, DeploymentResult | None, str | None]]
) -> str:
    """Several deployments as XML.

    Args:
        name: The name for all of them.
        ended: For each its job, its result if it has one, and why it failed.
    """
    suites = ET.Element("testsuites", name=clean(name))
    for job_id, result, failure in ended:
        rounds = () if result is None else result.rounds
        for number, each in enumerate(rounds, start=1):
            _round(suites, job_id, each, failure if number == len(rounds) else None)
        if not rounds:
            suite = ET.SubElement(suites, "testsuite", name=clean(job_id))
            _case(suite, job_id, "deployment", failure)
            _count(suite)
    for count in ("tests", "failures"):
        suites.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _round(suites: ET.Element, job_id: str, each: RoundResult, failure: str | None) -> None:
    name = f"{job_id} round {each.round}"
    seconds = f"{each.duration_seconds:.3f}"
    suite = ET.SubElement(suites, "testsuite", name=clean(name), time=seconds)
    why = None
    if failure is not None or not each.is_success:
        why = failure or f"{each.succeeded:,} of {each.named:,} things succeeded"
    _case(suite, name, "every thing succeeded", why, seconds)
    for outcome in sorted(each.outcomes, key=lambda one: one.thing_name):
        _thing(suite, name, each, outcome)
    for thing in each.not_reached_things:
        _case(suite, name, thing, "did not get the job")
    _count(suite)


def _thing(suite: ET.Element, name: str, each: RoundResult, outcome: ThingOutcome) -> None:
    seconds = "0"
    if outcome.started_at_ms is not None and outcome.updated_at_ms is not None:
        seconds = f"{max(0, outcome.updated_at_ms - outcome.started_at_ms) / 1000:.3f}"
    why = None
    if outcome.status is not ExecutionStatus.SUCCEEDED:
        reason = each.reason_words(outcome)
        why = each.status_words(outcome) + (f": {reason}" if reason else "")
    _case(suite, name, outcome.thing_name, why, seconds)


def _case(
    suite: ET.Element, class_name: str, name: str, failure: str | None, seconds: str = "0"
) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=clean(class_name), name=clean(name), time=seconds
    )
    if failure is not None:
        ET.SubElement(case, "failure", message=clean(failure))


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))

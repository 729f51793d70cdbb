"""The public types of ``otactl.api``, as a user's type checker sees them; ``make test`` runs mypy.

Nothing here runs. A line that is wrong on purpose says so: mypy fails if it finds no error there.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from otactl.api import (
    Consent,
    DeploymentResult,
    JobSnapshot,
    LocationOptions,
    cancel,
    clean,
    deploy,
    forecast,
    lint,
    load,
    plan,
    rehearse,
    report,
    resume,
    watch,
)
from otactl.deploy.plan import Plan
from otactl.errors import DeploymentFailed
from otactl.forecast.summary import Forecast
from otactl.forecast.waves import WavesForecast
from otactl.operations.lint_report import LintReport
from otactl.operations.load import LoadedDeployment
from otactl.operations.report_content import ReportContent
from otactl.testing.fixtures import Rehearse

WHERE = LocationOptions(profile="ota", region="eu-west-1", state_dir=Path("state"))


def results() -> None:
    result = rehearse("dev.ini", things=20, behave={"fail": 10}, speed=30)
    assert_type(result, DeploymentResult)
    assert_type(result.succeeded, int)
    assert_type(result.failure, DeploymentFailed | None)
    assert_type(deploy(Path("dev.ini"), consent=Consent.YES, location=WHERE), DeploymentResult)
    assert_type(resume(), DeploymentResult)
    assert_type(clean("id", consent=Consent.ENDED).leftovers, tuple[str, ...])
    cancel("job", consent=Consent.YES, thing="t1")


def questions() -> None:
    assert_type(load("dev.ini"), LoadedDeployment)
    assert_type(plan("dev.ini", location=WHERE), Plan)
    assert_type(forecast("dev.ini", things=2000), Forecast | WavesForecast)
    assert_type(lint("dev.ini"), LintReport)
    assert_type(report("id"), ReportContent)
    for snapshot in watch("job"):
        assert_type(snapshot, JobSnapshot)


def refusals() -> None:
    deploy("dev.ini")  # type: ignore[call-arg]  # no consent
    clean("id")  # type: ignore[call-arg]
    cancel("job")  # type: ignore[call-arg]
    rehearse("dev.ini", behave="fail=10")  # type: ignore[arg-type]


def fixture(rehearse: Rehearse) -> None:
    assert_type(rehearse("dev.ini", things=3), DeploymentResult)

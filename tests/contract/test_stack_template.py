"""The template: silent under cfn-lint, small enough, and what the manual promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.stack_template import load_template

from otactl.aws.stack import TOPIC_NAMES
from otactl.aws.stack_template import monitor_template
from otactl.model.alarm import OWN_NAMESPACE

REPOSITORY = Path(__file__).parents[2]
SHIPPED = REPOSITORY / "templates" / "monitor-tool-template"

#: botocore ``cloudformation`` TemplateBody.
MAX_TEMPLATE_BYTES = 51_200
#: The manual, "Deploy Monitor Tool using Cloudformation Template", Parameters.
MANUAL_PARAMETERS = {
    "AlarmEmailEndpoint",
    "AlarmSMSEndpoint",
    "DownloadTimeDatapointsToAlarm",
    "DownloadTimeEvaluationPeriod",
    "DownloadTimePercentile",
    "DownloadTimeUpperLimit",
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return load_template()


def test_cfn_lint_has_nothing_to_say() -> None:
    # Every kind of remark, also the informational ones.
    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--include-checks", "I", "--", SHIPPED],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")


def test_the_shipped_file_is_what_the_command_prints() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == monitor_template(), (
        "run: otactl stack template > templates/monitor-tool-template"
    )


def test_it_fits_in_one_call() -> None:
    assert len(monitor_template().encode()) <= MAX_TEMPLATE_BYTES


@pytest.mark.parametrize(
    ("function", "module", "handler"),
    [
        ("MetricsGenerator", "metrics_generator", "metrics_generator"),
        ("ForceStopper", "force_stopper", "ota_force_stopper"),
    ],
)
def test_a_function_is_its_module(
    template: dict[str, Any], function: str, module: str, handler: str
) -> None:
    source = (REPOSITORY / "src/otactl/lambdas" / f"{module}.py").read_text(encoding="utf-8")
    properties = template["Resources"][function]["Properties"]

    assert properties["Code"]["ZipFile"].strip() == source.strip()
    # CloudFormation calls the inline file index.py.
    assert properties["Handler"] == f"index.{handler}"
    assert f"\ndef {handler}(event: Any, context: Any)" in source


@pytest.mark.parametrize("module", ["metrics_generator", "force_stopper"])
def test_a_function_needs_nothing_that_lambda_lacks(module: str) -> None:
    source = (REPOSITORY / "src/otactl/lambdas" / f"{module}.py").read_text(encoding="utf-8")
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", source, re.MULTILINE))

    assert imported - set(sys.stdlib_module_names) <= {"boto3", "botocore"}


def test_the_manuals_parameters_are_there_and_none_must_be_given(template: dict[str, Any]) -> None:
    assert set(template["Parameters"]) >= MANUAL_PARAMETERS
    assert all("Default" in parameter for parameter in template["Parameters"].values())
    assert all("Description" in parameter for parameter in template["Parameters"].values())


def test_the_topics_have_the_manuals_names(template: dict[str, Any]) -> None:
    names = {
        resource["Properties"]["TopicName"]["Fn::Sub"].removeprefix("${TopicNamePrefix}")
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SNS::Topic"
    }

    assert names == set(TOPIC_NAMES)


def test_the_permission_is_for_the_namespace_that_is_written(template: dict[str, Any]) -> None:
    policies = template["Resources"]["MetricsGeneratorRole"]["Properties"]["Policies"]
    (statement,) = (
        statement
        for statement in policies[0]["PolicyDocument"]["Statement"]
        if statement["Action"] == "cloudwatch:PutMetricData"
    )

    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": OWN_NAMESPACE}}


def test_no_policy_has_a_wildcard_action(template: dict[str, Any]) -> None:
    text = json.dumps(template)

    assert not re.search(r'"Action": \[?"[^"]*\*', text)


def test_every_arn_is_among_the_outputs(template: dict[str, Any]) -> None:
    outputs = json.dumps(template["Outputs"])
    with_arn = ("Function", "Role", "Topic", "Rule", "Queue", "Table", "Alarm", "TopicRule")

    for name, resource in template["Resources"].items():
        if resource["Type"].rpartition("::")[2] in with_arn:
            assert f'"{name}"' in outputs, name


@pytest.mark.parametrize(
    ("parameter", "taken", "refused"),
    [
        ("AlarmEmailEndpoint", ["", "a@b.example"], ["a", "a@b@c", "a b@c"]),
        ("AlarmSMSEndpoint", ["", "+4915112345678"], ["015112345678", "+0123456", "+49 151"]),
        ("TopicNamePrefix", ["", "team-a_"], ["team a", "t/"]),
        ("DownloadTimePercentile", ["p99", "p99.9", "p0.0", "p100"], ["99", "p101", "p", "p1000"]),
    ],
)
def test_a_parameter_takes_what_its_service_takes(
    template: dict[str, Any], parameter: str, taken: list[str], refused: list[str]
) -> None:
    pattern = re.compile(template["Parameters"][parameter]["AllowedPattern"])

    assert [text for text in taken if not pattern.fullmatch(text)] == []
    assert [text for text in refused if pattern.fullmatch(text)] == []

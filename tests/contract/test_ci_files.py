"""The files of ``deployment/`` and the queue's template, held to by those who know their form.

No Jenkins can be had here: neither PyPI nor Debian nor npm has a package that ships it. Jenkins Job
Builder knows the form of its job files, those of its plugins included, and generates the same job:
each element of ours must be one of its, with the same content. The pipeline is carried out by
Groovy itself. The shell steps are run as they stand (``tests/e2e/test_ci_steps.py``).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from otactl import __version__
from otactl.aws.queue_setup import TableSettings, make_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otactl.aws.clients import AwsClients

ROOT = Path(__file__).parents[2]
DEPLOYMENT = ROOT / "deployment"
SUPPORT = Path(__file__).parents[1] / "support"
JOB, GROOVY = SUPPORT / "jenkins_job.yaml", SUPPORT / "jenkinsfile.groovy"


def program(name: str) -> str:
    """A program that was installed beside this Python, whether or not it is on the PATH."""
    return str(Path(sys.executable).with_name(name))


def elements(element: ET.Element, path: str = "") -> Iterator[tuple[str, str]]:
    """Every element of a tree: its path, classes of plugins included, and its text."""
    here = f"{path}/{element.tag}[{element.get('class', '')}]"
    yield here, (element.text or "").strip()
    for child in element:
        yield from elements(child, here)


def test_the_jenkins_job_is_one_that_jenkins_job_builder_would_make(tmp_path: Path) -> None:
    (tmp_path / "jj.ini").write_text("[job_builder]\nquery_plugins_info=False\n")
    made = subprocess.run(
        [
            *(program("jenkins-jobs"), "--conf", str(tmp_path / "jj.ini"), "test", str(JOB)),
            *("-o", str(tmp_path / "out"), "--config-xml"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    theirs = set(elements(_tree(tmp_path / "out" / "otactl-queue" / "config.xml")))
    ours = set(elements(_tree(DEPLOYMENT / "jenkinsConfig.xml")))

    # Ours has its own shell step and description; a list of triggers needs no class.
    odd = {path.replace("triggers[]", "triggers[vector]"): text for path, text in ours - theirs}
    odd = {path: text for path, text in odd.items() if (path, text) not in theirs}
    assert odd.pop("/project[]/builders[]/hudson.tasks.Shell[]/command[]").startswith("#!/bin/sh")
    assert odd.pop("/project[]/description[]") == "Deploys one request of the otactl queue."
    assert odd == {}


@pytest.mark.skipif(shutil.which("groovy") is None, reason="needs Debian's groovy")
def test_groovy_hands_the_pipeline_s_script_over_as_it_stands() -> None:
    """Whatever Groovy put into the script, the shell would take for code."""
    java = shutil.which("java")
    assert java is not None
    ran = subprocess.run(
        ["groovy", str(GROOVY), str(DEPLOYMENT / "Jenkinsfile")],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"JAVA_HOME": str(Path(java).resolve().parents[1])},
    )
    assert ran.returncode == 0, ran.stderr
    steps = json.loads(ran.stdout)

    (script,) = [arguments[0] for name, arguments in steps if name == "sh"]
    assert script.startswith("#!/bin/sh\n")
    assert '--region="$REGION" --table="$TABLE"' in script
    assert "exec .otactl/bin/otactl queue run --once --report-dir=reports" in script
    given = [arguments[0]["name"] for name, arguments in steps if name == "string"]
    assert given == ["REGION", "TABLE"]
    assert ["cron", ["H/15 * * * *"]] in steps
    assert ["disableConcurrentBuilds", []] in steps
    kept = next(arguments[0] for name, arguments in steps if name == "archiveArtifacts")
    assert kept["artifacts"] == "reports/**"


def test_no_shell_step_lets_jenkins_or_github_write_into_the_script() -> None:
    """What is typed into a parameter must stay a word of the command line."""
    pipeline = (DEPLOYMENT / "Jenkinsfile").read_text()
    assert 'sh "' not in pipeline
    assert "sh '''" in pipeline
    for step in _run_steps("github-actions.yml"):
        assert "${{" not in step
    scripts = [*_run_steps("github-actions.yml"), _jenkins_step(), pipeline]
    for script in scripts:
        for name in ("REGION", "TABLE"):
            assert script.count(f"${name}") == script.count(f'="${name}"')


@pytest.mark.parametrize(
    "name", ["Jenkinsfile", "jenkinsConfig.xml", "buildspec.yml", "github-actions.yml"]
)
def test_every_ci_file_installs_this_otactl_and_not_the_repository_it_runs_in(name: str) -> None:
    text = (DEPLOYMENT / name).read_text()
    installs = re.findall(r"pip install (.*)", text)

    assert installs
    assert all('"$' in arguments and "OTACTL_PACKAGE" in arguments for arguments in installs)
    assert set(re.findall(r"otactl==[0-9.]*[0-9]", text)) == {f"otactl=={__version__}"}


def test_the_workflow_is_one_by_the_schema_of_github() -> None:
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.github-workflows"),
            str(DEPLOYMENT / "github-actions.yml"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout


def test_the_workflow_passes_actionlint() -> None:
    """Its shell steps are checked as well, for shellcheck is at hand."""
    checked = subprocess.run(
        [
            *(program("actionlint"), "-shellcheck", program("shellcheck"), "-pyflakes", ""),
            str(DEPLOYMENT / "github-actions.yml"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_actionlint_finds_what_it_is_asked_for(tmp_path: Path) -> None:
    """A linter that finds nothing in anything would prove nothing."""
    workflow = (DEPLOYMENT / "github-actions.yml").read_text()
    broken = tmp_path / "broken.yml"
    broken.write_text(
        workflow.replace('--table="$TABLE"', "--table=${{ github.head_ref }} $REGION")
    )

    checked = subprocess.run(
        [program("actionlint"), "-shellcheck", program("shellcheck"), str(broken)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 1
    assert "potentially untrusted" in checked.stdout
    assert "SC2086" in checked.stdout


def test_the_workflow_has_no_rights_but_a_token_to_exchange() -> None:
    workflow = _yaml("github-actions.yml")

    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        checkout = next(step for step in job["steps"] if "checkout" in step.get("uses", ""))
        assert checkout["with"]["persist-credentials"] is False
    assert workflow["jobs"]["deploy"]["if"] == "github.event_name != 'pull_request'"
    assert "secrets." not in (DEPLOYMENT / "github-actions.yml").read_text()
    assert "otactl plan" in " ".join(_run_steps("github-actions.yml"))


def test_the_buildspec_has_the_form_of_codebuild() -> None:
    """By the CodeBuild User Guide, build specification reference."""
    spec = _yaml("buildspec.yml")

    assert spec["version"] == 0.2
    assert spec.keys() <= {"version", "run-as", "env", "proxy", "batch", "phases", "reports"} | {
        "artifacts",
        "cache",
    }
    assert spec["phases"].keys() <= {"install", "pre_build", "build", "post_build"}
    for phase in spec["phases"].values():
        assert phase.keys() <= {"run-as", "on-failure", "runtime-versions", "commands", "finally"}
        assert all(isinstance(command, str) for command in phase["commands"])
    assert spec["artifacts"]["files"] == ["reports/**/*"]


def test_the_shell_steps_pass_shellcheck(tmp_path: Path) -> None:
    steps = [
        _jenkins_step(),
        *(f"#!/bin/bash\n{step}" for step in _run_steps("github-actions.yml")),
    ]
    for number, step in enumerate(steps):
        script = tmp_path / f"step-{number}.sh"
        script.write_text(step)
        checked = subprocess.run(
            [program("shellcheck"), str(script)], check=False, capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout


def test_the_table_of_the_manual_is_the_one_that_init_makes(
    clients: AwsClients, unique: str
) -> None:
    manual = json.loads((DEPLOYMENT / "db_table_config.json").read_text())["Table"]
    name = f"{manual['TableName']}-{unique}"

    assert make_table(clients, TableSettings(name=name, capacity_units=5))

    made = clients.dynamodb.describe_table(TableName=name)["Table"]
    assert made["KeySchema"] == manual["KeySchema"]
    assert made["AttributeDefinitions"] == manual["AttributeDefinitions"]
    for units in ("ReadCapacityUnits", "WriteCapacityUnits"):
        assert made["ProvisionedThroughput"][units] == manual["ProvisionedThroughput"][units]


def test_the_template_passes_its_linter_and_makes_the_same_table(
    clients: AwsClients, unique: str
) -> None:
    template = ROOT / "templates" / "queue-table.yaml"
    checked = subprocess.run(
        [program("cfn-lint"), str(template)], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout

    name = f"queue-{unique}"
    clients.cloudformation.create_stack(
        StackName=name,
        TemplateBody=template.read_text(),
        Parameters=[{"ParameterKey": "TableName", "ParameterValue": name}],
    )
    clients.cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )

    assert not make_table(clients, TableSettings(name=name, expires=True, is_recoverable=True))
    reported = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert reported == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}


@pytest.mark.parametrize("settings", [{"capacity_units": 5}, {"expires": True}, {}])
def test_a_table_is_made_once_and_checked_after_that(
    clients: AwsClients, unique: str, settings: dict[str, Any]
) -> None:
    wanted = TableSettings(name=f"queue-{unique}", **settings)

    assert make_table(clients, wanted)
    assert not make_table(clients, wanted)


def _yaml(name: str) -> dict[Any, Any]:
    return dict(yaml.safe_load((DEPLOYMENT / name).read_text()))


def _run_steps(name: str) -> list[str]:
    jobs = _yaml(name)["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def _tree(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314  # our own file


def _jenkins_step() -> str:
    tree = _tree(DEPLOYMENT / "jenkinsConfig.xml")
    return tree.findtext(".//hudson.tasks.Shell/command") or ""

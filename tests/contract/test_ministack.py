"""What we rely on of MiniStack. When the pin moves, this says what changed and what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from otactl.cloud import RunningCloud

PINNED = "1.5.33"

INSTALL = """
import asyncio, json
from ministack import app
from otactl.cloud.ministack.adaptation import install_all
async def install():
    print(json.dumps(install_all()))
asyncio.run(install())
"""

#: CloudFormation, before and after it was asked for the first time.
STACKS = """
import asyncio, json, sys
from ministack import app
from otactl.cloud.ministack.adaptation import install_all
async def load():
    install_all()
    before = "ministack.services.cloudformation" in sys.modules
    handlers = app._get_module("cloudformation").provisioners._RESOURCE_HANDLERS
    print(json.dumps([before, *(
        handlers[f"AWS::{kind}"]["create"].__module__
        for kind in ("DynamoDB::Table", "Lambda::Function")
    )]))
asyncio.run(load())
"""

ALONE = """
import asyncio, json
from ministack import app
from ministack.services import iot
async def ask():
    status, headers, body = await iot.handle_request("POST", "/streams/s", {}, b"{}", {})
    print(json.dumps({"status": status, "body": json.loads(body)}))
asyncio.run(ask())
"""

#: A MiniStack that has grown streams of its own.
GROWN = """
import asyncio, json
from ministack import app
from ministack.services import iot
from otactl.cloud.application import build_application
from otactl.cloud.settings import CloudSettings, ServerSettings
async def build():
    iot._TAGGABLE_RESOURCES["stream"] = ({}, "Stream {name} is theirs")
    build_application(ServerSettings(
        gateway_fd=0, https_fd=0, mqtt_fd=0, lifeline_fd=None, port=1, https_port=2, mqtt_port=3,
        state_dir="none", remove_state_dir=False, clock_origin_ms=0, access_key_id="AKIA",
        secret_access_key="none", cloud_secret="none", chosen=CloudSettings(),
    ))
    print(json.dumps(iot._TAGGABLE_RESOURCES["stream"][1]))
asyncio.run(build())
"""

#: A job that no request can make, before one whose execution is overdue.
SWEEP = """
import asyncio, json
from ministack import app
from ministack.core.responses import request_scope
from ministack.services import iot
from otactl.cloud.ministack.adaptation import install_all
from otactl.cloud.ministack.timeout import TimeoutSweep
async def sweep():
    install_all()
    with request_scope("123456789012", "us-east-1"):
        for job_id, minutes in (("odd", "five"), ("good", 1)):
            iot._jobs[job_id] = {
                "jobId": job_id, "status": "IN_PROGRESS", "targetSelection": "SNAPSHOT",
                "materialized": True, "timeoutConfig": {"inProgressTimeoutInMinutes": minutes},
            }
            iot._jobs_queue_execution("t", job_id, 0)
            iot._job_executions["t", job_id]["startedAt"] = 1
            iot._job_executions["t", job_id]["status"] = "IN_PROGRESS"
    found = []
    for _ in range(2):
        await TimeoutSweep().run()
        with request_scope("123456789012", "us-east-1"):
            found.append(iot._job_executions["t", "good"]["status"])
    print(json.dumps(found))
asyncio.run(sweep())
"""

#: Whether a rule may use a role: by its ARN, without its path, by its name, and without a role.
ROLES = """
import json
from ministack import app
from ministack.core.responses import request_scope
from ministack.services import iam
from otactl.cloud.ministack.permission import ServiceCaller, role_lets
allow = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
iot = {"Service": "iot.amazonaws.com"}
trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": iot}]}
rule = ServiceCaller("iot.amazonaws.com", "arn:aws:iot:us-east-1:123456789012:rule/r")
with request_scope("123456789012", "us-east-1"):
    iam._create_role({
        "RoleName": ["r"], "Path": ["/p/"], "AssumeRolePolicyDocument": [json.dumps(trust)],
    })
    iam._put_role_policy({
        "RoleName": ["r"], "PolicyName": ["p"], "PolicyDocument": [json.dumps(allow)],
    })
    queue = "arn:aws:sqs:us-east-1:123456789012:q"
    role = "arn:aws:iam::123456789012:role"
    print(json.dumps([
        role_lets(arn, rule, "sqs:SendMessage", queue)
        for arn in (f"{role}/p/r", f"{role}/r", "r", "")
    ]))
"""

#: Why a stack's alarms are refused, for three periods.
ALARMS = """
import asyncio, json
from ministack import app
from ministack.core.responses import request_scope
from otactl.cloud.ministack.adaptation import install_all
async def put():
    install_all()
    from ministack.services.cloudformation import provisioners
    found = []
    props = {
        "Namespace": "n", "MetricName": "m", "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 3, "Threshold": 1, "ExtendedStatistic": "p99",
    }
    with request_scope("123456789012", "us-east-1"):
        for period in (60, "60", 45):
            record = provisioners._cw_metric_alarm_record("a", props | {"Period": period})
            try:
                provisioners._cw.cloudformation_put_metric_alarm(record)
                found.append("")
            except ValueError as error:
                found.append(str(error))
    print(json.dumps(found))
asyncio.run(put())
"""

#: How many filters are shown for a topic: two that match, one by two ways, and none after all.
INDEX = """
import json
from ministack import app
from otactl.cloud.ministack import subscription_index
from otactl.cloud.ministack.shape import bound
index = subscription_index.SubscriptionIndex()
shown = []
def show():
    with bound(subscription_index._published, subscription_index._Question("a/r/s/+")):
        shown.append(list(index.values()))
for topic_filter in ("a/r/s/+", "a/r/s/#", "a/r/t"):
    index.setdefault(topic_filter, topic_filter)
show()
index.pop("a/r/absent")
index.pop("a/r/s/#")
show()
index.clear()
show()
print(json.dumps(shown))
"""

#: Plain patterns are compared by us; each answer is MiniStack's own, which a regular expression is.
PATTERNS = """
import asyncio, itertools, json
from ministack.core import iam_evaluator
from otactl.cloud.ministack import policy_decision
from otactl.cloud.ministack.shape import adapt
async def compare():
    names = ("fnmatch_iam", "fnmatch_iam_cs")
    before = [getattr(iam_evaluator, name) for name in names]
    adapt(policy_decision.install)
    after = [getattr(iam_evaluator, name) for name in names]
    texts = ["".join(t) for n in range(4) for t in itertools.product("aB*?.", repeat=n)]
    values = ["".join(t) for n in range(4) for t in itertools.product("abB.", repeat=n)]
    print(json.dumps([
        [old.__name__, value, pattern]
        for old, new in zip(before, after) for value in values for pattern in texts
        if old(value, pattern) != new(value, pattern)
    ]))
asyncio.run(compare())
"""


def run_beside_ministack(code: str, tmp_path: Path, log: list[str] | None = None) -> Any:
    """Run code in a process of its own, because MiniStack keeps its state in its modules.

    Args:
        log: Gets what the process wrote about itself.
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {"AUTH": "true", "TMPDIR": str(tmp_path), "STATE_DIR": f"{tmp_path}/services"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    if log is not None:
        log += done.stderr.splitlines()
    return json.loads(done.stdout.splitlines()[-1])


def test_the_version_is_the_one_all_this_was_written_for() -> None:
    assert version("ministack") == PINNED, "run these tests, read docs/local-cloud.md, then move it"


def test_every_adaptation_fits(tmp_path: Path) -> None:
    assert run_beside_ministack(INSTALL, tmp_path) == {}


def test_cloudformation_is_adapted_when_it_is_asked_for_the_first_time(tmp_path: Path) -> None:
    ours = "otactl.cloud.ministack.stack_resource"

    assert run_beside_ministack(STACKS, tmp_path) == [False, ours, ours]


def test_a_job_that_cannot_be_read_is_logged_and_the_others_still_time_out(tmp_path: Path) -> None:
    log: list[str] = []

    assert run_beside_ministack(SWEEP, tmp_path, log) == ["TIMED_OUT", "TIMED_OUT"]
    assert any("the timeouts of job odd cannot be checked" in line for line in log)


def test_a_service_finds_a_role_by_its_whole_arn(tmp_path: Path) -> None:
    assert run_beside_ministack(ROLES, tmp_path) == [True, False, False, False]


def test_an_alarm_of_a_stack_is_held_to_cloudwatchs_rules(tmp_path: Path) -> None:
    assert run_beside_ministack(ALARMS, tmp_path) == [
        "",
        "",
        "Period 45 must be 10, 20, 30 or a multiple of 60",
    ]


def test_plain_patterns_of_policies_match_what_they_matched(tmp_path: Path) -> None:
    assert run_beside_ministack(PATTERNS, tmp_path) == []


def test_the_subscription_index_shows_each_filter_that_matches_once(tmp_path: Path) -> None:
    first, second, third = run_beside_ministack(INDEX, tmp_path)

    assert sorted(first) == ["a/r/s/#", "a/r/s/+"]
    assert (second, third) == (["a/r/s/+"], [])


def test_ministack_alone_has_no_streams(tmp_path: Path) -> None:
    # If this fails, MiniStack has grown them: ours steps aside by itself. Compare the two, then
    # take ours out.
    found = run_beside_ministack(ALONE, tmp_path)

    assert found["status"] == 400
    assert found["body"]["message"] == "Unsupported IoT path: POST /streams/s"


def test_beside_streams_of_ministack_s_own_the_cloud_starts_without_ours(tmp_path: Path) -> None:
    log: list[str] = []

    assert run_beside_ministack(GROWN, tmp_path, log) == "Stream {name} is theirs"
    assert any("missing: streams" in line for line in log)


def test_unknown_credentials_are_refused(cloud: RunningCloud) -> None:
    stranger = boto3.client(
        "iot",
        endpoint_url=cloud.address.endpoint_url,
        region_name=cloud.address.region,
        aws_access_key_id="AKIA0000000000000000",
        aws_secret_access_key="x",
    )

    with pytest.raises(stranger.exceptions.ClientError) as refused:
        stranger.list_things()
    assert refused.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_the_endpoint_leads_to_the_gateway_by_https_not_to_the_broker(cloud: RunningCloud) -> None:
    # docs/local-cloud.md says so; our tools read the address or OTACTL_MQTT_* instead.
    iot = boto3.client(
        "iot",
        endpoint_url=cloud.address.endpoint_url,
        region_name=cloud.address.region,
        aws_access_key_id=cloud.address.access_key_id,
        aws_secret_access_key=cloud.address.secret_access_key,
    )

    endpoint = iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]

    assert endpoint == f"localhost:{cloud.address.https_url.rpartition(':')[2]}"

"""Checks that what a deployment's file names exists and that these credentials may use it.

Permissions are those that ``otactl iam`` prints, checked with IAM's policy simulator: no call is
tried. It evaluates policies of users and roles, not those of a bucket or an organization.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from otactl.aws.account_check import run_check
from otactl.aws.alarm_reach import alarm_warnings
from otactl.aws.clients import AwsClients
from otactl.aws.object_store import S3ObjectStore
from otactl.aws.translate import translated
from otactl.deploy.permissions import Policy
from otactl.model.arn import Arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.diagnosis import Diagnosis, bad, good, note, unknown, warning

_IOT = "iot.amazonaws.com"
_ASSUMED = re.compile(
    r"arn:(?P<partition>[^:]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/"
)
_EXAMPLE_NAME = "otactl-check"


def check_deployment(
    clients: AwsClients,
    configuration: DeploymentConfiguration,
    *,
    identity: str,
    user_policy: Policy,
    reader_policy: Policy,
) -> Iterator[Diagnosis]:
    """Check everything that a deployment's file names.

    Args:
        identity: The ARN of the credentials.
        user_policy: What these credentials must be allowed.
        reader_policy: What the roles must be allowed that are handed to AWS IoT.
    """
    account = Arn.parse(identity).account
    yield from run_check("account", partial(_account, configuration, account))
    yield from run_check("bucket", partial(_bucket, clients, configuration))
    yield from run_check("versioning", partial(_versioning, clients, configuration.bucket))
    roles = {"roleArn in [DEFAULT]": configuration.role_arn}
    if configuration.job.presigned_url is not None:
        roles["roleArn in [PRESIGNED_URL_CONFIG]"] = configuration.job.presigned_url.role_arn
    for key_name, role_arn in roles.items():
        yield from run_check(key_name, partial(_role, clients, key_name, role_arn, reader_policy))
    yield from run_check("permissions", partial(_permissions, clients, identity, user_policy))
    yield from run_check("alarms", partial(_alarms, clients, configuration))


def _account(configuration: DeploymentConfiguration, account: str) -> Iterator[Diagnosis]:
    if configuration.account != account:
        yield bad(
            "account",
            f"the file's roles and things are of account {configuration.account}, the credentials"
            f" of {account}",
            "use --profile, or correct the ARNs",
        )
    else:
        yield good("account", account)


def _bucket(clients: AwsClients, configuration: DeploymentConfiguration) -> Iterator[Diagnosis]:
    name = configuration.bucket
    S3ObjectStore(clients).check_bucket(
        name, owner=configuration.account, region=configuration.region
    )
    yield good("bucket", f"{name} is account {configuration.account}'s, in {configuration.region}")


@translated("s3")
def _versioning(clients: AwsClients, bucket: str) -> Iterator[Diagnosis]:
    status: str = clients.s3.get_bucket_versioning(Bucket=bucket).get("Status", "")
    if status == "Enabled":
        yield good("versioning", "on")
    else:
        yield note(
            "versioning",
            f"{status or 'off'}: images are named by their content, so none is overwritten",
        )


def _role(clients: AwsClients, key_name: str, role_arn: str, policy: Policy) -> Iterator[Diagnosis]:
    name = Arn.parse(role_arn).resource_name.rpartition("/")[2]
    trust = _trust(clients, name)
    if not _iot_statements(trust):
        yield bad(
            key_name,
            f"{name} does not trust {_IOT}: AWS IoT cannot read the image",
            "otactl iam FILE --only trust prints the trust policy",
        )
        return
    refused = _refused(clients, role_arn, policy)
    if refused:
        yield bad(
            key_name,
            f"{name} may not {', '.join(refused)}",
            "otactl iam FILE --only stream-role prints what it needs",
        )
        return
    yield good(key_name, f"{name} trusts AWS IoT and may read the image")
    if not _is_bound(trust):
        yield warning(
            key_name,
            f"{name} trusts AWS IoT of every account (confused deputy)",
            "otactl iam FILE --only trust has the conditions that bind it to this one",
        )


@translated("iam")
def _trust(clients: AwsClients, role_name: str) -> list[dict[str, Any]]:
    document: Any = clients.iam.get_role(RoleName=role_name)["Role"]["AssumeRolePolicyDocument"]
    if isinstance(document, str):
        document = json.loads(document)
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _iot_statements(trust: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        statement
        for statement in trust
        if statement.get("Effect") == "Allow"
        and _IOT in _listed(statement.get("Principal", {}), "Service")
    ]


def _listed(principal: Any, kind: str) -> list[str]:
    services = principal.get(kind, []) if isinstance(principal, dict) else []
    return [services] if isinstance(services, str) else list(services)


def _is_bound(trust: list[dict[str, Any]]) -> bool:
    return all(statement.get("Condition") for statement in _iot_statements(trust))


def _permissions(clients: AwsClients, principal: str, policy: Policy) -> Iterator[Diagnosis]:
    if principal.endswith(":root"):
        yield warning(
            "permissions", "these are the root user's: everything is allowed", "use a role"
        )
        return
    assumed = _ASSUMED.match(principal)
    if assumed is not None:
        principal = f"arn:{assumed['partition']}:iam::{assumed['account']}:role/{assumed['role']}"
    elif ":federated-user/" in principal:
        yield unknown("permissions", "IAM does not simulate federated users")
        return
    refused = _refused(clients, principal, policy)
    if refused:
        yield bad(
            "permissions",
            f"not allowed: {', '.join(refused)}",
            "otactl iam FILE --only user prints the policy that these credentials need",
        )
    else:
        actions = {action for statement in policy["Statement"] for action in statement["Action"]}
        yield good("permissions", f"all {len(actions)} actions of `otactl iam` are allowed")


def _refused(clients: AwsClients, principal: str, policy: Policy) -> list[str]:
    """The actions of a policy that a principal is denied, each with the first such resource."""
    refused: dict[str, str] = {}
    for statement in policy["Statement"]:
        resources = statement["Resource"]
        resources = [resources] if isinstance(resources, str) else resources
        for resource in resources:
            for action in _simulated(clients, principal, statement, resource):
                refused.setdefault(action, resource)
    return [f"{action} on {resource}" for action, resource in refused.items()]


@translated("iam")
def _simulated(
    clients: AwsClients, principal: str, statement: dict[str, Any], resource: str
) -> list[str]:
    """The actions of a statement that the simulator refuses on a resource."""
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for keys in statement.get("Condition", {}).values()
        for key, value in keys.items()
    ]
    answer = clients.iam.simulate_principal_policy(
        PolicySourceArn=principal,
        ActionNames=statement["Action"],
        # It takes names, not patterns: one name represents all.
        ResourceArns=[resource if resource == "*" else resource.replace("*", _EXAMPLE_NAME)],
        ContextEntries=context,  # type: ignore[arg-type]  # the keys are those of the model
    )
    return [
        result["EvalActionName"]
        for result in answer["EvaluationResults"]
        if result["EvalDecision"] != "allowed"
    ]


def _alarms(clients: AwsClients, configuration: DeploymentConfiguration) -> Iterator[Diagnosis]:
    if not configuration.alarms:
        return
    problems = list(alarm_warnings(clients, configuration.alarms, file=configuration.file_name))
    for problem in problems:
        yield warning("alarms", problem.message, f"[{problem.section}] {problem.key}")
    if not problems:
        yield good("alarms", f"all {len(configuration.alarms)} can go off and have subscribers")

"""The monitoring stack's template as data, for tests that look into it or leave something out."""

from __future__ import annotations

from typing import Any

from scripts.dev.cloudformation_template import read_template

from otactl.aws.stack_template import monitor_template


def load_template() -> dict[str, Any]:
    """The rendered template."""
    return read_template(monitor_template())


def grants(template: dict[str, Any]) -> dict[str, Any]:
    """Everything that permits something, by a name of its own.

    Statements of roles are ``Resource/Sid``, of what may assume a role ``Resource/trust``;
    permissions of functions and policies of topics have their resource's name.
    """
    found: dict[str, Any] = {}
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role":
            found[f"{name}/trust"] = properties["AssumeRolePolicyDocument"]
            for policy in properties["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    found[f"{name}/{statement['Sid']}"] = statement
        elif resource["Type"] in ("AWS::Lambda::Permission", "AWS::SNS::TopicPolicy"):
            found[name] = resource
    return found


def without(template: dict[str, Any], *names: str) -> dict[str, Any]:
    """The template without some grants.

    Roles and topics that have no policy are given one by AWS: theirs stay and let in nobody.
    """
    resources = template["Resources"]
    for name in names:
        resource, _, sid = name.partition("/")
        if resources[resource]["Type"] == "AWS::Lambda::Permission":
            del resources[resource]
        elif resources[resource]["Type"] == "AWS::SNS::TopicPolicy":
            _let_in_nobody(resources[resource]["Properties"]["PolicyDocument"])
        elif sid == "trust":
            _let_in_nobody(resources[resource]["Properties"]["AssumeRolePolicyDocument"])
        else:
            for policy in resources[resource]["Properties"]["Policies"]:
                document = policy["PolicyDocument"]
                document["Statement"] = [
                    statement for statement in document["Statement"] if statement["Sid"] != sid
                ] or [{"Effect": "Deny", "Action": "none:Nothing", "Resource": "*"}]
    return template


def _let_in_nobody(document: dict[str, Any]) -> None:
    for statement in document["Statement"]:
        statement["Principal"] = {"Service": "nobody.amazonaws.com"}

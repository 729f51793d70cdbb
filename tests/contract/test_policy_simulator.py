"""The local cloud's policy simulator looks at the context, as IAM's does."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def user(clients, unique) -> str:
    """A user that may pass roles to AWS IoT alone."""
    statement = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "*",
        "Condition": {"StringEquals": {"iam:PassedToService": ["iot.amazonaws.com", "a.b"]}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = clients.iam.create_user(UserName=f"passer-{unique}")["User"]["Arn"]
    clients.iam.put_user_policy(
        UserName=f"passer-{unique}", PolicyName="pass", PolicyDocument=document
    )
    return arn


@pytest.mark.parametrize(
    ("entries", "decision"),
    [
        ([("iam:PassedToService", ["iot.amazonaws.com"])], "allowed"),
        ([("iam:passedtoservice", ["iot.amazonaws.com"])], "allowed"),
        ([("iam:PassedToService", ["ec2.amazonaws.com"])], "implicitDeny"),
        ([("aws:SourceAccount", ["123456789012"])], "implicitDeny"),
        ([], "implicitDeny"),
    ],
)
def test_a_condition_is_met_by_the_context_alone(clients, user, entries, decision):
    answer = clients.iam.simulate_principal_policy(
        PolicySourceArn=user,
        ActionNames=["iam:PassRole"],
        ResourceArns=["arn:aws:iam::123456789012:role/r"],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyValues": values, "ContextKeyType": "string"}
            for key, values in entries
        ],
    )
    assert [each["EvalDecision"] for each in answer["EvaluationResults"]] == [decision]

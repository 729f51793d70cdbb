from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.cloud.scope import Scope
from otactl.cloud.streams.trust import ANY_RESOURCE, may_be_assumed

HERE = Scope("123456789012", "us-east-1")
IOT = {"Service": "iot.amazonaws.com"}
ALLOW = {"Effect": "Allow", "Principal": IOT, "Action": "sts:AssumeRole"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"Principal": {"Service": ["lambda.amazonaws.com", "iot.amazonaws.com"]}}, True),
        ({"Principal": "*"}, True),
        ({"Action": ["sts:TagSession", "sts:Assume*"]}, True),
        ({"Action": "sts:TagSession"}, False),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, False),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, False),
        ({"Effect": "Deny"}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}}, False),
        (
            {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:iot:us-east-1:123456789012:*"}}},
            True,
        ),
        (
            {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:iot:eu-west-1:123456789012:*"}}},
            False,
        ),
        (
            {
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": "arn:aws:iot:us-east-1:123456789012:stream/mine"}
                }
            },
            True,
        ),
        # Letter by letter: AWS never lets this one in.
        (
            {
                "Condition": {
                    "StringEquals": {"aws:SourceArn": "arn:aws:iot:us-east-1:123456789012:*"}
                }
            },
            False,
        ),
        (
            {
                "Condition": {
                    "StringLike": {"aws:SourceArn": "arn:aws:iot:us-east-1:123456789012:*"}
                }
            },
            True,
        ),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
    ],
)
def test_the_statement_decides(*, changes: dict[str, Any], allowed: bool) -> None:
    assert may_be_assumed(document(ALLOW | changes), HERE) is allowed


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("arn:aws:iot:us-east-1:123456789012:*", True),
        ("arn:aws:iot:us-east-1:123456789012:job/mine", True),
        ("arn:aws:iot:eu-west-1:123456789012:*", False),
        ("arn:aws:iot:us-east-1:999999999999:*", False),
    ],
)
def test_a_role_for_any_resource_is_held_to_account_and_region(
    *, pattern: str, allowed: bool
) -> None:
    trust = document(ALLOW | {"Condition": {"ArnLike": {"aws:SourceArn": pattern}}})

    assert may_be_assumed(trust, HERE, ANY_RESOURCE) is allowed


def test_a_denial_wins() -> None:
    assert not may_be_assumed(document(ALLOW, ALLOW | {"Effect": "Deny"}), HERE)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Statement", "Effect", "Principal", "Action", "Condition", "Service"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(VALUES)
def test_any_document_is_decided(trust_document: Any) -> None:
    assert may_be_assumed(trust_document, HERE) in {True, False}

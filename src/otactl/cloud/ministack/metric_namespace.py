"""The condition key ``cloudwatch:namespace``, so that policies can bind PutMetricData to one.

PutMetricData knows no resources; the namespace is the only thing a policy can limit (Service
Authorization Reference, Amazon CloudWatch). MiniStack does not know the key, so a policy that
uses it allows nothing.

Touched: ``ministack.core.iam_actions.request_tag_context``, which the gateway looks up for each
request, is wrapped to add the key for PutMetricData.
"""

from __future__ import annotations

import json
from typing import Any

import cbor2
from ministack.core import iam_actions

from otactl.cloud.ministack.shape import require, require_parameters

_KEY = "cloudwatch:namespace"
_ACTION = "cloudwatch:PutMetricData"


def install() -> None:
    """Put it in place.

    Raises:
        ShapeChanged: MiniStack collects condition keys in another way, or knows this one.
    """
    tag_context = iam_actions.request_tag_context
    require_parameters(tag_context, "service", "iam_action", "body", "params")
    known = tag_context("monitoring", _ACTION, b'{"Namespace":"n"}', {})
    require(_KEY not in known, f"no {_KEY}, found {known}")

    def request_tag_context(service: str, iam_action: str, body: bytes, params: Any) -> Any:
        found = tag_context(service, iam_action, body, params)
        if iam_action != _ACTION:
            return found
        return {**found, _KEY: _namespace(body, params)}

    iam_actions.request_tag_context = request_tag_context


def _namespace(body: bytes, params: Any) -> str:
    """The namespace of a request, in whichever of three encodings it came; empty when none."""
    if "Namespace" in params:
        given = params["Namespace"]
        return str(given[0] if isinstance(given, list) else given)
    try:
        fields = json.loads(body) if body[:1] == b"{" else cbor2.loads(body)
    except (ValueError, cbor2.CBORDecodeError):
        return ""
    return str(fields.get("Namespace", "")) if isinstance(fields, dict) else ""

"""Whether a role lets AWS IoT assume it: its trust document, evaluated. Pure.

IAM User Guide, policy evaluation: at least one statement allows, none denies. Only the conditions
that AWS recommends against confused deputies are evaluated (``aws:SourceAccount``,
``aws:SourceArn``; aws-facts I1, J3); all others count as met, because they concern other callers.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from otactl.cloud.scope import Scope

IOT_SERVICE = "iot.amazonaws.com"
_ASSUME = "sts:assumerole"
_OPERATORS = frozenset({"stringequals", "stringlike", "arnequals", "arnlike"})


def may_be_assumed(trust_document: Any, scope: Scope) -> bool:
    """Whether AWS IoT, acting for an account and region, may assume the role.

    Args:
        trust_document: The parsed AssumeRolePolicyDocument, of any type.
        scope: The stream's account and region.
    """
    statements = trust_document.get("Statement") if isinstance(trust_document, dict) else None
    effects = {
        statement.get("Effect")
        for statement in _list(statements)
        if isinstance(statement, dict) and _applies(statement, scope)
    }
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: dict[str, Any], scope: Scope) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service") if isinstance(principal, dict) else principal
    actions = [str(action).lower() for action in _list(statement.get("Action"))]
    return (
        any(service in (IOT_SERVICE, "*") for service in _list(services))
        and any(fnmatchcase(_ASSUME, action) for action in actions)
        and _conditions_met(statement.get("Condition"), scope)
    )


def _conditions_met(conditions: Any, scope: Scope) -> bool:
    known = {"aws:sourceaccount": scope.account_id, "aws:sourcearn": scope.arn("stream/any")}
    for operator, tests in conditions.items() if isinstance(conditions, dict) else ():
        if operator.lower().removesuffix("ifexists") not in _OPERATORS:
            continue
        for key, wanted in tests.items() if isinstance(tests, dict) else ():
            found = known.get(key.lower())
            if found is not None and not any(
                _matches(found, str(pattern)) for pattern in _list(wanted)
            ):
                return False
    return True


def _matches(found: str, pattern: str) -> bool:
    # A pattern that names one stream counts as met: the stream's id is unknown here.
    return fnmatchcase(found, pattern) or (
        found.endswith("/any") and pattern.startswith(found.removesuffix("any"))
    )


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

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
#: Any stream, or any resource at all: the resource for which AWS IoT acts.
ANY_STREAM, ANY_RESOURCE = "stream/any", "any"
_ASSUME = "sts:assumerole"
_OPERATORS = frozenset({"stringequals", "stringlike", "arnequals", "arnlike"})


def may_be_assumed(trust_document: Any, scope: Scope, resource: str = ANY_STREAM) -> bool:
    """Whether AWS IoT, acting for an account and region, may assume the role.

    Args:
        trust_document: The parsed AssumeRolePolicyDocument, of any type.
        scope: The resource's account and region.
        resource: ``ANY_STREAM`` or ``ANY_RESOURCE``.
    """
    statements = trust_document.get("Statement") if isinstance(trust_document, dict) else None
    effects = {
        statement.get("Effect")
        for statement in _list(statements)
        if isinstance(statement, dict) and _applies(statement, scope, resource)
    }
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: dict[str, Any], scope: Scope, resource: str) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service") if isinstance(principal, dict) else principal
    actions = [str(action).lower() for action in _list(statement.get("Action"))]
    return (
        any(service in (IOT_SERVICE, "*") for service in _list(services))
        and any(fnmatchcase(_ASSUME, action) for action in actions)
        and _conditions_met(statement.get("Condition"), scope, resource)
    )


def _conditions_met(conditions: Any, scope: Scope, resource: str) -> bool:
    known = {"aws:sourceaccount": scope.account_id, "aws:sourcearn": scope.arn(resource)}
    for spelled, tests in conditions.items() if isinstance(conditions, dict) else ():
        operator = spelled.lower().removesuffix("ifexists")
        if operator not in _OPERATORS:
            continue
        for key, wanted in tests.items() if isinstance(tests, dict) else ():
            found = known.get(key.lower())
            if found is not None and not any(
                _matches(found, str(pattern), operator) for pattern in _list(wanted)
            ):
                return False
    return True


def _matches(found: str, pattern: str, operator: str) -> bool:
    # StringEquals compares letter by letter; the other operators have wildcards.
    if operator == "stringequals" and ("*" in pattern or "?" in pattern):
        return False
    # A pattern that names one resource counts as met: which one it is, is unknown here.
    return fnmatchcase(found, pattern) or (
        found.endswith("any") and pattern.startswith(found.removesuffix("any"))
    )


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

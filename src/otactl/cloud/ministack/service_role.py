"""Roles that AWS IoT assumes: to presign the URLs of job documents, and to provision things.

MiniStack finds a role by its name alone, whatever the path in its ARN, and does not evaluate the
conditions of its trust policy. A role that trusts AWS IoT for another account or region
(``aws:SourceAccount``, ``aws:SourceArn``; aws-facts I1) then works here and nowhere else. The roles
of streams are checked by the same rules (``streams.trust``).

Touched: ``ministack.services.iot._iot_role_usable`` is replaced.
"""

from __future__ import annotations

import json

from ministack.services import iot

from otactl.cloud.ministack.answer import account
from otactl.cloud.ministack.permission import find_role
from otactl.cloud.ministack.shape import Changes, require_source
from otactl.cloud.streams.trust import ANY_RESOURCE, may_be_assumed


def install(changes: Changes) -> None:
    """Install it."""
    require_source(iot._iot_role_usable, "_iam._roles.get(")
    require_source(iot._jobs_presigned_document, '_iot_role_usable(config["roleArn"])')
    changes.put(iot, "_iot_role_usable", _is_usable, "role_arn")


def _is_usable(role_arn: str) -> bool:
    """Whether AWS IoT may assume a role of the caller's account."""
    role = find_role(role_arn, account().account_id)
    if role is None:
        return False
    try:
        trust = json.loads(role["AssumeRolePolicyDocument"] or "{}")
    except ValueError:
        return False
    return may_be_assumed(trust, account(), ANY_RESOURCE)

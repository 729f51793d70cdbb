"""Whether policies allow one AWS service to use another's resources.

MiniStack checks the policies of callers, and those of topics and queues for deliveries of S3 and
SNS. It checks none when a topic rule or SNS calls a function, when an alarm notifies a topic, or
when a service uses a role to log or to send a failed event to its destination. A stack without one
of these permissions would work here and not on AWS (aws-facts I6).

Touched: ``ministack.core.iam_evaluator`` (EvalContext, evaluate, evaluate_resource_policy,
_gather_role_policies) and ``ministack.services.iam._roles`` are used as ``services.sns`` uses
them for ``topic_policy_allows``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam


@dataclass(frozen=True, slots=True)
class ServiceCaller:
    """A service that acts for one of its resources.

    Attributes:
        service: Its name in policies: ``iot.amazonaws.com``.
        source_arn: The ARN of the resource: a rule, a topic, an alarm, a function.
    """

    service: str
    source_arn: str

    @property
    def region(self) -> str:
        """Of the resource."""
        return self.source_arn.split(":")[3]

    @property
    def account_id(self) -> str:
        """Of the resource."""
        return self.source_arn.split(":")[4]

    def context(self, action: str, resource_arn: str) -> Any:
        """The request for MiniStack's evaluator."""
        return iam_evaluator.EvalContext(
            # The service is no principal of the account, so grants to the account exclude it.
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action=action,
            resource_arn=resource_arn,
            region=self.region,
            service_context={
                "aws:sourcearn": self.source_arn,
                "aws:sourceaccount": self.account_id,
            },
        )


def policy_lets_in(
    policy: Mapping[str, Any] | str, caller: ServiceCaller, action: str, resource_arn: str
) -> bool:
    """Whether a resource's own policy allows a service's action on it."""
    context = caller.context(action, resource_arn)
    found = iam_evaluator.evaluate_resource_policy(policy, context, service=caller.service)
    return bool(found.decision == "Allow")


def find_role(role_arn: str, account_id: str) -> Any:
    """The role of an account with this ARN, or None: without its path it names another role."""
    role = iam._roles.get_scoped(account_id, None, role_arn.rpartition("/")[2])
    return role if role is not None and role["Arn"] == role_arn else None


def role_lets(role_arn: str, caller: ServiceCaller, action: str, resource_arn: str) -> bool:
    """Whether a service may assume a role, and the role allows an action."""
    _, _, account_id = role_arn.partition(":role/")[0].rpartition(":")
    role = find_role(role_arn, account_id)
    if role is None:
        return False
    trust = role.get("AssumeRolePolicyDocument") or "{}"
    if not policy_lets_in(trust, caller, "sts:AssumeRole", "*"):
        return False
    policies = iam_evaluator._gather_role_policies(role["RoleName"], account_id)
    context = caller.context(action, resource_arn)
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")

"""IAM's policy simulator with the context of the request.

SimulatePrincipalPolicy and SimulateCustomPolicy accept the values of condition keys
(``ContextEntries``, IAM API Reference). MiniStack ignores them, so that no statement with a
condition, such as that of ``iam:PassRole``, ever allows anything.

Touched: ``ministack.services.iam`` reads the parameters in ``_extract_simulate_params`` and
evaluates in ``_build_simulate_results_real``. The first is wrapped to keep the request's entries,
the second to drop the statements whose conditions these do not meet.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from itertools import count, takewhile
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from otactl.cloud.ministack.shape import Changes, require, require_source

_entries: ContextVar[dict[str, str | list[str]] | None] = ContextVar(
    "simulated_context", default=None
)


def install(changes: Changes) -> None:
    """Install it."""
    require_source(iam._simulate_principal_policy, "_extract_simulate_params(p)")
    context = _context("arn:aws:iam::123456789012:user/u", "123456789012", {"a:b": "c"})
    require(
        iam_evaluator._conditions_met({"StringEquals": {"a:B": "c"}}, context), "context by keys"
    )

    @changes.around(iam, "_extract_simulate_params", "p")
    def extract_simulate_params(extract: Any, p: Any) -> Any:
        _entries.set(_context_entries(p))
        return extract(p)

    @changes.around(
        *(iam, "_build_simulate_results_real"),
        *("actions", "resource_arn", "principal_arn", "account_id", "policies"),
    )
    def build_simulate_results(
        build: Any,
        actions: Any,
        resource_arn: str,
        principal_arn: str,
        account_id: str,
        policies: Any,
    ) -> Any:
        entries = _entries.get()
        if entries:
            context = _context(principal_arn, account_id, entries)
            policies = [
                [
                    replace(statement, conditions={})
                    for statement in policy
                    if iam_evaluator._conditions_met(statement.conditions, context)
                ]
                for policy in policies
            ]
        return build(actions, resource_arn, principal_arn, account_id, policies)


def _context(principal_arn: str, account_id: str, entries: dict[str, str | list[str]]) -> Any:
    """The context for conditions."""
    return iam_evaluator.EvalContext(
        principal_arn=principal_arn,
        principal_type="User",
        principal_account=account_id,
        action="",
        resource_arn="*",
        region="",
        service_context=dict(entries),
    )


def _context_entries(parameters: Any) -> dict[str, str | list[str]]:
    """The values by condition key, in lower case."""
    found: dict[str, str | list[str]] = {}
    for number in count(1):
        start = f"ContextEntries.member.{number}"
        key = iam._p(parameters, f"{start}.ContextKeyName")
        if not key:
            return found
        values = (iam._p(parameters, f"{start}.ContextKeyValues.member.{n}") for n in count(1))
        given = list(takewhile(bool, values))
        # One value is compared as it is, several by ForAnyValue and its like.
        found[key.lower()] = given[0] if len(given) == 1 else given
    return found

"""Credentials of functions that nobody can compute.

MiniStack derives the keys of a function's role from the ARNs of function and role, which are
known: another program could sign with them. Here they are random, kept for each pair, so that a
function's processes share one session.

Touched: ``ministack.core.lambda_runtime.execution_credentials`` is replaced, also where
``services.lambda_svc`` has imported it; ``services.sts.register_session`` is used as it uses it.
"""

from __future__ import annotations

import secrets
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts

from otactl.cloud.ministack.shape import Changes, require, require_parameters

_MAX_SESSION_NAME = 64


def install(changes: Changes) -> None:
    """Put it in place."""
    require_parameters(sts.register_session, "access_key", "session")
    require(
        lambda_svc.execution_credentials is lambda_runtime.execution_credentials,
        "lambda_svc.execution_credentials to be lambda_runtime's",
    )
    credentials: dict[tuple[str, str], dict[str, str]] = {}

    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        role_arn, function_arn = config.get("Role", ""), config.get("FunctionArn", "")
        keys = credentials.setdefault((function_arn, role_arn), _random_keys())
        role_name = role_arn.rpartition("/")[2]
        session = config.get("FunctionName", "function")[:_MAX_SESSION_NAME]
        account_id = function_arn.split(":")[4]
        # Registered each time: a reset forgets sessions.
        sts.register_session(
            keys["AWS_ACCESS_KEY_ID"],
            {
                "Arn": f"arn:aws:sts::{account_id}:assumed-role/{role_name}/{session}",
                "UserId": f"{role_name}:{session}",
                "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"],
                "SessionToken": keys["AWS_SESSION_TOKEN"],
            },
        )
        return dict(keys)

    for module in (lambda_runtime, lambda_svc):
        changes.put(module, "execution_credentials", execution_credentials, "config")


def _random_keys() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": f"ASIA{secrets.token_hex(8).upper()}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
        "AWS_SESSION_TOKEN": secrets.token_urlsafe(48),
    }

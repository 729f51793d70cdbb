"""The access keys of the cloud: the administrator's, and those of functions.

The administrator is an IAM user that may do everything, with the keys of ``local env``. Functions
get secret credentials: MiniStack derives the keys of a function's role from the ARNs of function
and role, which are known, so another program could sign with them. Here they are random, one for
each pair of ARNs, so that a function's processes share one session.

Touched: ``ministack.services.iam`` ``_create_user``, ``_put_user_policy`` and ``_access_keys``,
instead of the same calls over HTTP: these cannot be signed before a key exists, and the process
that starts the cloud chooses the key.
``ministack.core.lambda_runtime.execution_credentials`` is replaced, also where
``services.lambda_svc`` has imported it; ``services.sts.register_session`` is used as it uses it.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import now_iso, request_scope
from ministack.services import iam, lambda_svc, sts

from otactl.cloud.ministack.shape import Changes, require, require_parameters

USER_NAME = "otactl-administrator"
_EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)
_MAX_SESSION_NAME = 64


def put_administrator(
    account_id: str, region: str, *, access_key_id: str, secret_access_key: str
) -> None:
    """Create the administrator of an account; needed again after a reset.

    Raises:
        ShapeChanged: MiniStack stores users in another way.
    """
    require_parameters(iam._create_user, "p")
    require_parameters(iam._put_user_policy, "p")
    with request_scope(account_id, region):
        iam._create_user({"UserName": [USER_NAME]})
        iam._put_user_policy(
            {
                "UserName": [USER_NAME],
                "PolicyName": ["everything"],
                "PolicyDocument": [_EVERYTHING],
            }
        )
        iam._access_keys[access_key_id] = {
            "UserName": USER_NAME,
            "AccessKeyId": access_key_id,
            "SecretAccessKey": secret_access_key,
            "Status": "Active",
            "CreateDate": now_iso(),
        }


def randomise_functions(changes: Changes) -> None:
    """Give functions random credentials."""
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
        # Registered each time: a reset removes sessions.
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

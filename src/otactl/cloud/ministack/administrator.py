"""The cloud's administrator: an IAM user that may do everything, with the keys of ``local env``.

Touched: ``ministack.services.iam`` ``_create_user``, ``_put_user_policy`` and ``_access_keys``, in
place of the same calls over HTTP: nobody can sign those before there is a key, and the key is
chosen by the process that starts the cloud.
"""

from __future__ import annotations

import json

from ministack.core.responses import now_iso, request_scope
from ministack.services import iam

from otactl.cloud.ministack.shape import require_parameters

USER_NAME = "otactl-administrator"
_EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)


def put_administrator(
    account_id: str, region: str, *, access_key_id: str, secret_access_key: str
) -> None:
    """Make the administrator of an account; needed again after a reset.

    Raises:
        ShapeChanged: MiniStack keeps users in another way.
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

"""``iam:PassRole``, which AWS asks of who hands a role to AWS IoT, and MiniStack does not.

Checked for the roles of streams and for those that presign the URLs of job documents (IoT Developer
Guide, pass-role), on the role's ARN, with the condition key ``iam:PassedToService``. Not checked
for topic rules and provisioning templates.

Touched: ``ministack.services.iot.handle_request`` is wrapped; the caller's policies are evaluated
by ``ministack.app._enforce_data_plane``, as those of MiniStack's own data planes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.services import iot

from otactl.cloud.ministack.answer import REQUEST
from otactl.cloud.ministack.shape import Changes, require_parameters, require_source
from otactl.cloud.operation import find_operation, json_object

_CONTEXT = {"iam:PassedToService": "iot.amazonaws.com"}
#: The member of each operation that has the role, and the member above it.
_ROLES = {
    "CreateStream": None,
    "UpdateStream": None,
    "CreateJob": "presignedUrlConfig",
    "UpdateJob": "presignedUrlConfig",
    "CreateJobTemplate": "presignedUrlConfig",
}


def install(changes: Changes) -> None:
    """Install it, below the checks against the models."""
    require_parameters(
        app._enforce_data_plane,
        *("service", "iam_action", "headers", "query_params", "request_id", "resource_arn"),
        "service_context",
    )
    require_source(app._enforce_data_plane, "named_resource: str")

    @changes.around(iot, "handle_request", *REQUEST)
    async def handle_request(
        handle: Any, method: str, path: str, headers: Any, body: bytes, query: Any
    ) -> Any:
        operation = find_operation("iot", method, path)
        role = None if operation is None else _role(operation.name, json_object(body) or {})
        if role is not None:
            denied = app._enforce_data_plane(
                *("iot", "iam:PassRole", headers, query, "", role),
                service_context=_CONTEXT,
                named_resource=role,
            )
            if denied is not None:
                return denied
        return await handle(method, path, headers, body, query)


def _role(operation: str, fields: Mapping[str, Any]) -> str | None:
    """The role that a request hands to AWS IoT; None if there is none."""
    if operation not in _ROLES:
        return None
    above = _ROLES[operation]
    found = (fields if above is None else fields.get(above) or {}).get("roleArn")
    return found if isinstance(found, str) else None

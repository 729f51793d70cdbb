"""GetPackageConfiguration and UpdatePackageConfiguration, which MiniStack lacks.

Whether AWS IoT Jobs may write the ``$package`` shadow of a thing once its job with
``destinationPackageVersions`` has SUCCEEDED (aws-facts O). Here it is kept and returned; Jobs never
writes the shadow.

Touched, in ``ministack.services.iot``: ``handle_request`` is wrapped for this path.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import iot

from otactl.cloud.ministack.shape import require_parameters

_PATH = "/package-configuration"


def install() -> None:
    """Put both operations in place.

    Raises:
        ShapeChanged: MiniStack does not call its services as this was written for.
    """
    handle = iot.handle_request
    require_parameters(handle, "method", "path", "headers", "body", "query_params")
    configurations: dict[tuple[str, str], dict[str, Any]] = {}

    async def handle_request(
        method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> Any:
        if path != _PATH or method not in ("GET", "PATCH"):
            return await handle(method, path, headers, body, query_params)
        account = get_account_id(), get_region()
        if method == "GET":
            stored = configurations.get(account, {"enabled": False})
            return json_response({"versionUpdateByJobsConfig": stored})
        asked_for = json.loads(body or b"{}").get("versionUpdateByJobsConfig") or {}
        merged = configurations.get(account, {"enabled": False}) | asked_for
        if merged.get("enabled") and not merged.get("roleArn"):
            message = "roleArn is required when version updates by jobs are enabled"
            return error_response_json("ValidationException", message, 400)
        configurations[account] = merged
        return json_response({})

    iot.handle_request = handle_request

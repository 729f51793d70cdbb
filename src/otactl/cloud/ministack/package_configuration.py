"""GetPackageConfiguration and UpdatePackageConfiguration, which MiniStack lacks.

Whether AWS IoT Jobs may write the ``$package`` shadow of a thing once its job with
``destinationPackageVersions`` has SUCCEEDED (aws-facts O). Here it is kept and returned; Jobs never
writes the shadow.

Touched, in ``ministack.services.iot``: ``handle_request`` is wrapped for this path.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import json_response
from ministack.services import iot

from otactl.cloud.ministack.answer import REQUEST, account, refused
from otactl.cloud.ministack.shape import Changes

_PATH = "/package-configuration"


def install(changes: Changes) -> None:
    """Put both operations in place."""
    configurations: dict[tuple[str, str], dict[str, Any]] = {}

    @changes.around(iot, "handle_request", *REQUEST)
    async def handle_request(
        handle: Any, method: str, path: str, headers: Any, body: bytes, query: Any
    ) -> Any:
        if path != _PATH or method not in ("GET", "PATCH"):
            return await handle(method, path, headers, body, query)
        stored = configurations.get(account(), {"enabled": False})
        if method == "GET":
            return json_response({"versionUpdateByJobsConfig": stored})
        merged = stored | (json.loads(body or b"{}").get("versionUpdateByJobsConfig") or {})
        if merged.get("enabled") and not merged.get("roleArn"):
            message = "roleArn is required when version updates by jobs are enabled"
            return refused(message, "ValidationException")
        configurations[account()] = merged
        return json_response({})

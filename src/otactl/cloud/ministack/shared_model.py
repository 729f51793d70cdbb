"""MiniStack uses our cache of botocore's service descriptions, which reads each once.

It would read one for the type of an answer, again for a request's route, and again for its tags:
half of the time of a new cloud's first requests.

Touched: ``_service_model`` of ``ministack.core.responses`` and ``_load_botocore_model`` of
``ministack.core.iam_actions`` are replaced.
"""

from __future__ import annotations

import functools
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.model import ServiceModel
from ministack.core import iam_actions, responses

from otactl.cloud.ministack.shape import Changes, require_source
from otactl.cloud.service_model import LOADER, service_model


def install(changes: Changes) -> None:
    """Install it."""
    require_source(responses._service_model, "_BOTOCORE_NAME.get(service, service)")
    require_source(responses._service_model, ".get_service_model(name)")
    require_source(iam_actions._load_botocore_model, '"service-2.json.gz"')

    @functools.cache
    def model(service: str) -> ServiceModel | None:
        try:
            return service_model(responses._BOTOCORE_NAME.get(service, service))
        except UnknownServiceError:
            return None

    def description(botocore_service: str) -> dict[str, Any]:
        try:
            read: dict[str, Any] = LOADER.load_service_model(botocore_service, "service-2")
        except UnknownServiceError:
            return {}
        return read

    changes.put(responses, "_service_model", model)
    changes.put(iam_actions, "_load_botocore_model", description, "botocore_service")

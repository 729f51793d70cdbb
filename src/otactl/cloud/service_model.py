"""botocore's descriptions of the AWS services; each is read once in this process.

A description is up to a megabyte of JSON. The request checks, the paginators, the stream service's
clients and MiniStack share them.
"""

from __future__ import annotations

import functools

import botocore.loaders
from botocore.model import ServiceModel

#: Caches the descriptions.
LOADER = botocore.loaders.create_loader()


@functools.cache
def service_model(service: str) -> ServiceModel:
    """The description of a service.

    Args:
        service: Its name in botocore.

    Raises:
        botocore.exceptions.UnknownServiceError: Unknown service.
    """
    return ServiceModel(LOADER.load_service_model(service, "service-2"), service_name=service)

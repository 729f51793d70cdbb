"""botocore's descriptions of the AWS services; each is read once in this process.

A description is up to a megabyte of JSON. The checks of requests, the paginators, the stream
service's own clients and MiniStack all ask for some of the same.
"""

from __future__ import annotations

import functools

import botocore.loaders
from botocore.model import ServiceModel

#: Keeps what it read.
LOADER = botocore.loaders.create_loader()


@functools.cache
def service_model(service: str) -> ServiceModel:
    """The description of a service.

    Args:
        service: As botocore names it.

    Raises:
        botocore.exceptions.UnknownServiceError: There is none of this name.
    """
    return ServiceModel(LOADER.load_service_model(service, "service-2"), service_name=service)

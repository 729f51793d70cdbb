"""The ARN of a stream, so that IAM policies can name streams.

MiniStack checks ``iot:DescribeStream`` and the others against the resource ``*``, because it has
no streams; a policy that names them by ARN, as least privilege wants, would be refused.

Touched: ``ministack.core.iam_actions.extract_resource_arn``, which the gateway looks up for each
request, is wrapped for ``/streams/{streamId}``.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_actions

from otactl.cloud.ministack.shape import require, require_parameters

_STREAM_PATH = re.compile(r"/streams/([^/]+)")


def install() -> None:
    """Put it in place.

    Raises:
        ShapeChanged: MiniStack finds the resource of a request in another way, or knows streams.
    """
    extract = iam_actions.extract_resource_arn
    require_parameters(
        extract, "service", "method", "path", "headers", "body", "query_params", "region"
    )
    found = extract("iot", "GET", "/streams/s", {}, b"", {}, "eu-west-1", "123456789012")
    require(found == "*", f"no ARN for a stream, found {found}")

    def extract_resource_arn(service: str, method: str, path: str, *rest: Any) -> str:
        stream = _STREAM_PATH.fullmatch(path) if service == "iot" else None
        if stream is None:
            return str(extract(service, method, path, *rest))
        *_, region, account_id = rest
        return f"arn:aws:iot:{region}:{account_id}:stream/{unquote(stream[1])}"

    iam_actions.extract_resource_arn = extract_resource_arn

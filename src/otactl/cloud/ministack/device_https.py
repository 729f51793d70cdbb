"""Devices fetch by HTTPS: presigned URLs and DescribeEndpoint lead to the gateway's TLS listener.

A presigned URL in a job document names the host by which its device came, as the signature covers
it: for a notification that of the thing's connection. MiniStack's are plain HTTP, which good
firmware refuses, and name the operator's host in notifications. DescribeEndpoint answers
``localhost`` and the port, a name that resolves everywhere.

Touched, in ``ministack.services.iot``: ``_GATEWAY_PORT`` is set, ``_describe_endpoint``,
``_jobs_presigned_document`` and ``jobs_notify_thing`` are wrapped; ``jobs_device_host`` and
``_connected_clients`` are used as MiniStack uses them. ``ministack.app._IOT_DATA_WS_RE``, which
says whose WebSockets are the broker's, is replaced.
"""

# ruff: noqa: SLF001 - the private parts of MiniStack are what this file is about, see above.

from __future__ import annotations

import functools
import re
from typing import Any

from ministack import app
from ministack.core.responses import json_response
from ministack.services import iot

from otactl.cloud.ministack.connection import dialled_host
from otactl.cloud.ministack.shape import require, require_parameters, require_source

_OK = 200
#: Whose WebSockets are the broker's, if they speak MQTT: MiniStack's names, and the endpoint's.
_BROKER_HOST = re.compile(r"(^|\.)iot\.[a-z0-9-]+\.|^(localhost|127\.0\.0\.1)(:\d+)?$")
_PORT = re.compile(r":\d+$", re.ASCII)
#: What an AWS endpoint's name has before the part that resolves here.
_ENDPOINT_LABELS = re.compile(r"(?:[^.:]+\.)*?iot\.[a-z0-9-]+\.(?=[^:])")


def install(port: int) -> None:
    """Put it in place.

    Args:
        port: Of the listener for HTTPS.

    Raises:
        ShapeChanged: MiniStack presigns in another way.
    """
    describe, presign = iot._describe_endpoint, iot._jobs_presigned_document
    notify = iot.jobs_notify_thing
    require_parameters(describe, "qp")
    require_parameters(presign, "job")
    require_source(presign, "host = jobs_device_host.get()")
    require_source(iot._mtls_serve_conn, "{_GATEWAY_PORT}")
    require(app._IOT_DATA_WS_RE.search("a-ats.iot.us-east-1.x") is not None, "IoT hosts by name")
    iot._GATEWAY_PORT = str(port)
    app._IOT_DATA_WS_RE = _BROKER_HOST

    def describe_endpoint(qp: dict[str, str]) -> Any:
        answer = describe(qp)
        if answer[0] != _OK or qp.get("endpointType") == "iot:CredentialProvider":
            return answer
        return json_response({"endpointAddress": f"localhost:{port}"})

    def presigned_document(job: dict[str, Any]) -> str:
        named = _ENDPOINT_LABELS.sub("", _PORT.sub("", iot.jobs_device_host.get()), count=1)
        host = f"{named or 'localhost'}:{port}"
        token = iot.jobs_device_host.set(host)
        try:
            # The scheme is no part of the signature.
            return str(presign(job)).replace(f"http://{host}/", f"https://{host}/")
        finally:
            iot.jobs_device_host.reset(token)

    @functools.wraps(notify)
    async def notify_thing(account_id: str, region: str, thing_name: str, *rest: Any) -> None:
        session = iot._connected_clients.get((account_id, region, thing_name))
        host = None if session is None else dialled_host(session)
        token = iot.jobs_device_host.set(host or iot.jobs_device_host.get())
        try:
            await notify(account_id, region, thing_name, *rest)
        finally:
            iot.jobs_device_host.reset(token)

    iot._describe_endpoint = describe_endpoint
    iot._jobs_presigned_document = presigned_document
    iot.jobs_notify_thing = notify_thing

"""HTTPS for devices: presigned URLs and DescribeEndpoint name the gateway's TLS listener.

A presigned URL in a job document has the host name that its device used, because the signature
covers it; in a notification that of the thing's connection. MiniStack's URLs are plain HTTP, which
good firmware refuses, and have the operator's host in notifications. DescribeEndpoint answers
``localhost`` and the port, because this name resolves everywhere.

Touched, in ``ministack.services.iot``: ``_GATEWAY_PORT`` is set, ``_describe_endpoint``,
``_jobs_presigned_document`` and ``jobs_notify_thing`` are wrapped; ``jobs_device_host`` and
``_connected_clients`` are used as MiniStack uses them. ``ministack.app._IOT_DATA_WS_RE``, which
matches the hosts whose WebSockets are the broker's, is replaced.
"""

from __future__ import annotations

import re
from typing import Any

from ministack import app
from ministack.core.responses import json_response
from ministack.services import iot

from otactl.cloud.ministack.answer import OK
from otactl.cloud.ministack.connection import dialled_host
from otactl.cloud.ministack.shape import Changes, bound, require, require_source

#: Hosts whose MQTT WebSockets are the broker's: MiniStack's names, and the endpoint's.
_BROKER_HOST = re.compile(r"(^|\.)iot\.[a-z0-9-]+\.|^(localhost|127\.0\.0\.1)(:\d+)?$")
_PORT = re.compile(r":\d+$", re.ASCII)
#: The labels of an AWS endpoint's name before the part that resolves here.
_ENDPOINT_LABELS = re.compile(r"(?:[^.:]+\.)*?iot\.[a-z0-9-]+\.(?=[^:])")


def install(changes: Changes, port: int) -> None:
    """Install it; ``port`` is that of the HTTPS listener."""
    require_source(iot._jobs_presigned_document, "host = jobs_device_host.get()")
    require_source(iot._mtls_serve_conn, "{_GATEWAY_PORT}")
    require(app._IOT_DATA_WS_RE.search("a-ats.iot.us-east-1.x") is not None, "IoT hosts by name")
    changes.put(iot, "_GATEWAY_PORT", str(port))
    changes.put(app, "_IOT_DATA_WS_RE", _BROKER_HOST)

    @changes.around(iot, "_describe_endpoint", "qp")
    def describe_endpoint(describe: Any, qp: dict[str, str]) -> Any:
        answer = describe(qp)
        if answer[0] != OK or qp.get("endpointType") == "iot:CredentialProvider":
            return answer
        return json_response({"endpointAddress": f"localhost:{port}"})

    @changes.around(iot, "_jobs_presigned_document", "job")
    def presigned_document(presign: Any, job: dict[str, Any]) -> str:
        named = _ENDPOINT_LABELS.sub("", _PORT.sub("", iot.jobs_device_host.get()), count=1)
        host = f"{named or 'localhost'}:{port}"
        with bound(iot.jobs_device_host, host):
            # The signature does not cover the scheme.
            return str(presign(job)).replace(f"http://{host}/", f"https://{host}/")

    @changes.around(iot, "jobs_notify_thing", "account_id", "region", "thing_name")
    async def notify_thing(
        notify: Any, account_id: str, region: str, thing_name: str, *rest: Any
    ) -> None:
        session = iot._connected_clients.get((account_id, region, thing_name))
        host = None if session is None else dialled_host(session)
        with bound(iot.jobs_device_host, host or iot.jobs_device_host.get()):
            await notify(account_id, region, thing_name, *rest)

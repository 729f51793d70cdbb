"""The address at which an operator connects to the message broker: MQTT over a signed WebSocket.

The address is presigned for the service ``iotdevicegateway`` (AWS IoT Developer Guide, MQTT over
the WebSocket protocol). AWS IoT requires a session token after the signature, unsigned. Mutual TLS
is for devices; operators have credentials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials

from otactl.aws.clients import AwsClients
from otactl.aws.translate import translated
from otactl.errors import UserMistake

_SERVICE = "iotdevicegateway"
_PATH = "/mqtt"
_TLS_PORT = 443
#: How long the signature can open a connection; the connection itself may last longer.
_EXPIRES_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWebSocket:
    """Everything needed to open one connection.

    Attributes:
        host, port: Where to connect to.
        host_header: The signed host; it differs from ``host`` in a local cloud.
        path: Includes the signature, which is valid like credentials for a while: never log it.
    """

    host: str
    port: int
    host_header: str
    path: str
    tls: bool


@translated("iot")
def data_endpoint(clients: AwsClients) -> str:
    """The account's endpoint for messages: one call."""
    return clients.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]


def sign_websocket(
    endpoint: str,
    region: str,
    credentials: ReadOnlyCredentials,
    *,
    endpoint_url: str | None = None,
) -> SignedWebSocket:
    """Sign the opening of a WebSocket.

    Args:
        endpoint: From ``data_endpoint``.
        region: The region of the signature.
        credentials: The operator's.
        endpoint_url: A local cloud's, where the endpoint's name does not resolve.

    Raises:
        UserMistake: The endpoint URL has no host.
    """
    request: Any = AWSRequest(method="GET", url=f"https://{endpoint}{_PATH}")
    signer = SigV4QueryAuth(
        Credentials(credentials.access_key or "", credentials.secret_key or ""),
        _SERVICE,
        region,
        expires=_EXPIRES_SECONDS,
    )
    signer.add_auth(request)
    path = f"{_PATH}?{urlsplit(request.url).query}"
    if credentials.token:
        path += f"&X-Amz-Security-Token={quote(credentials.token, safe='')}"
    if endpoint_url is None:
        return SignedWebSocket(
            host=endpoint, port=_TLS_PORT, host_header=endpoint, path=path, tls=True
        )
    location = urlsplit(endpoint_url)
    if location.hostname is None:
        raise UserMistake(f"--endpoint-url {endpoint_url} has no host")
    tls = location.scheme == "https"
    return SignedWebSocket(
        host=location.hostname,
        port=location.port or (_TLS_PORT if tls else 80),
        host_header=endpoint,
        path=path,
        tls=tls,
    )

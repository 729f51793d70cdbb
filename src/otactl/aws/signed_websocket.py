"""Where and how an operator connects to the message broker: MQTT over a WebSocket, signed.

The address is presigned for the service ``iotdevicegateway`` (AWS IoT Developer Guide, MQTT over
the WebSocket protocol). A session token goes behind the signature, not into it; that is how AWS
IoT wants it. Mutual TLS is for devices; people have credentials.
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
#: How long the signature is good for opening the connection; the connection itself may last on.
_EXPIRES_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWebSocket:
    """Everything it takes to open one connection.

    Attributes:
        host, port: Where to connect to.
        host_header: What was signed; it differs from ``host`` where a local cloud answers for
            AWS's names.
        path: With the signature: as good as credentials for a while, so never to be logged.
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
        credentials: Who connects.
        endpoint_url: A local cloud's, where the endpoint's name does not lead anywhere.

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

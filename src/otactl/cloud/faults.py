"""A layer that makes AWS calls fail: throttled, with a 5xx, or with a lost answer.

Part of a rehearsal (``--faults``): otactl must complete in spite of it. Only calls of otactl's own
clients fail, not those of devices and of services inside the local cloud. The kind of each fault is
random, from a seed. A lost answer is the hardest: the call took effect, but the caller gets an
error.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from typing import Any

from otactl.cloud.asgi import (
    Application,
    Message,
    Receive,
    Refusal,
    Send,
    header_values,
    send_refusal,
)

_OUR_AGENT = "otactl/"
_ALL_PERCENT = 100


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    code: str
    message: str


class Fault(Enum):
    """How a call fails."""

    THROTTLED = _Refusal(400, "ThrottlingException", "Rate exceeded")
    UNAVAILABLE = _Refusal(503, "ServiceUnavailableException", "Try again later")
    INTERNAL = _Refusal(500, "InternalFailureException", "An internal error occurred")
    #: The call is executed; then its answer is replaced by an error.
    ANSWER_LOST = _Refusal(502, "BadGateway", "The answer was lost")


#: S3's throttling: by the status, because a HEAD answer has no body. Other services put the code of
#: a throttled call into the body, each in its own protocol; they get this status too, because
#: clients handle it alike.
_SLOW_DOWN = _Refusal(503, "SlowDown", "Reduce your request rate")


class FaultLayer:
    """Makes a share of the calls fail.

    Args:
        percent: The share of calls that fail.
        seed: Another seed makes other calls fail.
    """

    def __init__(self, application: Application, *, percent: float, seed: int) -> None:
        self._application = application
        self._share = percent / _ALL_PERCENT
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrecy

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request, or fail it."""
        is_ours = scope["type"] == "http" and _says(scope, b"user-agent", _OUR_AGENT)
        if not is_ours or self._random.random() >= self._share:
            await self._application(scope, receive, send)
            return
        fault = self._random.choice(list(Fault))
        if fault is Fault.ANSWER_LOST:
            await self._application(scope, receive, _swallow)
        refusal = fault.value
        if fault is Fault.THROTTLED and not _says(scope, b"authorization", "/iot/aws4_request"):
            refusal = _SLOW_DOWN
        await _refuse(send, refusal)


def _says(scope: Any, name: bytes, words: str) -> bool:
    return any(words in text for text in header_values(scope, name))


async def _swallow(_message: Message) -> None:
    """Drop an answer."""


async def _refuse(send: Send, refusal: _Refusal) -> None:
    # This has the code for every AWS protocol: JSON services read the header, the query and S3
    # protocols read the XML, and all of them retry any 5xx.
    body = (
        f"<ErrorResponse><Error><Code>{refusal.code}</Code>"
        f"<Message>{refusal.message}</Message></Error></ErrorResponse>"
    ).encode()
    headers = {"Content-Type": "text/xml", "x-amzn-errortype": refusal.code}
    await send_refusal(send, Refusal(refusal.status, headers, body))

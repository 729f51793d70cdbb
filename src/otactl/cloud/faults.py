"""A layer that lets AWS calls fail, as they do on a bad day: throttled, 5xx, or the answer lost.

Part of a rehearsal (``--faults``): what is to be trusted with a fleet must come through it. Only
calls of otactl's own clients fail; devices and the services inside the local cloud go undisturbed.
The kinds take turns at random from a seed. A lost answer is the nastiest: the call took effect, and
the caller gets an error.
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
    #: The call is carried out; then its answer is replaced by an error.
    ANSWER_LOST = _Refusal(502, "BadGateway", "The answer was lost")


#: How S3 throttles: by a status that a HEAD answer, which has no body, can carry as well. The
#: other services hide the code of a throttled call in bodies of their own protocols; they get
#: this one, too, since what a client must do is the same.
_SLOW_DOWN = _Refusal(503, "SlowDown", "Reduce your request rate")


class FaultLayer:
    """Lets a share of the calls fail.

    Args:
        percent: How many calls of a hundred fail.
        seed: Another seed, other calls.
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
    """Let an answer vanish."""


async def _refuse(send: Send, refusal: _Refusal) -> None:
    # Every protocol of AWS finds its code here: JSON services read the header, the query and S3
    # protocols read the XML, and all of them retry a 5xx whatever it says.
    body = (
        f"<ErrorResponse><Error><Code>{refusal.code}</Code>"
        f"<Message>{refusal.message}</Message></Error></ErrorResponse>"
    ).encode()
    headers = {"Content-Type": "text/xml", "x-amzn-errortype": refusal.code}
    await send_refusal(send, Refusal(refusal.status, headers, body))

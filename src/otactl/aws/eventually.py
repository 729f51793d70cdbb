"""Deletions that AWS refuses for a moment.

What was detached a moment ago may still count as attached: AWS IoT is eventually consistent and
answers DeleteConflictException until it has caught up (botocore ``iot`` DeleteCertificate,
DeletePolicy; DeleteThing answers InvalidRequest while principals are attached).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from botocore.exceptions import ClientError

_ATTEMPTS = 8
_FIRST_WAIT_SECONDS = 0.1
_CATCHING_UP = frozenset({"DeleteConflictException", "InvalidRequestException"})


def eventually(call: Callable[[], object]) -> None:
    """Make a call, again after a while as long as AWS is catching up; about 12 seconds in all.

    Raises:
        ClientError: AWS still refuses, or refuses for another reason.
    """
    wait_seconds = _FIRST_WAIT_SECONDS
    for _ in range(_ATTEMPTS - 1):
        try:
            call()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _CATCHING_UP:
                raise
            time.sleep(wait_seconds)
            wait_seconds *= 2
        else:
            return
    call()

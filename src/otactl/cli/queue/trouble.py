"""What went wrong with a request, told apart by whose trouble it is. Pure.

=============================== ================== ===========================================
what                            whose              what becomes of the request
=============================== ================== ===========================================
refused credentials             the worker's       handed back, and the worker ends
AWS out of reach, no disk       the surroundings'  handed back, tried again after a while
a signal                        nobody's           handed back at once; it is no attempt
a fault of otactl's own         ours               handed back; dead after so many attempts
anything else                   the request's own  Failed, with the reason
=============================== ================== ===========================================
"""

from __future__ import annotations

from otactl.errors import (
    AwsRefused,
    AwsUnreachable,
    CredentialsUnusable,
    Interrupted,
    OtactlError,
)

#: Codes by which AWS refuses what these credentials may not do; another worker's may.
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedException", "403"})
#: How long a request that was handed back waits: half a minute, and four times as long each time,
#: so that three attempts outlast ten minutes without AWS.
_FIRST_PAUSE_MS = 30_000
_PAUSE_FACTOR = 4
_LONGEST_PAUSE_MS = 3_600_000
#: The longest pause is reached before; attempts are counted in the table, so by anybody.
_MAX_FACTORS = 8


class OwnFault(OtactlError):
    """Raised when otactl itself did what it should not have done."""


def refuses_the_worker(error: OtactlError) -> bool:
    """Whether AWS refuses whoever asks; other requests would fare no better."""
    if isinstance(error, CredentialsUnusable):
        return True
    return isinstance(error, AwsRefused) and (error.is_about_credentials or error.code in _DENIED)


def may_pass(error: OtactlError) -> bool:
    """Whether another try, or another worker, may not meet it."""
    return isinstance(error, Interrupted | AwsUnreachable) or refuses_the_worker(error)


def is_attempt(error: OtactlError) -> bool:
    """Whether it counts towards the attempts after which a request is dead.

    A worker that is asked to stop says nothing about its request: a rollout of a week may outlive
    many CI runs of six hours.
    """
    return not isinstance(error, Interrupted)


def hand_back_pause_ms(error: OtactlError, attempt: int) -> int:
    """How long a request that is handed back waits for its next worker.

    Args:
        error: Why it is handed back.
        attempt: Counted from 1.
    """
    if isinstance(error, Interrupted):
        return 0
    return min(
        int(_FIRST_PAUSE_MS * _PAUSE_FACTOR ** min(attempt - 1, _MAX_FACTORS)), _LONGEST_PAUSE_MS
    )


def own_fault(fault: Exception, place: str) -> OwnFault:
    """Our word for an exception that should not have been.

    Args:
        fault: What was raised.
        place: The file that has the traceback.
    """
    return OwnFault(
        f"otactl met a fault of its own: {type(fault).__name__}: {fault}",
        hint=f"{place} says where; please report it",
    )

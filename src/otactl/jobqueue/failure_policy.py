"""What becomes of a request whose deployment did not succeed, by the cause of the error. Pure.

=============================== ================== ===========================================
error                           cause              what becomes of the request
=============================== ================== ===========================================
refused credentials             the worker         released, and the worker ends
AWS unreachable, no disk space  the environment    released, retried after a pause
a signal                        a stop             released at once; it counts as no attempt
an exception of otactl's code   otactl             released; failed after the maximum of attempts
a gate of waves that waits      nobody             left, polled again after a pause
anything else                   the request        Failed, with the reason
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
#: The pause before a released request is retried: half a minute, four times as long each time,
#: so that three attempts outlast ten minutes without AWS.
_FIRST_PAUSE_MS = 30_000
_PAUSE_FACTOR = 4
_LONGEST_PAUSE_MS = 3_600_000
#: The longest pause is reached before; the table counts attempts, and other tools may write there.
_MAX_FACTORS = 8
#: A gate is polled once for N polls of a running job: each visit reads the request anew.
_GATE_POLLS = 6
_VISIT_SHARE = 4


class OwnFault(OtactlError):
    """Raised for an exception that otactl's own code should not have raised."""


def refuses_the_worker(error: OtactlError) -> bool:
    """Whether AWS refuses the worker's credentials, whatever the request."""
    if isinstance(error, CredentialsUnusable):
        return True
    return isinstance(error, AwsRefused) and (error.is_about_credentials or error.code in _DENIED)


def may_pass(error: OtactlError) -> bool:
    """Whether a retry, or another worker, may succeed."""
    return isinstance(error, Interrupted | AwsUnreachable) or refuses_the_worker(error)


def is_attempt(error: OtactlError) -> bool:
    """Whether it counts towards the attempts after which a request is dead.

    A worker that is asked to stop says nothing about its request: a rollout of a week may outlive
    many CI runs of six hours.
    """
    return not isinstance(error, Interrupted)


def release_pause_ms(error: OtactlError, attempt: int) -> int:
    """The milliseconds before another worker may claim a released request, attempts from 1."""
    if isinstance(error, Interrupted):
        return 0
    return min(
        int(_FIRST_PAUSE_MS * _PAUSE_FACTOR ** min(attempt - 1, _MAX_FACTORS)), _LONGEST_PAUSE_MS
    )


def gate_pause_ms(*, visit_ms: int, poll_ms: int, is_filling: bool) -> int:
    """The pause before a request that was left at a gate is polled again, in milliseconds.

    Polling takes at most a fifth of one worker's time, however large the request is. While a thing
    group is being filled a visit goes on at once; the pause lets the worker see to other requests.

    Args:
        visit_ms: How long this visit took.
        poll_ms: From one poll of a running job to the next.
        is_filling: Whether the next wave's group lacks things.
    """
    if is_filling:
        return poll_ms
    return max(_GATE_POLLS * poll_ms, _VISIT_SHARE * visit_ms)


def own_fault(fault: Exception, location: str) -> OwnFault:
    """The error that reports an exception of otactl's own code; its traceback is in a file."""
    return OwnFault(
        f"internal error: {type(fault).__name__}: {fault}",
        hint=f"the traceback is in {location}; please report it",
    )

"""What happens to a request whose deployment did not succeed, by the cause of the error. Pure.

=============================== ================== ===========================================
error                           cause              what happens to the request
=============================== ================== ===========================================
refused credentials             the worker         released, and the worker ends
AWS unreachable, no disk space  the environment    released, retried after a pause
a signal                        a stop             released at once; it counts as no attempt
an exception of otactl's code   otactl             released; failed after the maximum of attempts
a gate of waves that waits      none               left, polled again after a pause
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

#: Error codes for a missing permission; another worker's credentials may have it.
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedException", "403"})
#: The pause before a released request is retried: half a minute, four times as long each time,
#: so that three attempts outlast ten minutes without AWS.
_FIRST_PAUSE_MS = 30_000
_PAUSE_FACTOR = 4
_LONGEST_PAUSE_MS = 3_600_000
#: Limits the exponent: other tools may write any number of attempts into the table.
_MAX_FACTORS = 8
#: A gate is polled once for N polls of a running job: each visit reads the request again.
_GATE_POLLS = 6
_VISIT_SHARE = 4


class InternalError(OtactlError):
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

    A worker that is asked to stop is no fault of its request: a rollout of a week may outlast many
    CI runs of six hours.
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

    Polling takes at most a fifth of one worker's time, for a request of any size. While a thing
    group is being filled the pause is one poll, in which the worker can handle other requests.

    Args:
        visit_ms: How long this visit took.
        poll_ms: The pause between two polls of a running job.
        is_filling: Whether the next wave's group lacks things.
    """
    if is_filling:
        return poll_ms
    return max(_GATE_POLLS * poll_ms, _VISIT_SHARE * visit_ms)


def internal_error(fault: Exception, location: str) -> InternalError:
    """The error that reports an exception of otactl's own code; its traceback is in a file."""
    return InternalError(
        f"internal error: {type(fault).__name__}: {fault}",
        hint=f"the traceback is in {location}; please report it",
    )

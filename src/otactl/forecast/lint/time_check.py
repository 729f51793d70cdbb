"""Time: does a silent thing ever end, and does a slow one get the time it needs?

And delivery: is the image too large for a stream, does a presigned URL expire too soon?
"""

from __future__ import annotations

from collections.abc import Iterator

from otactl.errors.problem import Severity
from otactl.forecast.lint.abort_check import TOLERABLE
from otactl.forecast.lint.finding import Finding, duration, finding, percent
from otactl.forecast.lint.lint_context import LintContext
from otactl.model.status import TargetSelection
from otactl.wire.stream_payload import MAX_FILE_SIZE

_MINUTE_SECONDS = 60
_DAY_MINUTES = 1440
#: Above this multiple of what the slowest things need, a timeout is too long.
_FAR_TOO_LONG = 10
_HALF = 0.5


def check_timeout(context: LintContext) -> Iterator[Finding]:
    """Everything about the timeout."""
    minutes = context.job.in_progress_timeout_minutes
    if minutes is None:
        yield _no_timeout(context)
    else:
        yield from _too_short(context, minutes)
        yield from _too_long(context, minutes)
    yield from _gone_things(context)


def _no_timeout(context: LintContext) -> Finding:
    expected = context.things * context.mean(lambda g: g.silence_rate)
    count = f", about {expected:,.0f} of {context.things:,}," if expected >= 1 else ""
    is_continuous = context.job.target_selection is TargetSelection.CONTINUOUS
    open_ended = "nobody is notified" if is_continuous else "the job never completes"
    return finding(
        "OTA301",
        f"a thing that goes silent after it began{count} stays IN_PROGRESS for ever: "
        f"{open_ended}, and no abort criterion counts it",
        safe=f"inProgressTimeoutInMinutes = {_enough_minutes(context)}",
    )


def _too_short(context: LintContext, minutes: int) -> Iterator[Finding]:
    if context.image_bytes is None:
        return
    late = context.mean(lambda g: context.share_longer(g, minutes * _MINUTE_SECONDS))
    if late < TOLERABLE:
        return
    median = duration(context.working_seconds(0.5))
    yield finding(
        "OTA302",
        f"is shorter than {percent(late)} of healthy things need to download "
        f"{context.image_bytes:,} bytes, install and report; the median one needs {median}",
        safe=f"{_enough_minutes(context)} minutes",
        severity=Severity.ERROR if late >= _HALF else Severity.WARNING,
    )


def _too_long(context: LintContext, minutes: int) -> Iterator[Finding]:
    needed = context.working_seconds(0.999)
    if context.image_bytes is None or minutes < _DAY_MINUTES:
        return
    if minutes * _MINUTE_SECONDS < _FAR_TOO_LONG * needed:
        return
    yield finding(
        "OTA303",
        f"a silent thing is noticed after {duration(minutes * _MINUTE_SECONDS)}; the slowest "
        f"healthy one in a thousand needs {duration(needed)}",
        safe=f"{_enough_minutes(context)} minutes",
        severity=Severity.NOTE,
    )


def _gone_things(context: LintContext) -> Iterator[Finding]:
    """QUEUED executions have no timer at all (aws-facts D)."""
    expected = context.things * context.profile.share_gone
    if expected < 1 or context.job.target_selection is TargetSelection.CONTINUOUS:
        return
    yield finding(
        "OTA304",
        f"about {expected:,.0f} of {context.things:,} things never connect again; nothing "
        "times a QUEUED execution, so the job never completes",
        safe="--max-wait for the command, or cancel the job once the others have finished",
    )


def _enough_minutes(context: LintContext) -> int:
    """Twice what the slowest in a thousand needs, at least an hour, at most seven days."""
    minutes = round(2 * context.working_seconds(0.999) / _MINUTE_SECONDS)
    return min(10_080, max(60, minutes))


_MAX_EXPIRY_SECONDS = 3600


def check_delivery(context: LintContext) -> Iterator[Finding]:
    """Everything about how the image reaches a thing."""
    if context.image_bytes is None:
        return
    if context.job.presigned_url is not None:
        yield from _expires_too_soon(context, context.job.presigned_url.expires_in_seconds)
    elif context.image_bytes > MAX_FILE_SIZE:
        yield finding(
            "OTA502",
            f"the image has {context.image_bytes:,} bytes, and a stream carries "
            f"{MAX_FILE_SIZE:,} at most (24 MB)",
            safe="usePresignedUrlConfig = True, which delivers it over HTTPS",
            severity=Severity.ERROR,
        )


def _expires_too_soon(context: LintContext, expires_in_seconds: int) -> Iterator[Finding]:
    """The URL is made when the thing requests the job, so only the download counts."""
    late = context.mean(lambda g: context.share_downloading_longer(g, expires_in_seconds))
    if late < TOLERABLE:
        return
    needed = round(max(context.download_seconds(g, 0.999) for g in context.profile.group))
    safe = (
        f"expiresInSec = {max(60, needed)}"
        if needed <= _MAX_EXPIRY_SECONDS
        else "a smaller image, or things that ask for the job again when the address expires"
    )
    yield finding(
        "OTA501",
        f"{percent(late)} of the things are still downloading when the address expires after "
        f"{expires_in_seconds} seconds; a range or a retry they ask for then is refused",
        safe=safe,
        severity=Severity.ERROR if late >= _HALF else Severity.WARNING,
    )

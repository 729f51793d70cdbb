"""Delivery: does the image fit its way, and is the way still open when it is taken?"""

from __future__ import annotations

from collections.abc import Iterator

from otactl.errors.problem import Severity
from otactl.forecast.lint.abort_check import TOLERABLE
from otactl.forecast.lint.finding import Finding, finding, percent
from otactl.forecast.lint.lint_context import LintContext
from otactl.wire.stream_payload import MAX_FILE_SIZE

_MAX_EXPIRY_SECONDS = 3600
_HALF = 0.5


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
    """The address is made when the thing asks for the job, so only the download counts."""
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

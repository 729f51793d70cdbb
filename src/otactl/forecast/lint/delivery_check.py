"""Delivery: does the image fit its way, and is the way still open when it is taken?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.errors.problem import Severity
from otactl.forecast.lint.abort_check import TOLERABLE
from otactl.forecast.lint.finding import Finding
from otactl.forecast.lint.words import percent
from otactl.wire.stream_payload import MAX_FILE_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otactl.forecast.lint.subject import Subject

_MAX_EXPIRY_SECONDS = 3600
_HALF = 0.5


def check_delivery(subject: Subject) -> Iterator[Finding]:
    """Everything about how the image reaches a thing."""
    if subject.image_bytes is None:
        return
    if subject.job.presigned_url is not None:
        yield from _expires_too_soon(subject, subject.job.presigned_url.expires_in_seconds)
    elif subject.image_bytes > MAX_FILE_SIZE:
        yield Finding(
            code="OTA502",
            severity=Severity.ERROR,
            section="DEFAULT",
            key="usePresignedUrlConfig",
            message=(
                f"the image has {subject.image_bytes:,} bytes, and a stream carries "
                f"{MAX_FILE_SIZE:,} at most (24 MB)"
            ),
            safe="usePresignedUrlConfig = True, which delivers it over HTTPS",
        )


def _expires_too_soon(subject: Subject, expires_in_seconds: int) -> Iterator[Finding]:
    """The address is made when the thing asks for the job, so only the download counts."""
    late = subject.mean(lambda g: subject.share_downloading_longer(g, expires_in_seconds))
    if late < TOLERABLE:
        return
    needed = round(max(subject.download_seconds(g, 0.999) for g in subject.profile.group))
    safe = (
        f"expiresInSec = {max(60, needed)}"
        if needed <= _MAX_EXPIRY_SECONDS
        else "a smaller image, or things that ask for the job again when the address expires"
    )
    yield Finding(
        code="OTA501",
        severity=Severity.ERROR if late >= _HALF else Severity.WARNING,
        section="PRESIGNED_URL_CONFIG",
        key="expiresInSec",
        message=(
            f"{percent(late)} of the things are still downloading when the address expires after "
            f"{expires_in_seconds} seconds; a range or a retry they ask for then is refused"
        ),
        safe=safe,
    )

"""``[ROLLBACK_CONFIG]``: which image brings each former version back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: Things that are rolled back before the rest is.
FIRST_THINGS = 50
#: Of each wave of a rollback, hundredths of a percent that must succeed.
REQUIRED_SUCCEEDED = 9_500
#: How long after the end of an execution a thing may take to report its version.
REPORT_MS = 60_000
#: The comment of the rejection by which `otactl rollback` stops a deployment that runs.
REJECTION = "otactl rollback"
#: The waves of a rollback. With ``-rb-9`` they fit wherever the wave ``rest`` and ``-rb-99`` do.
FIRST_WAVE, OTHERS_WAVE = "first", "rest"


#: AWS's embedded libraries keep 44 bytes of a stream's name, ``_255`` included (facts G5).
_MAX_STREAM_ID = 40
#: Digits of a rollback's number.
_DIGITS = 2
#: The largest number; the rollbacks of all deployments of a job id share these.
MAX_ROLLBACKS = 10**_DIGITS - 1


def rollback_stream_id(stream_id: str, number: object) -> str:
    """The stream of a rollback, before ``_<fileId>``; ``*`` for the number matches any of them."""
    return f"{stream_id[: _MAX_STREAM_ID - len('-r') - _DIGITS]}-r{number}"


class WithoutFormerImage(StrEnum):
    """What a plan with ``onGateFailure = rollback`` does about a version without an image."""

    REFUSE = "refuse"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackImage:
    """The image of a former version.

    Attributes:
        version: As things report it.
        path: The file.
        offered_as: The version in the job document, for a bootloader that refuses an older
            one than it runs; otherwise the version itself.
    """

    version: str
    path: str
    offered_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """How a deployment is rolled back.

    Attributes:
        images: Used instead of the images that earlier deployments kept.
        keep_image: Whether clean-up leaves this deployment's image in the bucket, claimed.
        open_days: How long a rollback's jobs stay open for things that are offline.
    """

    images: tuple[RollbackImage, ...] = ()
    without_image: WithoutFormerImage = WithoutFormerImage.REFUSE
    keep_image: bool = False
    open_days: int = 30

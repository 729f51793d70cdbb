"""``[VERIFY_CONFIG]``: success is the version that a thing reports after its reboot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otactl.model.thing_state import VersionSource


class VersionVerdict(StrEnum):
    """What became of the version of one thing; the first that fits, in this order."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    VERIFIED = "verified"
    #: The execution failed, and the new version runs all the same.
    FAILED_BUT_NEW = "failed but new"
    #: It reports its former version after SUCCEEDED.
    OLD = "old"
    #: Nothing reported since, and not connected: perhaps a brick.
    SILENT = "silent"
    #: It reported the new version, and was gone at two polls after that.
    DARK = "dark"
    #: It booted more often than an update takes.
    FLAPPING = "flapping"
    #: Connected, and nothing reported.
    NO_WORD = "no word"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRule:
    """How a version is verified.

    Attributes:
        expected_version: What a thing must report.
        verify_ms: From SUCCEEDED, the time that a thing has to report.
        dark_ms: Between the two polls that make a thing *dark*.
        keep_alive_seconds: After 1.5 times this, AWS notices that a thing has gone.
        maximum_boots: More since the job began are *flapping*.
    """

    source: VersionSource
    expected_version: str
    verify_ms: int
    dark_ms: int = 600_000
    keep_alive_seconds: int = 1_200
    maximum_boots: int = 2

"""A device's reports to the service: the status, and details that the monitor reads.

Keys of ``statusDetails``: ``step``, ``receivedBlocks``, ``totalBlocks`` while it works;
``downloadTime`` (seconds), ``retryCount`` (requests sent again), ``reason``, ``sha256`` (of the
bytes in the slot) at the end. At most 10 pairs of values of 128 characters (aws-facts E1).
A reason is a short sentence without numbers, so that a monitor can count equal ones together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from otactl.device.state import Phase
from otactl.model.status import ExecutionStatus

STEP = "step"
RECEIVED_BLOCKS = "receivedBlocks"
TOTAL_BLOCKS = "totalBlocks"
DOWNLOAD_TIME = "downloadTime"
RETRY_COUNT = "retryCount"
REASON = "reason"
SHA256 = "sha256"


@dataclass(frozen=True, slots=True)
class Report:
    """One update of an execution."""

    status: ExecutionStatus
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether it ends the execution."""
        return self.status.is_terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadCounts:
    """The counts of a download, so far or in total."""

    received_blocks: int
    total_blocks: int
    retries: int
    duration_ms: int


def progress_report(phase: Phase, counts: DownloadCounts) -> Report:
    """A progress report."""
    return Report(
        ExecutionStatus.IN_PROGRESS,
        {
            STEP: phase.value,
            RECEIVED_BLOCKS: str(counts.received_blocks),
            TOTAL_BLOCKS: str(counts.total_blocks),
            RETRY_COUNT: str(counts.retries),
        },
    )


def final_report(
    status: ExecutionStatus,
    phase: Phase,
    *,
    reason: str | None = None,
    counts: DownloadCounts | None = None,
    sha256: str | None = None,
) -> Report:
    """The verdict.

    Args:
        status: SUCCEEDED, FAILED or REJECTED.
        phase: The phase in which the work ended; reported together with the reason.
        reason: Why it did not succeed.
        counts: Of the download; None if it never began: a download time of 0 would lower the
            fleet's median.
        sha256: Of the bytes in the slot, once they were verified.
    """
    details: dict[str, str] = {}
    if reason is not None:
        details |= {STEP: phase.value, REASON: reason}
    if counts is not None:
        details |= {DOWNLOAD_TIME: seconds(counts.duration_ms), RETRY_COUNT: str(counts.retries)}
    if sha256 is not None:
        details[SHA256] = sha256
    return Report(status, details)


def seconds(duration_ms: int) -> str:
    """A duration in seconds, to the millisecond, as the metrics read it."""
    return f"{duration_ms / 1000:.3f}".rstrip("0").rstrip(".")


# From aws/ota-for-aws-iot-embedded-sdk ``source/ota_mqtt.c``: during the download ``receive`` is
# received blocks / all blocks; ``self_test`` is ``ready`` before the reboot and ``active`` after
# it, with ``updatedBy``, the version of the reporting firmware, as 8 hex digits; the verdict has a
# ``reason``, ``accepted`` on success. The agent sends no digest and no download time; we add
# ``sha256`` to the verdict, so that a rehearsal can prove what was installed.

RECEIVE = "receive"
SELF_TEST = "self_test"
UPDATED_BY = "updatedBy"
ACCEPTED = "accepted"
#: ``AppVersion32_t`` of version 1.0.0, which every virtual device reports.
_VERSION = "0x01000000"
_SELF_TEST_STATES = {Phase.INSTALLING: "ready", Phase.SELF_TESTING: "active"}


def agent_progress(phase: Phase, counts: DownloadCounts) -> Report | None:
    """A progress report; None in a phase in which the agent sends none."""
    if phase in (Phase.DOWNLOADING, Phase.VERIFYING):
        details = {RECEIVE: f"{counts.received_blocks}/{counts.total_blocks}"}
    elif phase in _SELF_TEST_STATES:
        details = {SELF_TEST: _SELF_TEST_STATES[phase], UPDATED_BY: _VERSION}
    else:
        return None
    return Report(ExecutionStatus.IN_PROGRESS, details)


def agent_verdict(
    status: ExecutionStatus, *, reason: str | None = None, sha256: str | None = None
) -> Report:
    """The verdict; the arguments are those of ``final_report`` that the agent reports."""
    details = {REASON: reason or ACCEPTED}
    if status is ExecutionStatus.SUCCEEDED:
        details[UPDATED_BY] = _VERSION
    if sha256 is not None:
        details[SHA256] = sha256
    return Report(status, details)

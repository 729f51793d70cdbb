"""What a device is doing, from the status details of either dialect.

otactl's devices report ``step``, ``receivedBlocks``, ``totalBlocks`` and ``downloadTime``. Those
with a FreeRTOS OTA agent report ``receive`` as ``64/300``, then ``self_test`` (``ready`` before
their reboot, ``active`` after it) with ``updatedBy``, and no time. Their download is measured from
the start of the execution to the report that it is complete. If only the end is known, the whole
execution is the upper bound, reboot and self-test included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from otactl.model.status import ExecutionStatus

#: A longer reported download, 31 years, is ignored.
LONGEST_DOWNLOAD_SECONDS = 1e9
#: No image has a billion blocks.
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_RECEIVE = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)
_SELF_TEST = {"ready": "rebooting", "active": "testing"}


@dataclass(frozen=True, slots=True)
class DeviceProgress:
    """What a device is doing.

    Attributes:
        step: ``downloading`` and so on; empty if not reported.
        received_blocks, total_blocks: Of the download; None if not reported.
    """

    step: str = ""
    received_blocks: int | None = None
    total_blocks: int | None = None

    @property
    def words(self) -> str:
        """The step with the blocks: ``downloading 64/300``."""
        if self.received_blocks is None or self.total_blocks is None:
            return self.step
        return f"{self.step} {self.received_blocks}/{self.total_blocks}".strip()


def progress_of(details: Mapping[str, str]) -> DeviceProgress:
    """What a device reports. The details are untrusted input."""
    received, total = _count(details, "receivedBlocks"), _count(details, "totalBlocks")
    step = details.get("step", "")
    if not step and (state := details.get("self_test")):
        return DeviceProgress(_SELF_TEST.get(state, f"self-test {state}"))
    if blocks := _RECEIVE.fullmatch(details.get("receive", "")):
        received, total = int(blocks[1]), int(blocks[2])
        step = step or "downloading"
    return DeviceProgress(step, received, total)


def download_seconds_of(
    details: Mapping[str, str],
    status: ExecutionStatus,
    started_ms: int | None,
    updated_ms: int | None,
) -> float | None:
    """How long the download took; None if that is unknown or implausible."""
    if "downloadTime" in details:
        try:
            seconds = float(details["downloadTime"])
        except ValueError:
            return None
        return seconds if 0 <= seconds <= LONGEST_DOWNLOAD_SECONDS else None
    if started_ms is None or updated_ms is None or not _has_downloaded(details, status):
        return None
    return max(0, updated_ms - started_ms) / 1000


def _has_downloaded(details: Mapping[str, str], status: ExecutionStatus) -> bool:
    """Whether the download was complete at the time of an agent's report."""
    if status is ExecutionStatus.SUCCEEDED:
        return "updatedBy" in details
    progress = progress_of(details)
    is_complete = "receive" in details and progress.received_blocks == progress.total_blocks
    return details.get("self_test") == "ready" or is_complete


def _count(details: Mapping[str, str], key: str) -> int | None:
    text = details.get(key, "")
    return int(text) if _COUNT.fullmatch(text) else None

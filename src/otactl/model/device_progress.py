"""What a device is doing, from the status details of either dialect.

otactl's devices report ``step``, ``receivedBlocks``, ``totalBlocks`` and ``downloadTime``. Those
with a FreeRTOS OTA agent report ``receive`` as ``64/300``, then ``self_test`` (``ready`` before
their reboot, ``active`` after it) with ``updatedBy``, and no time: of them the download took from
the start of the execution to the report that it is complete. When only the end is known, it took
the whole execution at most, reboot and self-test included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from otactl.model.status import ExecutionStatus

#: A download of more seconds than this, 31 years, was not measured.
LONGEST_DOWNLOAD_SECONDS = 1e9
#: No image has a billion blocks.
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_RECEIVE = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)
_SELF_TEST = {"ready": "rebooting", "active": "testing"}


@dataclass(frozen=True, slots=True)
class DeviceProgress:
    """What a device is doing.

    Attributes:
        step: ``downloading`` and so on; empty when it does not say.
        received_blocks, total_blocks: Of the download; None when it does not say.
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
    """What a device says it does. The details are not trusted."""
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
    """How long the download took, when what is known is worth believing."""
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
    """Whether an agent's report, by its time, says how long the download took at most."""
    if status is ExecutionStatus.SUCCEEDED:
        return "updatedBy" in details
    progress = progress_of(details)
    is_complete = "receive" in details and progress.received_blocks == progress.total_blocks
    return details.get("self_test") == "ready" or is_complete


def _count(details: Mapping[str, str], key: str) -> int | None:
    text = details.get(key, "")
    return int(text) if _COUNT.fullmatch(text) else None

"""What a device with a FreeRTOS OTA agent tells the service, in that agent's own keys.

Read in aws/ota-for-aws-iot-embedded-sdk ``source/ota_mqtt.c``: ``receive`` is blocks received of
all blocks while it downloads; ``self_test`` is ``ready`` before the reboot and ``active`` after it,
with ``updatedBy``, the version of the firmware that reports, as 8 hex digits; the end has a
``reason``, ``accepted`` if it went well. The agent sends no digest and no download time; the
``sha256`` at the end is ours, so that a rehearsal can prove what was installed.
"""

from __future__ import annotations

from otactl.device.report import REASON, SHA256, DownloadCounts, Report
from otactl.device.state import Phase
from otactl.model.status import ExecutionStatus

RECEIVE = "receive"
SELF_TEST = "self_test"
UPDATED_BY = "updatedBy"
ACCEPTED = "accepted"
#: ``AppVersion32_t`` of version 1.0.0, which every virtual device claims to run.
_VERSION = "0x01000000"
_SELF_TEST_STATES = {Phase.INSTALLING: "ready", Phase.SELF_TESTING: "active"}


def agent_progress(phase: Phase, counts: DownloadCounts) -> Report | None:
    """A report that the work goes on; None where the agent has none to send."""
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
    """The verdict. Takes of ``final_report``'s arguments what the agent tells."""
    details = {REASON: reason or ACCEPTED}
    if status is ExecutionStatus.SUCCEEDED:
        details[UPDATED_BY] = _VERSION
    if sha256 is not None:
        details[SHA256] = sha256
    return Report(status, details)

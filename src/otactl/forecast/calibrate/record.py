"""Reads the executions of a past deployment from a report.

The JSON, of which a report may have more:

    {
      "imageBytes": 1048576,
      "executions": [
        {
          "thing": "sensor-1", "status": "SUCCEEDED", "executionNumber": 1,
          "queuedAt": 1796000000000, "startedAt": 1796000002100, "lastUpdatedAt": 1796000031000,
          "statusDetails": {"downloadTime": "12.4", "retryCount": "0"}
        }
      ]
    }

Times are epoch milliseconds. ``startedAt`` is null if it never started. Every attempt is an
execution of its own; a list of last attempts only hides failures before a successful retry.
``round`` is the round of the deployment; ``running`` says that the deployment was not over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from otactl.errors import UserMistake
from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus

#: The year 9999, the last a date can show, in epoch milliseconds.
_LATEST_MS = 253_402_300_799_999
#: AWS's integers (32 bits, signed).
_MOST = 2**31 - 1
#: The maximum size of a stored object (S3), in bytes.
_LARGEST_IMAGE = 5 * 1024**4


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord(ThingOutcome):
    """One past execution; its download time is the device's, or computed from its reports.

    Attributes:
        round: The round of the deployment; a thing has other executions in each.
    """

    round: int = 1
    queued_at_ms: int

    @property
    def start_delay_seconds(self) -> float | None:
        """From the notification to the start."""
        if self.started_at_ms is None:
            return None
        return max(0, self.started_at_ms - self.queued_at_ms) / 1000

    @property
    def working_seconds(self) -> float | None:
        """From the start to the last update."""
        if self.started_at_ms is None or self.updated_at_ms is None:
            return None
        return max(0, self.updated_at_ms - self.started_at_ms) / 1000

    @property
    def measured_download(self) -> bool:
        """Whether the device measured its download time itself."""
        return "downloadTime" in self.status_details


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDeployment:
    """Past executions, and their image.

    Attributes:
        is_running: Whether the job was not over when the report was written.
        undated: Number of executions left out because they have no ``queuedAt``.
    """

    executions: tuple[ExecutionRecord, ...]
    image_bytes: int | None = None
    is_running: bool = False
    undated: int = 0


def parse_report(text: str, *, file_name: str) -> PastDeployment:
    """Read the JSON of a report.

    Raises:
        UserMistake: It is not such JSON; the message says where.
    """
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise UserMistake(f"{file_name} is not JSON: {error}") from error
    except RecursionError as error:
        raise UserMistake(f"{file_name} is not JSON: it nests too deeply") from error
    listed = fields.get("executions") if isinstance(fields, dict) else fields
    if not isinstance(listed, list):
        raise UserMistake(
            f"{file_name} has no list of executions",
            hint="give the JSON that `otactl report --output json` writes",
        )
    report = fields if isinstance(fields, dict) else {}
    image_bytes = report.get("imageBytes")
    dated = [
        _record(item, f"{file_name}: executions[{location}]")
        for location, item in enumerate(listed)
        if not (isinstance(item, dict) and item.get("queuedAt") is None)
    ]
    return PastDeployment(
        executions=tuple(dated),
        image_bytes=image_bytes
        if isinstance(image_bytes, int) and 0 < image_bytes <= _LARGEST_IMAGE
        else None,
        is_running=report.get("running") is True,
        undated=len(listed) - len(dated),
    )


def _record(fields: Any, where: str) -> ExecutionRecord:
    if not isinstance(fields, dict):
        raise UserMistake(f"{where} is not an object")
    try:
        status = ExecutionStatus(fields["status"])
        thing = str(fields["thing"])
    except KeyError as error:
        raise UserMistake(f"{where} has no {error}") from error
    except ValueError as error:
        raise UserMistake(f"{where}: {error}") from error
    details = fields.get("statusDetails") or {}
    return ExecutionRecord(
        round=_number(fields.get("round", 1), where, "round"),
        thing_name=thing,
        status=status,
        execution_number=_number(fields.get("executionNumber", 1), where, "executionNumber"),
        queued_at_ms=_time(fields, "queuedAt", where) or 0,
        started_at_ms=_time(fields, "startedAt", where),
        updated_at_ms=_time(fields, "lastUpdatedAt", where),
        status_details={str(key): str(value) for key, value in details.items()}
        if isinstance(details, dict)
        else {},
    )


def _time(fields: dict[str, Any], key: str, where: str) -> int | None:
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST_MS:
        return round(value)
    raise UserMistake(f"{where}: {key} must be epoch milliseconds, found {str(value)[:80]}")


def _number(value: Any, where: str, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        raise UserMistake(f"{where}: {key} must be 1 to {_MOST}, found {str(value)[:80]}")
    return value

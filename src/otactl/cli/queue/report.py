"""What is told about requests: as fields for scripts, as a table for people, as a file for CI."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from otactl.errors import LocalResourceMissing
from otactl.jobqueue.order import job_id_of
from otactl.jobqueue.request import JobRequest, MalformedRequest
from otactl.jobqueue.schedule import WaitReason
from otactl.model.quoting import printable
from otactl.operations.text_file import write_atomically
from otactl.views.foreign_text import clean, clean_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from otactl.jobqueue.schedule import Wait

_WAITS = {
    WaitReason.TIME: "its time has not come",
    WaitReason.DEPENDENCY: "comes after {on}",
    WaitReason.HELD: "held: {on} has not succeeded and does not run",
    WaitReason.OVERLAP: "has things of {on}",
}


def request_fields(request: JobRequest | MalformedRequest) -> dict[str, Any]:
    """A request as ``--output json`` shows it."""
    if isinstance(request, MalformedRequest):
        return {
            "jobId": None,
            "timestamp": request.order_key,
            "state": request.state.value,
            "failure": {"kind": "refused", "reason": request.reason},
        }
    return {
        "jobId": request.job_id,
        "timestamp": request.order_key,
        "state": request.state.value,
        "priority": request.priority.value,
        "addedAt": iso(request.added_ms),
        "notBefore": iso(request.not_before_ms),
        "after": [job_id_of(key) for key in request.after],
        "series": None
        if request.series is None
        else {
            "name": request.series.name,
            "part": request.series.part,
            "parts": request.series.parts,
        },
        "targets": None if request.targets is None else request.targets.count,
        "bucket": request.bucket,
        "files": {file.name: file.sha256 for file in request.files},
        "awsJobId": request.aws_job_id,
        "deploymentId": request.deployment_id,
        "run": request.run,
        "attempt": request.attempt,
        "fence": request.fence,
        "owner": request.lease.owner if request.lease else None,
        "leaseUntil": iso(request.lease.until_ms) if request.lease else None,
        "lastTrouble": request.last_trouble or None,
        "outcome": None
        if request.outcome is None
        else {
            "things": request.outcome.things,
            "succeeded": request.outcome.succeeded,
            "rounds": request.outcome.rounds,
        },
        "failure": None
        if request.failure is None
        else {
            "kind": request.failure.kind.value,
            "reason": request.failure.reason,
            "exitCode": request.failure.exit_code,
        },
        "endedAt": iso(request.ended_ms),
    }


def wait_text(wait: Wait) -> str:
    """Why a request waits, for people."""
    return _WAITS[wait.reason].format(on=wait.on)


def request_lines(rows: Sequence[tuple[JobRequest | MalformedRequest, str]]) -> Text:
    """Requests, one a line, and below each what is to be said of it.

    A request's id is copied into the next command, so it is never folded.
    """
    told = [
        (_cells(request), request.reason if isinstance(request, MalformedRequest) else remark)
        for request, remark in rows
    ]
    cells = [("request", "state", "targets"), *(row for row, _ in told)]
    wide, state_wide, count_wide = (max(map(len, column)) for column in zip(*cells, strict=True))
    lines = [f"{name:{wide}}  {state:{state_wide}}  {n:>{count_wide}}" for name, state, n in cells]
    text = Text()
    text.append(lines[0], style="bold")
    for line, (_, said) in zip(lines[1:], told, strict=True):
        text.append(f"\n{line}")
        if said:
            text.append(f"\n    {clean(said)}", style="dim")
    return text


def field_lines(fields: Mapping[str, Any]) -> list[str]:
    """A request's fields for people: what is empty is left out, what is nested stands below."""
    lines = []
    for name, value in fields.items():
        if value in (None, [], {}):
            continue
        nested = value if isinstance(value, dict) else {}
        told = ", ".join(value) if isinstance(value, list) else "" if nested else value
        lines.append(clean_lines(f"{name:14} {told}".rstrip(), " " * 15))
        wide = max(map(len, nested), default=0)
        told_below = {key: each for key, each in nested.items() if each is not None}
        lines += [
            clean_lines(f"    {key:{wide}}  {each}", " " * 8) for key, each in told_below.items()
        ]
    return lines


def _cells(request: JobRequest | MalformedRequest) -> tuple[str, str, str]:
    if isinstance(request, MalformedRequest):
        return printable(request.order_key), request.state.value, ""
    count = "" if request.targets is None else f"{request.targets.count:,}"
    return request.job_id, request.state.value, count


def write_report(folder: Path, name: str, fields: Mapping[str, Any]) -> Path:
    """Keep a report as a file of its own.

    Raises:
        LocalResourceMissing: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalResourceMissing(f"cannot make {folder}: {error.strerror}") from error
    path = folder / f"{name}.json"
    write_atomically(path, json.dumps(dict(fields), indent=2, ensure_ascii=False) + "\n")
    return path


def iso(moment_ms: int | None) -> str | None:
    """A time for people and scripts alike, UTC."""
    if moment_ms is None:
        return None
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

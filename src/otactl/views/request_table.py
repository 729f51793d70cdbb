"""Requests of the queue as text: a table, and all fields of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from otactl.jobqueue.request import JobRequest, Lease, MalformedRequest
from otactl.jobqueue.schedule import Wait, WaitReason
from otactl.model.quoting import printable
from otactl.operations.queue.request_fields import iso
from otactl.views.foreign_text import clean, clean_lines
from otactl.views.wording import duration

_HEADS = ("request", "state", "targets", "image", "version", "age", "worker")
_WAITS = {
    WaitReason.TIME: "its start time is later",
    WaitReason.DEPENDENCY: "comes after {on}",
    WaitReason.HELD: "held: {on} has not succeeded and does not run",
    WaitReason.OVERLAP: "has things in common with {on}",
}


def remark(request: JobRequest | MalformedRequest, wait: Wait | None, now_ms: int) -> str:
    """The remark on a request, for people."""
    if isinstance(request, MalformedRequest):
        return request.reason
    if wait is not None:
        return _WAITS[wait.reason].format(on=wait.on)
    if request.failure is not None:
        return f"{request.failure.kind}: {request.failure.reason}"
    if request.outcome is not None:
        missed = request.outcome.not_succeeded
        words = f"{request.outcome.succeeded:,} of {request.outcome.things:,} things"
        return f"{words}; {missed:,} did not succeed" if missed else words
    return "" if request.lease is None else _lease_words(request, request.lease, now_ms)


def _lease_words(request: JobRequest, lease: Lease, now_ms: int) -> str:
    is_over, until = lease.until_ms <= now_ms, iso(lease.until_ms)
    if request.is_at_gate:
        return gate_words(request, now_ms)
    whose = f"{lease.owner}, attempt {request.attempt}"
    return f"lease expired: {whose}" if is_over else f"{whose}, lease until {until}"


def gate_words(request: JobRequest, now_ms: int) -> str:
    """The status of the gate that a request waits at, how to decide, and the next poll."""
    said = [request.gate]
    if request.gate_asks:
        name = request.job_id
        said.append(f"`otactl queue approve {name}` or `otactl queue reject {name}` decides")
    if request.gate_until_ms is not None:
        said.append(f"so until {iso(request.gate_until_ms)} if nothing happens")
    until_ms = request.lease.until_ms if request.lease else 0
    said.append(f"polled again at {iso(until_ms)}" if until_ms > now_ms else "to be polled now")
    return "; ".join(said)


def request_lines(rows: Sequence[tuple[JobRequest | MalformedRequest, str]], now_ms: int) -> Text:
    """Requests, one a line, and below each its remark.

    A request's id is copied into the next command, so it is never folded.
    """
    reported = [
        (_cells(each, now_ms), each.reason if isinstance(each, MalformedRequest) else remark)
        for each, remark in rows
    ]
    cells = [_HEADS, *(row for row, _ in reported)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            f"{cell:>{width}}" if head == "targets" else f"{cell:{width}}"
            for head, cell, width in zip(_HEADS, row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]
    text = Text()
    text.append(lines[0], style="bold")
    for line, (_, said) in zip(lines[1:], reported, strict=True):
        text.append(f"\n{line}")
        if said:
            text.append(f"\n    {clean(said)}", style="dim")
    return text


def field_lines(fields: Mapping[str, Any]) -> list[str]:
    """A request's fields for people: empty ones are left out, nested ones follow indented."""
    lines = []
    for name, value in fields.items():
        if value in (None, [], {}):
            continue
        nested = value if isinstance(value, dict) else {}
        reported = ", ".join(value) if isinstance(value, list) else "" if nested else value
        lines.append(clean_lines(f"{name:14} {reported}".rstrip(), " " * 15))
        wide = max(map(len, nested), default=0)
        named_below = {key: each for key, each in nested.items() if each is not None}
        lines += [
            clean_lines(f"    {key:{wide}}  {each}", " " * 8) for key, each in named_below.items()
        ]
    return lines


def _cells(request: JobRequest | MalformedRequest, now_ms: int) -> tuple[str, ...]:
    if isinstance(request, MalformedRequest):
        return printable(request.order_key), request.state.value, "", "", "", "", ""
    count = "" if request.targets is None else f"{request.targets.count:,}"
    age = "" if request.added_ms is None else duration((now_ms - request.added_ms) / 1000)
    worker = "" if request.lease is None else request.lease.owner
    image, version = clean(request.image.name), clean(request.image_version)
    return request.job_id, request.state.value, count, image, version, age, clean(worker)

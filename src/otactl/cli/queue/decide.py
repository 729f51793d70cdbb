"""``otactl queue approve``, ``reject``, ``pause`` and ``continue``: what people say at gates."""

from __future__ import annotations

import time

from otactl.cli.decide import CommentOption, WaveOption, print_decision
from otactl.cli.options import OutputFormat, OutputOption
from otactl.cli.queue.options import DEFAULT_QUEUE, QueueLocation, RequestArgument, queued


@queued
def approve(
    request: RequestArgument,
    wave: WaveOption = None,
    comment: CommentOption = "",
    queue: QueueLocation = DEFAULT_QUEUE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Let the next wave of a request begin, when its gate asks for a person."""
    _decide("approve", request, queue, output, comment, wave)


@queued
def reject(
    request: RequestArgument,
    comment: CommentOption = "",
    queue: QueueLocation = DEFAULT_QUEUE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Stop a request that is deployed in waves: every open job of it is cancelled."""
    _decide("reject", request, queue, output, comment)


@queued
def pause(
    request: RequestArgument,
    comment: CommentOption = "",
    queue: QueueLocation = DEFAULT_QUEUE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Let no further wave of a request begin until `otactl queue continue`."""
    _decide("pause", request, queue, output, comment)


@queued
def continue_(
    request: RequestArgument,
    comment: CommentOption = "",
    queue: QueueLocation = DEFAULT_QUEUE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Take a pause of a request back."""
    _decide("continue", request, queue, output, comment)


def _decide(
    act: str,
    request: str,
    queue: QueueLocation,
    output: OutputFormat,
    comment: str,
    wave: str | None = None,
) -> None:
    from otactl.model.wave import Act
    from otactl.operations.queue.change import decide_request

    now_ms = time.time_ns() // 1_000_000
    decision = decide_request(
        queue.session(), request, Act(act), now_ms=now_ms, wave=wave, comment=comment
    )
    print_decision({"request": request}, decision, output, "the next poll of its gate acts on it")

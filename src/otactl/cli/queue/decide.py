"""``otactl queue approve``, ``reject``, ``pause`` and ``continue``: what people say at gates."""

from __future__ import annotations

import time
from collections.abc import Callable

from otactl.cli import options
from otactl.cli.decide import CommentOption, WaveOption, print_decision
from otactl.cli.option_group import grouped
from otactl.cli.queue.options import Queue, QueueLocation, Request


@grouped
def approve(
    request: Request,
    wave: WaveOption = None,
    comment: CommentOption = "",
    *,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Let the next wave of a request begin, when its gate asks for a person."""
    _decide("approve", request, queue, output, comment, wave)


def _command(act: str, about: str) -> Callable[..., None]:
    """The command that says this about a request, whichever wave it is at."""

    @grouped
    def decide(
        request: Request,
        comment: CommentOption = "",
        *,
        queue: Queue,
        output: options.Output = options.TEXT,
    ) -> None:
        _decide(act, request, queue, output, comment)

    decide.__doc__ = about
    return decide


reject = _command(
    "reject", "Stop a request that is deployed in waves: every open job of it is cancelled."
)
pause = _command("pause", "Let no further wave of a request begin until `otactl queue continue`.")
continue_ = _command("continue", "Take a pause of a request back.")


def _decide(
    act: str,
    request: str,
    queue: QueueLocation,
    output: options.OutputFormat,
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

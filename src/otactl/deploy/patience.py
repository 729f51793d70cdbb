"""A lost network pauses a deployment; it does not end it.

Botocore retries single calls within their budget. When that is spent and AWS still cannot be
reached, whoever waits here tries again, less and less often, until the patience is over.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, TypeVar

from otactl.errors import AwsUnreachable
from otactl.rules.backoff import PATIENCE_SECONDS, pause_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.deploy.ports import Clock

R = TypeVar("R")


def persist(
    act: Callable[[], R],
    clock: Clock,
    *,
    on_pause: Callable[[str, float], None],
    patience_seconds: float = PATIENCE_SECONDS,
) -> R:
    """Do it, and do it again while AWS cannot be reached.

    Raises:
        AwsUnreachable: The patience is over.
        Interrupted: The user asked to stop during a pause.
    """
    give_up_at = clock.now_ms() + int(patience_seconds * 1000)
    for failures in count(1):
        try:
            return act()
        except AwsUnreachable as error:
            pause = pause_seconds(failures)
            if clock.now_ms() + pause * 1000 > give_up_at:
                raise
            on_pause(str(error), pause)
        clock.sleep(pause)
    raise AssertionError("counting never ends")

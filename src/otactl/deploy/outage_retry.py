"""A lost network pauses a deployment; it does not end it.

Botocore retries single calls within their budget. When that is spent and AWS still cannot be
reached, a step is tried again, less and less often, until AWS has been out of reach for too long.
That is counted from the first failure since AWS last answered, not from the start of the step: a
step may watch a rollout for days before the network is lost for a moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from otactl.errors import AwsRefused, AwsUnreachable, CredentialsUnusable, OtactlError
from otactl.model.clock import Clock
from otactl.rules.backoff import MAX_UNREACHABLE_SECONDS, pause_seconds

R = TypeVar("R")


class OutageRetry:
    """Tries one act again while AWS cannot be reached.

    Args:
        clock: Time.
        on_pause: Called with why and for how many seconds, before each pause.
        max_unreachable_seconds: How long AWS may be out of reach.
    """

    def __init__(
        self,
        clock: Clock,
        on_pause: Callable[[str, float], None],
        *,
        max_unreachable_seconds: float = MAX_UNREACHABLE_SECONDS,
    ) -> None:
        self._clock = clock
        self._on_pause = on_pause
        self._max_unreachable_ms = int(max_unreachable_seconds * 1000)
        self._failures = 0
        self._failing_since_ms = 0

    def answered(self) -> None:
        """AWS has answered: the outage, if there was one, is over."""
        self._failures = 0

    def retry_unreachable(self, act: Callable[[], R]) -> R:
        """Do it, and do it again while AWS cannot be reached.

        Raises:
            AwsUnreachable: AWS was out of reach for too long.
            Interrupted: The user asked to stop during a pause.
        """
        while True:
            try:
                return act()
            except AwsUnreachable as error:
                self._fail(error)

    def _fail(self, error: AwsUnreachable) -> None:
        now_ms = self._clock.monotonic_ms()
        self._failures += 1
        if self._failures == 1:
            self._failing_since_ms = now_ms
        pause = pause_seconds(self._failures)
        if now_ms + pause * 1000 > self._failing_since_ms + self._max_unreachable_ms:
            raise error
        self._on_pause(str(error), pause)
        self._clock.sleep(pause)


def passes(error: OtactlError) -> bool:
    """Whether the error passes by itself, or when the user signs in again."""
    if isinstance(error, AwsUnreachable | CredentialsUnusable):
        return True
    return isinstance(error, AwsRefused) and error.may_be_about_credentials

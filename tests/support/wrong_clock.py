"""A host whose clock is wrong: what took place by AWS's clock must not be dated by it."""

from __future__ import annotations

from typing import Any


class WrongClock:
    """Shows another time than the clock it wraps; a span of it takes as long."""

    def __init__(self, clock: Any, ahead_ms: int) -> None:
        self._clock, self._ahead_ms = clock, ahead_ms

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._ahead_ms

    def renewed(self) -> WrongClock:
        return self

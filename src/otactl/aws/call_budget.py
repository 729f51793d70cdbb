"""A budget of requests: what would go beyond it is not sent.

Requests are counted where they leave (``CallCounter``), retries included, so nothing that uses the
clients can spend more. A part of the budget, and of the time, is kept for removing what was made:
``open_reserve`` releases it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from otactl.aws.clients import CallCounter
from otactl.errors import OtactlError


class BudgetSpent(OtactlError):
    """Raised when the next request would be one too many, or come too late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much may be spent.

    Attributes:
        calls: Requests in all, of which ``reserved_calls`` are for the removal alone.
        seconds: In all, of which ``reserved_seconds`` are for the removal alone.
        created: How many of some things may come to be, by the operation that creates one.
    """

    calls: int
    reserved_calls: int
    seconds: float
    reserved_seconds: float
    created: Mapping[str, int] = field(default_factory=dict)


class BudgetedCounter(CallCounter):
    """Counts requests and refuses those that the budget does not allow.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._budget = budget
        self._clock = clock
        self._began = clock()
        self._is_removal = False
        self._created = dict.fromkeys(budget.created, 0)
        self.on_answer = self._answered

    def open_reserve(self) -> None:
        """From now on what is kept for the removal may be spent."""
        self._is_removal = True

    @property
    def seconds_left(self) -> float:
        """Until the budget of time is spent, not counting what is kept for the removal."""
        kept = 0 if self._is_removal else self._budget.reserved_seconds
        return self._budget.seconds - kept - (self._clock() - self._began)

    @property
    def seconds_spent(self) -> float:
        """Since the counter was made."""
        return self._clock() - self._began

    def count(self, name: str) -> None:
        """Count one request, or refuse it.

        Raises:
            BudgetSpent: It is one too many, or too late.
        """
        with self._lock:
            kept = 0 if self._is_removal else self._budget.reserved_calls
            if self._counts.total() >= self._budget.calls - kept:
                raise BudgetSpent(f"{name} would exceed {self._budget.calls} API calls in all")
            if self.seconds_left <= 0:
                raise BudgetSpent(f"{name} would come after {self._budget.seconds:g} seconds")
            if name in self._created:
                if self._created[name] >= self._budget.created[name]:
                    raise BudgetSpent(f"{name} was called {self._created[name]} times already")
                self._created[name] += 1
            self._counts[name] += 1

    def _answered(self, name: str, status: int | None, code: str) -> None:  # noqa: ARG002
        """What was refused created nothing; no answer may have."""
        if name in self._created and status is not None and 400 <= status < 500:  # noqa: PLR2004
            with self._lock:
                self._created[name] -= 1

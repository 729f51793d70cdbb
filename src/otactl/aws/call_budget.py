"""A budget of requests: a request that would exceed it is not sent.

Requests are counted when they are sent (``CallCounter``), retries included, so no user of the
clients can exceed it. A part of the calls and of the time is reserved for the cleanup:
``open_reserve`` releases it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from otactl.aws.clients import CallCounter
from otactl.errors import OtactlError


class BudgetSpent(OtactlError):
    """Raised when the next request would exceed the budget of calls or of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The limits.

    Attributes:
        calls: Requests in total, of which ``reserved_calls`` are for the cleanup only.
        seconds: In total, of which ``reserved_seconds`` are for the cleanup only.
        created: Maximum number of resources created, by operation.
    """

    calls: int
    reserved_calls: int
    seconds: float
    reserved_seconds: float
    created: Mapping[str, int] = field(default_factory=dict)


class BudgetedCounter(CallCounter):
    """Counts requests and refuses those beyond the budget.

    Args:
        clock: A monotonic clock, seconds.
    """

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._budget = budget
        self._clock = clock
        self._began = clock()
        self._is_cleanup = False
        self._created = dict.fromkeys(budget.created, 0)
        self.on_answer = self._answered

    def open_reserve(self) -> None:
        """Allow what is reserved for the cleanup."""
        self._is_cleanup = True

    @property
    def seconds_left(self) -> float:
        """The time left, without what is reserved for the cleanup."""
        reserved = 0 if self._is_cleanup else self._budget.reserved_seconds
        return self._budget.seconds - reserved - (self._clock() - self._began)

    @property
    def seconds_spent(self) -> float:
        """The time since the counter was created."""
        return self._clock() - self._began

    def count(self, name: str) -> None:
        """Count one request, or refuse it.

        Raises:
            BudgetSpent: It exceeds the budget.
        """
        with self._lock:
            reserved = 0 if self._is_cleanup else self._budget.reserved_calls
            if self._counts.total() >= self._budget.calls - reserved:
                raise BudgetSpent(f"{name} would exceed {self._budget.calls} API calls in all")
            if self.seconds_left <= 0:
                raise BudgetSpent(f"{name} would come after {self._budget.seconds:g} seconds")
            if name in self._created:
                if self._created[name] >= self._budget.created[name]:
                    raise BudgetSpent(f"{name} was called {self._created[name]} times already")
                self._created[name] += 1
            self._counts[name] += 1

    def _answered(self, name: str, status: int | None, code: str) -> None:  # noqa: ARG002
        """A refused request created nothing; one without an answer may have."""
        if name in self._created and status is not None and 400 <= status < 500:  # noqa: PLR2004
            with self._lock:
                self._created[name] -= 1

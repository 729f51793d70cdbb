"""The pending requests, and which of them may be deployed now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from itertools import tee

from otactl.jobqueue.ports import ActiveRequests, RequestTable, TargetReader
from otactl.jobqueue.request import JobRequest, MalformedRequest
from otactl.jobqueue.schedule import Verdict, judge
from otactl.jobqueue.state import RequestState
from otactl.model.clock import Clock


@dataclass(eq=False, slots=True)
class Overview:
    """Reads and judges the pending requests."""

    table: RequestTable
    targets: TargetReader
    time: Clock
    _succeeded: dict[str, JobRequest | MalformedRequest] = field(init=False, default_factory=dict)

    def pending(
        self, on_malformed: Callable[[MalformedRequest], None] = lambda _: None
    ) -> Iterable[JobRequest]:
        """The pending requests in the queue's order, read as far as needed, and each only once.

        Items that are not valid requests are passed to ``on_malformed``.
        """
        (pending,) = tee(self._pending(on_malformed), 1)
        return pending

    def verdicts(self, active: ActiveRequests, pending: Iterable[JobRequest]) -> Iterator[Verdict]:
        """Judge the requests that ``pending`` returned earlier, as far as the caller reads."""
        known: dict[str, JobRequest | MalformedRequest] = {
            request.order_key: request for request in active.requests
        }
        return judge(
            # A copy of a ``tee`` starts at the first item, and reads items not read before.
            self._still_pending(copy(pending), known),
            active.requests,
            now_ms=self.time.now_ms(),
            targets_of=self.targets.targets_of,
            find=lambda key: self._find(key, known),
        )

    def _pending(self, on_malformed: Callable[[MalformedRequest], None]) -> Iterator[JobRequest]:
        for found in self.table.listed(RequestState.PENDING):
            if isinstance(found, MalformedRequest):
                on_malformed(found)
            else:
                yield found

    @staticmethod
    def _still_pending(
        pending: Iterable[JobRequest], known: dict[str, JobRequest | MalformedRequest]
    ) -> Iterator[JobRequest]:
        """Those that were not claimed meanwhile.

        A request found before, as one that another request depends on, is still judged.
        """
        for request in pending:
            if known.setdefault(request.order_key, request).state is RequestState.PENDING:
                yield request

    def _find(
        self, order_key: str, known: dict[str, JobRequest | MalformedRequest]
    ) -> JobRequest | MalformedRequest | None:
        # Only Deployed is never followed by another state, so only it can be cached.
        if order_key in self._succeeded:
            return self._succeeded[order_key]
        if order_key not in known:
            found = self.table.find([order_key])
            if not found:
                return None
            known[order_key] = found[0]
        request = known[order_key]
        if request.state is RequestState.DEPLOYED:
            self._succeeded[order_key] = request
        return request

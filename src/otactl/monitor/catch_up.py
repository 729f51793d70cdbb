"""Which further calls a poll of a job makes, beyond its one DescribeJob.

The counts give the number of executions in each status, the table the number of known ones. Pages
of a status are fetched only while some are missing: where the newest come first, as on the local
cloud, one page has them all; AWS does not document its order and may need more pages. A status that
was listed to its end is not listed again before its count changes, even if some are still missing.
So a job without changes costs nothing, and each poll costs at most its budget.

Failures come first: their pages, then their reasons (one call a thing, up to a limit). QUEUED
executions have nothing but a name, and are listed only when a user wants to see them.

If the service counts fewer ended executions than are known, some were deleted. Their status is
listed once from its beginning to its end, and what is not in the list is removed. If that would
take too many pages it is not done; the counts are right without it.
"""

from __future__ import annotations

from dataclasses import dataclass

from otactl.model.outcome import ExecutionPage
from otactl.model.status import ExecutionStatus
from otactl.monitor.job_state import JobState

_FAILURES = (ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.REJECTED)
_OTHERS = (
    ExecutionStatus.SUCCEEDED,
    ExecutionStatus.IN_PROGRESS,
    ExecutionStatus.CANCELED,
    ExecutionStatus.REMOVED,
)
#: The most executions that are listed again because some were deleted: 20 pages.
MAX_RECOUNTED = 5000


@dataclass(frozen=True, slots=True)
class ListPage:
    """Fetch a page of the executions in a status."""

    status: ExecutionStatus
    token: str | None


@dataclass(frozen=True, slots=True)
class DescribeThing:
    """Fetch the status details of one thing: a failure, or a sample of those that succeeded."""

    thing_name: str
    is_sample: bool = False


class CatchUp:
    """Decides what to fetch next of one job.

    Args:
        state: The job's state.
        details: The most things that are described one by one, in total.
        sample: How many of them may be things that succeeded, for their download times.
    """

    def __init__(self, state: JobState, *, details: int, sample: int) -> None:
        self._state = state
        self._details = details
        self._sample = min(sample, details)
        self._tokens: dict[ExecutionStatus, str] = {}
        self._begun_at: dict[ExecutionStatus, tuple[int, ...]] = {}
        self._settled_at: dict[ExecutionStatus, tuple[int, ...]] = {}
        self._relisting: set[ExecutionStatus] = set()
        self._recounting: dict[ExecutionStatus, int] = {}
        self._recounted: dict[ExecutionStatus, int] = {}
        self._sampled: set[str] = set()
        #: Statuses that are listed in addition to those that always are.
        self.wanted: set[ExecutionStatus] = set()

    def next(self, *, with_details: bool = True) -> ListPage | DescribeThing | None:
        """What to fetch next; None if no call is useful."""
        for status in _FAILURES:
            if (page := self._page(status)) is not None:
                return page
        if with_details and (thing := self._unexplained()) is not None:
            return thing
        for status in (*_OTHERS, *self.wanted):
            if (page := self._page(status)) is not None:
                return page
        return self._sampled_success() if with_details else None

    def done(self, request: ListPage | DescribeThing, page: ExecutionPage | None) -> None:
        """Record that a request of ``next`` was made; its answer is already in the state."""
        if isinstance(request, DescribeThing):
            self._details -= 1
            if request.is_sample:
                self._sampled.add(request.thing_name)
            self._state.table.asked(request.thing_name)
            return
        status = request.status
        if page is not None and page.next_token is not None:
            self._tokens[status] = page.next_token
            if status in self._relisting or self._state.missing(status):
                return
        # Listed to its end, or all that was missing is found.
        self._tokens.pop(status, None)
        self._relisting.discard(status)
        self._settled_at[status] = self._begun_at.pop(status, ())
        since_ms = self._recounting.pop(status, None)
        if since_ms is not None:
            self._state.forget_unseen(status, since_ms)

    def relist(self, status: ExecutionStatus) -> None:
        """List a status once from its beginning to its end: its contents may have changed."""
        if status not in self._relisting:
            self._tokens.pop(status, None)
            self._relisting.add(status)

    def recount(self, now_ms: int) -> None:
        """After a poll: list each status again of which the service counts fewer than are known."""
        for status in ExecutionStatus:
            described = self._state.described(status)
            if (
                self._state.surplus(status) > 0
                and described <= MAX_RECOUNTED
                and self._recounted.get(status) != described
            ):
                self._recounted[status] = described
                self._recounting[status] = now_ms
                self.relist(status)

    def forget_pages(self) -> None:
        """Start every list again: a page token was refused."""
        self._tokens.clear()
        self._begun_at.clear()

    def lacks_ended(self) -> bool:
        """Whether ended executions are missing, and a page may have them."""
        return any(status.is_terminal and self._may_have_news(status) for status in ExecutionStatus)

    def _may_have_news(self, status: ExecutionStatus) -> bool:
        """Whether a page of a status may have news."""
        if status in self._recounting and not self._state.surplus(status):
            # An event reported it after all.
            del self._recounting[status]
            self._relisting.discard(status)
        if status in self._relisting:
            return True
        moved = self._moved(status) != self._settled_at.get(status)
        return moved and self._state.missing(status) > 0

    def _page(self, status: ExecutionStatus) -> ListPage | None:
        if not self._may_have_news(status):
            self._tokens.pop(status, None)
            self._begun_at.pop(status, None)
            return None
        self._begun_at.setdefault(status, self._moved(status))
        return ListPage(status, self._tokens.get(status))

    def _moved(self, status: ExecutionStatus) -> tuple[int, ...]:
        """A value that changes when a list of the status may have news."""
        described = self._state.described
        if status.is_terminal:
            return (described(status),)
        # Things enter and leave this status: the same number may be other things.
        return tuple(described(each) for each in ExecutionStatus)

    def _unexplained(self) -> DescribeThing | None:
        if self._details <= 0:
            return None
        name = next(self._state.table.undetailed(), None)
        return None if name is None else DescribeThing(name)

    def _sampled_success(self) -> DescribeThing | None:
        table = self._state.table
        if self._details <= 0 or len(self._sampled) >= self._sample:
            return None
        for row in table.rows_with(ExecutionStatus.SUCCEEDED):
            name = table.names[row]
            if name not in self._sampled and not table.is_complete(row):
                return DescribeThing(name, is_sample=True)
        return None

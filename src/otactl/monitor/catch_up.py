"""Which further calls a look at a job is worth, beyond its one DescribeJob.

The counts say how many executions of each status there are; the table says how many are known.
Pages of a status are fetched while some are missing and no longer: where the newest come first,
as on the local cloud, one page brings them all; AWS does not document its order, and there it may
take more pages, but never the wrong ones. A status that was listed to its end is left alone until
its count moves again, whatever is still missing. So nothing moving costs nothing, and each look
costs at most its budget.

Failures come first: their pages, then the reasons they gave (one call a thing, within a limit).
QUEUED executions say nothing but a name, and are listed when somebody asks to see them.

When the service counts fewer that have ended than are known, somebody deleted executions. Their
status is listed once from its beginning to its end, and what is not in the list is forgotten;
where that would take many pages it is not worth it, and the counts are right without.
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
#: Executions that are listed anew at most because some were deleted: 20 pages.
MAX_RECOUNTED = 5000


@dataclass(frozen=True, slots=True)
class ListPage:
    """Fetch a page of the executions in a status."""

    status: ExecutionStatus
    token: str | None


@dataclass(frozen=True, slots=True)
class DescribeThing:
    """Fetch the status details of one thing: a failure, or one of those that succeeded."""

    thing_name: str
    is_sample: bool = False


class CatchUp:
    """Decides what to fetch next of one job.

    Args:
        state: What is known of it.
        details: How many things may be asked about one by one, in all.
        sample: How many of them may be things that succeeded: their download times are worth
            knowing, but there are many.
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
        #: Statuses that are listed beside those that always are.
        self.wanted: set[ExecutionStatus] = set()

    def next(self, *, with_details: bool = True) -> ListPage | DescribeThing | None:
        """What to fetch next; None when nothing is worth a call."""
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
        """A request of ``next`` was carried out, and its answer, a page, is in the state."""
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
        """List a status once from its beginning to its end: what is in it may have changed."""
        if status not in self._relisting:
            self._tokens.pop(status, None)
            self._relisting.add(status)

    def recount(self, now_ms: int) -> None:
        """The service was asked how many there are: list anew what it has fewer of than we know."""
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
        """A page token was refused, or the job is another one: begin every list anew."""
        self._tokens.clear()
        self._begun_at.clear()

    def lacks_ended(self) -> bool:
        """Whether executions that have ended are missing, and a page may bring them."""
        return any(status.is_terminal and self._is_worth(status) for status in ExecutionStatus)

    def _is_worth(self, status: ExecutionStatus) -> bool:
        """Whether a page of a status can bring news."""
        if status in self._recounting and not self._state.surplus(status):
            # An event reported it after all.
            del self._recounting[status]
            self._relisting.discard(status)
        if status in self._relisting:
            return True
        moved = self._moved(status) != self._settled_at.get(status)
        return moved and self._state.missing(status) > 0

    def _page(self, status: ExecutionStatus) -> ListPage | None:
        if not self._is_worth(status):
            self._tokens.pop(status, None)
            self._begun_at.pop(status, None)
            return None
        self._begun_at.setdefault(status, self._moved(status))
        return ListPage(status, self._tokens.get(status))

    def _moved(self, status: ExecutionStatus) -> tuple[int, ...]:
        """What changes when a list of the status can have something new."""
        described = self._state.described
        if status.is_terminal:
            return (described(status),)
        # Things come and go: the same number may be other things.
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

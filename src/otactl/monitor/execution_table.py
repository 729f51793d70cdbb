"""The last execution of every thing of a job, in columns: made for hundreds of thousands of them.

Reports of every source are merged by the same rules, so repeated and late messages change nothing:

- a later attempt of a thing replaces the one before, which from then on is only counted
  (``attempt`` decides which is which);
- within an attempt a status changes only as ``rules.execution.may_follow`` allows;
- status details are kept until others come; numbers that a device reports have their own columns.

Memory: about 250 bytes a thing, plus the status details within the limits of ``kept_details``
(measured in ``benchmarks/monitor.py``).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping

from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.monitor.attempt import Attempt, relate
from otactl.monitor.failure_groups import UNSUCCESSFUL
from otactl.monitor.kept_details import KeptDetails
from otactl.monitor.measured_column import MeasuredColumn
from otactl.rules.execution import may_follow

#: The key under which a device counts the requests it sent again (``device.report``).
RETRY_COUNT = "retryCount"

_STATUSES = tuple(ExecutionStatus)
_CODES = {status: code for code, status in enumerate(_STATUSES)}
_SUCCEEDED = ExecutionStatus.SUCCEEDED
_UNKNOWN = 0
#: The code of a row whose execution was deleted: no status at all.
_GONE = len(_STATUSES)


class ExecutionTable:
    """The last execution of each thing."""

    def __init__(self) -> None:
        #: Whether a thing can have several executions: by retries, or in a CONTINUOUS job.
        self.may_repeat = True
        self._rows: dict[str, int] = {}
        self.names: list[str] = []
        self.codes = bytearray()
        self._numbers = array("I")
        self._queued = array("q")
        self._started = array("q")
        self.updated = array("q")
        self._seen = array("q")
        self._downloads = MeasuredColumn()
        self._retries = MeasuredColumn()
        self._details = KeptDetails()
        self._complete = bytearray()
        self._guessed = bytearray()
        self._undetailed: dict[int, None] = {}
        self._earlier: dict[int, dict[int, int]] = {}
        self._things: Counter[ExecutionStatus] = Counter()
        self._attempts: Counter[ExecutionStatus] = Counter()
        self._assumed: Counter[ExecutionStatus] = Counter()
        self._assumed_ms = 0

    def __len__(self) -> int:
        """How many things are known; removed ones do not count, though their rows stay."""
        return len(self._rows)

    def __contains__(self, thing_name: str) -> bool:
        return thing_name in self._rows

    @property
    def things(self) -> Mapping[ExecutionStatus, int]:
        """Things by the status of their last execution."""
        return self._things

    def executions(self, status: ExecutionStatus) -> int:
        """How many executions of a status are known, earlier attempts included."""
        return self._things[status] + self._attempts[status] + self._assumed[status]

    def get(self, thing_name: str) -> ThingOutcome | None:
        """The last known execution of a thing; None if the thing is unknown."""
        row = self._rows.get(thing_name)
        return None if row is None else self.outcome(row)

    def outcomes(self) -> Iterator[ThingOutcome]:
        """The last execution of every known thing."""
        return map(self.outcome, self._rows.values())

    def outcome(self, row: int) -> ThingOutcome:
        """The last execution in a row."""
        return ThingOutcome(
            thing_name=self.names[row],
            status=_STATUSES[self.codes[row]],
            execution_number=self._numbers[row],
            queued_at_ms=self._queued[row] or None,
            started_at_ms=self._started[row] or None,
            updated_at_ms=self.updated[row] or None,
            status_details=self._details.of(row),
        )

    @property
    def lacks_details(self) -> bool:
        """Whether the oldest status details are not kept any more."""
        return self._details.is_partial

    def detail(self, row: int, key: str) -> str:
        """One of the status details of a row; empty if it is missing, or not kept."""
        return self._details.of(row).get(key, "")

    def is_complete(self, row: int) -> bool:
        """Whether all that the thing reported is known, even if it reported nothing."""
        return bool(self._complete[row])

    def seen_ms(self, row: int) -> int:
        """When a report last confirmed a row."""
        return self._seen[row]

    def put(
        self, outcome: ThingOutcome, seen_ms: int, *, complete: bool = False, numbered: bool = True
    ) -> tuple[ThingOutcome, bool] | None:
        """Merge a report on an execution.

        Args:
            outcome: With or without status details.
            seen_ms: The time of the report.
            complete: Whether it has all status details; a page has none.
            numbered: Whether it has its execution number; the events of AWS do not.

        Returns:
            The thing's last execution now, and whether all it reported of it is known; None if
            the last execution did not change.
        """
        row = self._rows.get(outcome.thing_name)
        if row is None:
            row = self._append(outcome, numbered=numbered)
            self._write(row, outcome, seen_ms, complete=complete)
            self._note_found(outcome)
            return self.outcome(row), self.is_complete(row)
        before = self.outcome(row)
        attempt = relate(
            before,
            outcome,
            numbered=numbered and not self._guessed[row],
            may_repeat=self.may_repeat,
        )
        if attempt is Attempt.EARLIER:
            self._note_late(row, outcome, numbered=numbered)
            return None
        if attempt is Attempt.LATER:
            self._begin_attempt(row, before, outcome, numbered=numbered)
        else:
            if numbered and self._guessed[row]:
                self._numbers[row], self._guessed[row] = outcome.execution_number, False
            elif not numbered and self.may_repeat and not before.status.is_terminal:
                # It may be a later attempt, if the events of those before it were lost.
                self._guessed[row] = True
            if not self._is_news(row, before, outcome, seen_ms, complete=complete):
                return None
        self._write(row, outcome, seen_ms, complete=complete)
        if attempt is Attempt.LATER or outcome.status is not before.status:
            self._note_found(outcome)
        return self.outcome(row), self.is_complete(row)

    def remove(self, thing_name: str) -> ThingOutcome | None:
        """Remove a thing whose execution was deleted. Its row stays, but is not found any more."""
        row = self._rows.get(thing_name)
        if row is None:
            return None
        before = self.outcome(row)
        self._things[before.status] -= 1
        del self._rows[thing_name]
        self.names[row] = ""
        self.codes[row] = _GONE
        self._downloads.set(row, None)
        self._retries.set(row, None)
        self._details.drop(row)
        self._undetailed.pop(row, None)
        return before

    def rows_with(self, status: ExecutionStatus) -> Iterator[int]:
        """The rows of things in a status."""
        code = _CODES[status]
        row = self.codes.find(code)
        while row >= 0:
            yield row
            row = self.codes.find(code, row + 1)

    def undetailed(self) -> Iterator[str]:
        """The names of things that did not succeed and whose reasons were not fetched yet."""
        return (self.names[row] for row in self._undetailed)

    def downloads(self) -> list[float]:
        """The download times that devices reported, in seconds, in ascending order."""
        return self._downloads.ascending()

    def retries(self) -> list[float]:
        """How many requests each device sent again, in ascending order."""
        return self._retries.ascending()

    def _append(self, outcome: ThingOutcome, *, numbered: bool) -> int:
        row = len(self.names)
        self._rows[outcome.thing_name] = row
        self.names.append(outcome.thing_name)
        self.codes.append(_CODES[outcome.status])
        self._numbers.append(outcome.execution_number)
        self._guessed.append(not numbered)
        for column in (self._queued, self._started, self.updated, self._seen):
            column.append(_UNKNOWN)
        self._complete.append(False)
        self._downloads.append()
        self._retries.append()
        self._things[outcome.status] += 1
        return row

    def _begin_attempt(
        self, row: int, before: ThingOutcome, outcome: ThingOutcome, *, numbered: bool
    ) -> None:
        """Turn what was known of the thing into an earlier attempt."""
        self._note_earlier(
            row, before, number=None if self._guessed[row] else before.execution_number
        )
        self._numbers[row] = outcome.execution_number if numbered else before.execution_number + 1
        self._guessed[row] = not numbered
        self._complete[row] = False
        self._queued[row] = self._started[row] = self.updated[row] = _UNKNOWN
        self._downloads.set(row, None)
        self._retries.set(row, None)
        self._details.drop(row)

    def _note_earlier(self, row: int, outcome: ThingOutcome, *, number: int | None) -> None:
        """Count an attempt that another one followed, only once if it is reported again.

        Its number is None if not reported.
        """
        if not outcome.status.is_terminal:
            return
        code = _CODES[outcome.status]
        attempts = self._earlier.setdefault(row, {})
        if number is not None:
            if number in attempts:
                return
            guess = next(
                (key for key, found in attempts.items() if key < 0 and found == code), None
            )
            if guess is not None:
                # It was counted before its number was reported.
                attempts[number] = attempts.pop(guess)
                return
        self._attempts[outcome.status] += 1
        attempts[-len(attempts) - 1 if number is None else number] = code

    def _note_late(self, row: int, outcome: ThingOutcome, *, numbered: bool) -> None:
        """Count an earlier attempt that was reported late."""
        number = outcome.execution_number
        if numbered:
            self._note_earlier(row, outcome, number=number)
            if self._guessed[row]:
                self._numbers[row] = max(self._numbers[row], number + 1)
        elif _CODES[outcome.status] not in self._earlier.get(row, {}).values():
            # Its number is unknown: it counts as the same as one with the same status.
            self._note_earlier(row, outcome, number=None)

    def _is_news(
        self, row: int, before: ThingOutcome, outcome: ThingOutcome, seen_ms: int, *, complete: bool
    ) -> bool:
        """Whether a report on the same attempt has anything new."""
        if outcome.status is not before.status:
            return may_follow(before.status, outcome.status)
        self._seen[row] = max(self._seen[row], seen_ms)
        later = (outcome.updated_at_ms or 0) > self.updated[row]
        return later or (complete and not self._complete[row])

    def _write(self, row: int, outcome: ThingOutcome, seen_ms: int, *, complete: bool) -> None:
        old = _STATUSES[self.codes[row]]
        self._complete[row] = complete or (old is outcome.status and bool(self._complete[row]))
        if old is not outcome.status:
            self._things[old] -= 1
            self._things[outcome.status] += 1
            self.codes[row] = _CODES[outcome.status]
        for column, time in (
            (self._queued, outcome.queued_at_ms),
            (self._started, outcome.started_at_ms),
            (self.updated, outcome.updated_at_ms),
        ):
            if time is not None:
                column[row] = time
        self._seen[row] = max(self._seen[row], seen_ms)
        self._write_details(row, outcome)

    def _write_details(self, row: int, outcome: ThingOutcome) -> None:
        if outcome.status_details:
            self._downloads.set(row, self._download_seconds(row, outcome))
            self._retries.set(row, _whole(outcome.status_details.get(RETRY_COUNT)))
            succeeded = outcome.status is _SUCCEEDED
            self._details.keep(row, outcome.status_details, may_push=not succeeded)
        if outcome.status in UNSUCCESSFUL and not self._complete[row]:
            self._undetailed[row] = None
        else:
            self._undetailed.pop(row, None)

    def _download_seconds(self, row: int, outcome: ThingOutcome) -> float | None:
        """For a FreeRTOS agent, the shortest time of all its reports; see ``device_progress``."""
        seconds, before = outcome.download_seconds, self._downloads.get(row)
        is_agent = "updatedBy" in outcome.status_details
        return min(seconds, before) if is_agent and seconds is not None and before else seconds

    def assume(self, status: ExecutionStatus, count: int, at_ms: int) -> None:
        """Count N more executions that were in a status at a time and are not listed."""
        self._assumed[status] += count
        self._assumed_ms = at_ms

    def _note_found(self, outcome: ThingOutcome) -> None:
        """Count an execution once that was assumed before it was reported."""
        ended_ms = outcome.updated_at_ms
        if ended_ms is not None and ended_ms <= self._assumed_ms and self._assumed[outcome.status]:
            self._assumed[outcome.status] -= 1

    def asked(self, thing_name: str) -> None:
        """Record that a thing was described, even if nothing was found: do not fetch it again."""
        row = self._rows.get(thing_name)
        if row is not None:
            self._complete[row] = True
            self._undetailed.pop(row, None)


def _whole(text: str | None) -> float | None:
    """A count as a device wrote it; None if it is not a plausible count."""
    if text is not None and text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 - a billion retries are not plausible
        return float(text)
    return None

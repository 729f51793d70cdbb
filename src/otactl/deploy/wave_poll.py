"""Polls the jobs of waves, and lists executions only when that can change a verdict.

A verdict is computed from the list of executions (``rules.waves.counting``), one call for each
250. DescribeJob's counters count attempts, so they only limit what the list can have: they decide
whether it is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from otactl.deploy.ending import Ending, ending_of
from otactl.deploy.journal import Journal
from otactl.deploy.ports import Services
from otactl.deploy.step import CreateJob
from otactl.deploy.step.job import SETTLING_MS
from otactl.model.limits import PAGE
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import (
    ENDED_JOB_STATUSES,
    ExecutionStatus,
    TargetSelection,
)
from otactl.rules.waves.counting import WaveCount, count_wave
from otactl.rules.waves.gate import allowed_failures, needed_ended
from otactl.rules.waves.membership import share_of

#: The least time from one list to the next, in multiples of what the last one took.
_LIST_INTERVAL = 10

_FAILURES = (ExecutionStatus.FAILED, ExecutionStatus.REJECTED, ExecutionStatus.TIMED_OUT)
_NOT_REACHED = (ExecutionStatus.CANCELED, ExecutionStatus.REMOVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WavePoll:
    """The result of a poll of a wave.

    Attributes:
        job: None if AWS has no such job.
        ending: How the job ended early; None if it did not.
        is_settled: Whether a CONTINUOUS job is open though every thing of the wave has ended.
        refused: Why AWS refused the job; empty if it did not.
    """

    job: JobDescription | None
    count: WaveCount
    ending: Ending | None = None
    is_settled: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class _Listed:
    """The count of a list of executions, and the counters when it was made."""

    count: WaveCount
    counters: JobCounts
    is_over: bool
    at_ms: int
    took_ms: int


@dataclass(frozen=True, slots=True)
class WavePoller:
    """Polls and counts the waves of one deployment."""

    journal: Journal
    services: Services
    _listed: dict[int, _Listed] = field(init=False, default_factory=dict)
    _settled: dict[int, WavePoll] = field(init=False, default_factory=dict)

    def poll(self, number: int, step: CreateJob, *, is_asked: bool = True) -> WavePoll:
        """Poll a wave: one call, and the list if it can change a verdict.

        Args:
            number: Of the wave.
            step: Its job.
            is_asked: Whether AWS is always called, even if nothing can change any more: only its
                answers have its time.
        """
        if number in self._settled and not is_asked:
            return self._settled[number]
        given = self.journal.plan.waves[number - 1].things
        record = self.journal.record(step.key) or {}
        if "refused" in record:
            count = WaveCount(given=given, not_reached=given)
            return WavePoll(job=None, count=count, refused=str(record["refused"]))
        job = self.services.jobs.describe(step.job_id)
        if job is None:
            since_ms = self.services.now_ms() - int(record.get("created_ms", 0))
            ending = Ending.DELETED if since_ms > SETTLING_MS else None
            return WavePoll(job=None, count=self._last_count(number, given), ending=ending)
        ending = ending_of(
            job,
            things=given,
            target_selection=TargetSelection.SNAPSHOT,
            abort_criteria=step.configuration.abort_criteria,
        )
        count, is_over = self._count(number, step, job), job.status in ENDED_JOB_STATUSES
        listed = self._listed.get(number)
        found = WavePoll(
            job=job,
            count=count,
            ending=None if ending is None or ending.is_regular else ending,
            # The counters include things in the group that are not the wave's.
            is_settled=step.is_continuous
            and not is_over
            and listed is not None
            and listed.count is count
            and not count.open,
        )
        if is_over and found.ending is None:
            self._settled[number] = found
        return found

    def _last_count(self, number: int, given: int) -> WaveCount:
        listed = self._listed.get(number)
        return WaveCount(given=given) if listed is None else listed.count

    def _count(self, number: int, step: CreateJob, job: JobDescription) -> WaveCount:
        is_over = job.status in ENDED_JOB_STATUSES
        listed = self._listed.get(number)
        if listed is not None and (listed.counters, listed.is_over) == (job.counts, is_over):
            return listed.count
        if not self._may_decide(number, job.counts, is_over=is_over):
            return self._bounded(number, job.counts)
        if listed is not None and not is_over and not self._is_due(listed):
            return listed.count
        return self._list(number, step, job, is_over=is_over)

    def _may_decide(self, number: int, counters: JobCounts, *, is_over: bool) -> bool:
        """Whether the list could give another verdict than "too few yet"."""
        wave = self.journal.plan.waves[number - 1]
        failed, missed = _sum(counters, _FAILURES), _sum(counters, _NOT_REACHED)
        needed = needed_ended(wave.rule, wave.things)
        verified = wave.rule.required_verified
        may_lack = verified is not None and (
            counters[ExecutionStatus.SUCCEEDED] + failed
            > wave.things - share_of(wave.things, verified)
        )
        has_begun = counters.total > counters[ExecutionStatus.QUEUED]
        return (
            is_over
            or may_lack
            or wave.things <= PAGE
            or failed > allowed_failures(wave.rule, wave.things)
            or counters[ExecutionStatus.SUCCEEDED] + failed >= needed
            or wave.things - missed < needed
            or (has_begun and self.journal.find_instant(_began(number)) is None)
        )

    def _is_due(self, listed: _Listed) -> bool:
        now_ms = self.services.clock.monotonic_ms()
        return now_ms - listed.at_ms >= _LIST_INTERVAL * listed.took_ms

    def _bounded(self, number: int, counters: JobCounts) -> WaveCount:
        """A count made of counters that cannot change a verdict: only to show."""
        ends = [(0, True)] * counters[ExecutionStatus.SUCCEEDED]
        ends += [(0, False)] * _sum(counters, _FAILURES)
        return WaveCount(
            given=self.journal.plan.waves[number - 1].things,
            not_reached=_sum(counters, _NOT_REACHED),
            first_started_ms=self.journal.find_instant(_began(number)),
            ends=tuple(ends),
            ended_things={}
            if number not in self._listed
            else self._listed[number].count.ended_things,
        )

    def _list(
        self, number: int, step: CreateJob, job: JobDescription, *, is_over: bool
    ) -> WaveCount:
        started_ms = self.services.clock.monotonic_ms()
        # A thing that could not be added to its group never gets the job.
        refused = self.journal.fill_refusals(number).keys()
        count = count_wave(
            frozenset(self.journal.wave_things(number)) - refused,
            self._executions(step.job_id, job.counts),
            step.configuration.retry_criteria,
            is_over=is_over,
        )
        if refused:
            given, missed = count.given + len(refused), count.not_reached + len(refused)
            count = replace(count, given=given, not_reached=missed)
        if count.first_started_ms is not None:
            # The first start stays, even if its execution is deleted later.
            began_ms = self.journal.instant(_began(number), count.first_started_ms)
            count = replace(count, first_started_ms=min(began_ms, count.first_started_ms))
        now_ms = self.services.clock.monotonic_ms()
        self._listed[number] = _Listed(count, job.counts, is_over, now_ms, now_ms - started_ms)
        return count

    def _executions(self, job_id: str, counters: JobCounts) -> Iterator[ThingOutcome]:
        """Every execution except QUEUED ones, which are not needed."""
        for status in ExecutionStatus:
            if status is not ExecutionStatus.QUEUED and counters[status]:
                yield from self.services.jobs.executions(job_id, status)


def _sum(counters: JobCounts, statuses: tuple[ExecutionStatus, ...]) -> int:
    return sum(counters[status] for status in statuses)


def _began(number: int) -> str:
    return f"wave-{number}/first-started"

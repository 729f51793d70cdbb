"""Watches one job: polls it on request, takes in its events, and makes snapshots.

It calls AWS through Protocols and has no thread and no timer; ``Watch`` decides when to poll. Other
threads may read meanwhile: the state changes only under ``lock``, and no call is made under it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from otactl.errors import AwsRefused, AwsUnreachable
from otactl.model.clock import Clock
from otactl.model.outcome import RoundResult
from otactl.model.progress import AlarmProgress, Eta, Percentiles, RoundsProgress, Source
from otactl.model.snapshot import JobSnapshot
from otactl.model.status import ExecutionStatus
from otactl.model.wave import GateStatus
from otactl.monitor.catch_up import CatchUp, DescribeThing, ListPage
from otactl.monitor.followed import FollowedThings
from otactl.monitor.job_state import JobState
from otactl.monitor.pace import PaceMeter, estimate
from otactl.monitor.percentile import percentiles
from otactl.monitor.ports import AlarmReader, JobReader
from otactl.monitor.progress import Progress, progress_of, rollout_progress
from otactl.monitor.silence import Silence, find_silence
from otactl.monitor.watch_policy import WatchPolicy
from otactl.rules.abort import distance
from otactl.wire.job_event import ExecutionEvent, JobEvent, JobOperation

#: After N polls the past is taken from the executions known by then, even if some are missing.
_POLLS_FOR_THE_PAST = 20
#: The error code of a page token whose list has changed.
_STALE_TOKEN = "InvalidRequestException"  # noqa: S105 - no secret


class JobWatcher:
    """Watches one job.

    Args:
        job_id: The job.
        reader: IoT Jobs.
        clock: Time.
        policy: Intervals and limits.
        things: Returns how many things the job is for; None if unknown.
        rounds: Returns the current round of its deployment.
        gate: Returns the status of the gate, for the job of a wave.
        followed: The things that are followed.
        alarms: CloudWatch, for the alarms of the job.
    """

    def __init__(
        self,
        job_id: str,
        reader: JobReader,
        clock: Clock,
        policy: WatchPolicy,
        *,
        things: Callable[[], int | None] = lambda: None,
        rounds: Callable[[], RoundsProgress | None] = lambda: None,
        gate: Callable[[], GateStatus | None] = lambda: None,
        followed: FollowedThings | None = None,
        alarms: AlarmReader | None = None,
        alarm_names: Sequence[str] = (),
    ) -> None:
        self.job_id = job_id
        self.followed = followed
        self.lock = threading.RLock()
        self._reader = reader
        self._clock = clock
        self._policy = policy
        self._things = things
        self._rounds = rounds
        self._gate = gate
        self._alarm_reader = alarms if alarm_names else None
        self._alarm_names = tuple(alarm_names)
        self._alarms: tuple[AlarmProgress, ...] = ()
        self._alarms_due_ms = 0
        self._relist_due_ms = 0
        self._begin()

    def _begin(self) -> None:
        """Clear what is known of the job: at the start, and when another job has its id."""
        self.state = JobState(self.job_id)
        self.progress = Progress()
        self._pace = PaceMeter()
        self._knows_past = False
        self._polls = 0
        self._catch_up = CatchUp(
            self.state, details=self._policy.details, sample=self._policy.sample
        )
        self._numbers = (-1, percentiles(()), percentiles(()))

    def want(self, status: ExecutionStatus) -> None:
        """List the things in this status too: a user wants to see them."""
        if not status.is_terminal:
            self._catch_up.relist(status)
        self._catch_up.wanted.add(status)

    def poll(self, *, extra_calls: int | None = None) -> bool:
        """Poll the service: one DescribeJob, and further calls if counts changed.

        Args:
            extra_calls: The most further calls; the policy's if left out.

        Returns:
            False if the id now belongs to another job, and what was known was cleared.

        Raises:
            AwsRefused: AWS refused, or was unreachable; what is known stays.
        """
        job = self._reader.describe(self.job_id)
        now_ms = self._clock.now_ms()
        with self.lock:
            known = self.state.job
            # In the next round of a deployment the id belongs to another job.
            another = bool(job and known and known.created_at_ms != job.created_at_ms)
            if another:
                self._begin()
            self.state.see_job(job, now_ms)
            if job is None:
                return True
            self._catch_up.recount(now_ms)
            self._note(now_ms)
            self._find_silent(now_ms)
        self.catch_up(self._policy.extra_calls if extra_calls is None else extra_calls)
        self._learn_past()
        self.poll_alarms()
        return not another

    def poll_alarms(self) -> None:
        """Poll what neither events nor counts report: alarms if due, and each followed thing."""
        now_ms = self._clock.now_ms()
        if self._alarm_reader is not None and now_ms >= self._alarms_due_ms:
            self._alarms_due_ms = now_ms + int(self._policy.alarm_seconds * 1000)
            self._alarms = self._alarm_reader.states(self._alarm_names)
        if self.followed is None:
            return
        for outcome in self.followed.poll(self._reader, self.job_id):
            with self.lock:
                self.state.see_execution(outcome, self._clock.now_ms())

    def catch_up(self, calls: int, *, with_details: bool = True) -> bool:
        """Fetch what is known to be missing.

        Returns:
            Whether no further call is useful.
        """
        for _ in range(calls):
            request = self._catch_up.next(with_details=with_details)
            if request is None:
                return True
            self._fetch(request)
        return self._catch_up.next(with_details=with_details) is None

    def take(self, event: JobEvent | ExecutionEvent) -> bool:
        """Take in an event. Returns whether the service must be polled for the rest."""
        with self.lock:
            if isinstance(event, ExecutionEvent):
                self.state.see_execution_event(event)
                return False
            news = self.state.see_job_event(event)
            if news and event.counts is not None:
                self._catch_up.recount(self._clock.now_ms())
        return news and (
            event.operation in (JobOperation.DELETED, JobOperation.DELETION_IN_PROGRESS)
            or event.counts is None
            or self.lacks_executions
        )

    def mark_gone(self) -> None:
        """Record that the job is gone, with the cloud it was in."""
        with self.lock:
            self.state.is_gone = True

    def conclude(self, result: RoundResult) -> None:
        """Take in the result that its deployment recorded: the service no longer has the job.

        A deployment cleans up as soon as its job is over, often before the next poll.
        """
        with self.lock:
            self.state.see_result(result, self._clock.now_ms())
            job = self.state.job
            if job is not None:
                self.progress.note(job.completed_at_ms or self._clock.now_ms(), job.counts)

    def learn(self, result: RoundResult) -> None:
        """Take in the things' reports from the result that its deployment recorded: no calls."""
        with self.lock:
            self.state.see_details(result.outcomes, self._clock.now_ms())

    @property
    def lacks_executions(self) -> bool:
        """Whether ended executions are missing in the table, and can be listed."""
        with self.lock:
            return self._catch_up.lacks_ended()

    def accept_missing(self) -> None:
        """Count what cannot be listed as known: from now on events report what ends."""
        with self.lock:
            self.state.accept_missing()

    def snapshot(
        self, source: Source = Source.POLLING, note: str = "", *, is_stale: bool = False
    ) -> JobSnapshot:
        """The current snapshot of the job.

        Args:
            source: The source of its counts.
            note: The note on the source, for the user.
            is_stale: Whether the last poll failed.
        """
        with self.lock:
            return replace(self._snapshot(source, note), is_stale=is_stale)

    def _snapshot(self, source: Source, note: str) -> JobSnapshot:
        now_ms = self._clock.now_ms()
        state = self.state
        plain = JobSnapshot(
            at_ms=now_ms,
            job=None,
            things=self._things(),
            gone=state.is_gone,
            source=source,
            note=note,
            polled_ms=state.polled_ms,
            rounds=self._rounds(),
            gate=self._gate(),
            alarms=self._alarms,
        )
        if state.job is None:
            return plain
        job = replace(state.job, counts=state.counts_by(source))
        self._note(now_ms)
        things = plain.things
        if things is not None:
            # A CONTINUOUS job may reach more things than were planned.
            things = max(things, len(state.table))
        snapshot = replace(plain, job=job, things=things)
        downloads, retries = self._reported()
        silence = self._silent(now_ms)
        pace = self._pace.pace(now_ms)
        return replace(
            snapshot,
            listed=len(state.table),
            pace=None if state.is_over else pace,
            eta=self._eta(snapshot),
            download_seconds=downloads,
            retries=retries,
            failures=state.failures.groups(),
            silent=silence.longest,
            silent_count=silence.count,
            rollout=None if state.is_over else rollout_progress(job, snapshot.unnotified),
            abort=()
            if state.is_over
            else distance(job.configuration.abort_criteria, job.counts.by_status),
            followed=() if self.followed is None else self.followed.progress(now_ms),
        )

    def _eta(self, snapshot: JobSnapshot) -> Eta | None:
        job = snapshot.job
        if job is None or self.state.is_over:
            return None
        unnotified = snapshot.unnotified or 0
        return estimate(
            self._pace.pace(snapshot.at_ms),
            remaining=job.counts.pending + unnotified,
            unnotified=unnotified,
            rollout=job.configuration.rollout,
            notified=job.counts.total,
            succeeded=job.counts[ExecutionStatus.SUCCEEDED],
        )

    def _note(self, now_ms: int) -> None:
        job = self.state.job
        if job is None:
            return
        counts = self.state.counts
        self._pace.note(now_ms, notified=counts.total, finished=counts.terminal)
        self.progress.note(now_ms, counts)

    def _learn_past(self) -> None:
        """Once: add what happened before the first poll, from the executions' own times."""
        state = self.state
        self._polls += 1
        complete = not (self.lacks_executions or state.missing(ExecutionStatus.IN_PROGRESS))
        if self._knows_past or not (complete or self._polls > _POLLS_FOR_THE_PAST):
            return
        self._knows_past = True
        with self.lock:
            listed = progress_of(state.table.outcomes())
            unlisted = sum(map(state.missing, ExecutionStatus))
            created_ms = state.job.created_at_ms if state.job is not None else 0
            if created_ms and not listed.points:
                listed.points.append((created_ms, (0,) * len(ExecutionStatus)))
            self.progress.begin(listed, unlisted)

    def _fetch(self, request: ListPage | DescribeThing) -> None:
        now_ms = self._clock.now_ms()
        if isinstance(request, DescribeThing):
            outcome = self._reader.execution(self.job_id, request.thing_name)
            with self.lock:
                if outcome is not None:
                    self.state.see_execution(outcome, now_ms)
                self._catch_up.done(request, None)
            return
        try:
            page = self._reader.page(self.job_id, request.status, request.token)
        except AwsUnreachable:
            raise
        except AwsRefused as refusal:
            if request.token is None or refusal.code != _STALE_TOKEN:
                raise
            self._catch_up.forget_pages()
            return
        with self.lock:
            self.state.see_page(page.executions, now_ms)
            self._catch_up.done(request, page)

    def _find_silent(self, now_ms: int) -> None:
        """List IN_PROGRESS again from time to time while things may be silent."""
        if now_ms < self._relist_due_ms:
            return
        found = self._silent(now_ms)
        limit_ms = int(self._policy.silent_seconds * 1000)
        if found.suspects or found.count:
            # Things known to be silent may have reported since.
            self._relist_due_ms = now_ms + (limit_ms // 5 if found.suspects else limit_ms)
            self._catch_up.relist(ExecutionStatus.IN_PROGRESS)

    def _reported(self) -> tuple[Percentiles, Percentiles]:
        """Percentiles, computed again only after a change."""
        if self._numbers[0] != self.state.version:
            table = self.state.table
            self._numbers = (
                self.state.version,
                percentiles(table.downloads()),
                percentiles(table.retries()),
            )
        return self._numbers[1], self._numbers[2]

    def _silent(self, now_ms: int) -> Silence:
        limit_ms = int(self._policy.silent_seconds * 1000)
        return find_silence(self.state.table, now_ms, limit_ms)

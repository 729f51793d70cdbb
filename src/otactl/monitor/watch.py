"""Watches jobs until they are over or the user stops: when to poll, when to rely on events.

One loop for any number of jobs. While polling, each job is polled once per interval. While events
are relied on, a job is polled only when

- none has come for a while: one poll shows whether nothing happened, or events were lost;
- ``silent_seconds`` have passed: events do not report silent things;
- a job's last event says that more has ended than was reported.

A deployment deletes its job as soon as it is over, often before the next poll. The result is then
taken from what the deployment recorded, if that can be read.

If AWS refuses or is unreachable, the snapshot's note says so, and the call is retried less and less
often; what is known stays. Only a refusal of the very first poll ends the watch: that is a mistake
of the user, not a temporary error.

A snapshot of a large job costs milliseconds, an event microseconds. So each event is taken in at
once, and a snapshot is made only when one may be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from otactl.errors import AwsRefused, AwsUnreachable, OtactlError, UserMistake
from otactl.model.clock import Clock
from otactl.model.outcome import RoundResult
from otactl.model.snapshot import JobSnapshot
from otactl.monitor.feed import Feed, FeedState
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.ports import Connected, Lost, Message, MessageSource, ThingMessage
from otactl.monitor.watch_policy import WatchPolicy
from otactl.monitor.watch_state import WatchState
from otactl.rules.backoff import MAX_UNREACHABLE_SECONDS, UNTIL_A_MINUTE
from otactl.wire.job_event import ExecutionEvent, JobEvent

#: Events may come out of order: missing ones are polled for only after this time.
GRACE_MS = 2000
#: The least time between two snapshots of a job: events come in bursts.
SHOW_MS = 200
#: The most calls in a row that complete the table of a job that is over.
_CLOSING_CALLS = 20

#: How often a watch that waits for its jobs checks whether they began elsewhere.
_WAITING_SECONDS = 1.0


class BegunElsewhere(Exception):
    """Raised when the jobs that are waited for began in another cloud."""


class Watch:
    """Watches jobs.

    Args:
        watchers: One for each job.
        messages: The source of events; the loop waits on it.
        clock: Time.
        policy: Intervals and limits.
        on_snapshot: Called with a job's id and its snapshot, whenever that may have changed.
        is_over: Whether a job has ended for good, by its id and snapshot.
        expects_events: Whether events are expected.
        renew: Called when AWS refused, before the retry: it may load new credentials.
        recorded_result: Returns what a job's deployment recorded, by the job's id; None if unknown.
        is_endpoint_gone: Whether the jobs' cloud is gone for good, as a rehearsal's is at its end.
        is_elsewhere: Given if the watch waits for jobs: whether they began in another cloud. Until
            AWS first answered, refusals and missing credentials are retried.
        max_unreachable_seconds: How long AWS may refuse or be unreachable before the error is
            raised; None to retry for ever.
    """

    def __init__(
        self,
        watchers: Sequence[JobWatcher],
        messages: MessageSource,
        clock: Clock,
        policy: WatchPolicy,
        *,
        on_snapshot: Callable[[str, JobSnapshot], None],
        is_over: Callable[[str, JobSnapshot], bool],
        expects_events: bool = False,
        renew: Callable[[], None] = lambda: None,
        recorded_result: Callable[[str], RoundResult | None] = lambda _: None,
        is_endpoint_gone: Callable[[], bool] = lambda: False,
        is_elsewhere: Callable[[], bool] | None = None,
        max_unreachable_seconds: float | None = MAX_UNREACHABLE_SECONDS,
    ) -> None:
        self._messages = messages
        self._clock = clock
        self._policy = policy
        self._on_snapshot = on_snapshot
        self._is_over = is_over
        self._renew = renew
        self._recorded_result = recorded_result
        self._is_endpoint_gone = is_endpoint_gone
        self._is_elsewhere = is_elsewhere
        self._max_unreachable_seconds = max_unreachable_seconds
        self._feed = Feed(expects_events=expects_events)
        self._connected_ms = 0
        now_ms = clock.monotonic_ms()
        self._jobs = {
            watcher.job_id: WatchState(watcher, now_ms, now_ms, policy.silent_after_seconds)
            for watcher in watchers
        }
        self._followed_due_ms = now_ms

    def run(self) -> None:
        """Watch until every job is over.

        Raises:
            AwsRefused: AWS refused or was unreachable for longer than allowed.
            BegunElsewhere: The jobs that were waited for began in another cloud.
            Interrupted: The user asked to stop.
        """
        while True:
            if self._is_waiting and self._is_elsewhere is not None and self._is_elsewhere():
                raise BegunElsewhere
            now_ms = self._clock.monotonic_ms()
            for watched in self._jobs.values():
                if not watched.ended and watched.due_ms <= now_ms:
                    self._try(watched, self._close if watched.closing else self._poll)
            self._check_caught_up()
            self._poll_alarms(now_ms)
            for watched in self._jobs.values():
                self._show(watched)
            if all(watched.ended for watched in self._jobs.values()):
                return
            for message in self._messages.receive(self._seconds_to_wait()):
                self._take(message)

    def poll_now(self) -> None:
        """Poll every job in the next turn of the loop."""
        for watched in self._jobs.values():
            watched.due_ms = 0

    @property
    def _is_waiting(self) -> bool:
        """Whether the watch waits for its jobs, and none of them was found yet."""
        return self._is_elsewhere is not None and all(
            watched.watcher.state.job is None for watched in self._jobs.values()
        )

    @property
    def _relies_on_events(self) -> bool:
        return self._feed.state is FeedState.EVENTS

    # Messages.

    def _take(self, message: Message) -> None:
        match message:
            case Connected():
                self._connected_ms = self._clock.monotonic_ms()
                self._feed.connected()
                self.poll_now()
            case Lost(reason):
                self._feed.lost(reason)
                self.poll_now()
            case ThingMessage():
                for watched in self._jobs.values():
                    if watched.watcher.followed is not None:
                        watched.watcher.followed.receive(message)
                        watched.beats += 1
            case None:
                self.poll_now()
            case _:
                self._take_event(message)

    def _take_event(self, event: JobEvent | ExecutionEvent) -> None:
        watched = self._jobs.get(event.job_id)
        if watched is None or watched.ended:
            return
        needs_poll = watched.watcher.take(event)
        if self._feed.state is FeedState.POLLING:
            # Events come after all: poll for what was missed meanwhile.
            self._take(Connected())
        elif self._relies_on_events:
            watched.silent_after_seconds = self._policy.silent_after_seconds
            self._schedule(watched)
        if needs_poll:
            watched.doubt = True
            watched.due_ms = min(watched.due_ms, self._clock.monotonic_ms() + GRACE_MS)

    # Polling.

    def _try(self, watched: WatchState, act: Callable[[WatchState], None]) -> None:
        """Call AWS; on failure record the error and retry."""
        try:
            act(watched)
        except (AwsRefused, UserMistake) as error:
            if isinstance(error, AwsUnreachable) and self._is_endpoint_gone():
                watched.watcher.mark_gone()
                watched.last_error = ""
                self._end(watched)
                return
            self._retry(watched, error)
        else:
            watched.failures, watched.last_error = 0, ""
            watched.is_answered, watched.answered_ms = True, self._clock.monotonic_ms()

    def _retry(self, watched: WatchState, error: AwsRefused | UserMistake) -> None:
        """Record the error and the time of the retry; raise the error if a retry is useless.

        Credentials may expire, and their files may be written again, while a watch runs.
        """
        now_ms = self._clock.monotonic_ms()
        max_unreachable = self._max_unreachable_seconds
        is_first = not watched.is_answered and not isinstance(error, AwsUnreachable)
        if watched.failures == 0:
            # With events there is no poll for a long time; the last answer may be hours old.
            watched.failing_since_ms = now_ms
        is_late = (
            max_unreachable is not None
            and now_ms - watched.failing_since_ms > max_unreachable * 1000
        )
        if (is_first or is_late) and not (self._is_waiting and not watched.is_answered):
            raise error
        watched.failures += 1
        pause = max(UNTIL_A_MINUTE.pause_seconds(watched.failures), self._policy.interval_seconds)
        remedy = ""
        if not isinstance(error, AwsUnreachable):
            remedy = "; fix it; monitoring resumes by itself"
            with suppress(OtactlError):
                self._renew()
        watched.last_error = f"{error}{remedy}; next try in {pause:g} s"
        watched.due_ms = now_ms + int(pause * 1000)

    def _poll(self, watched: WatchState) -> None:
        watcher = watched.watcher
        if self._relies_on_events:
            self._poll_beside_events(watched)
        else:
            watcher.poll()
            watched.doubt = False
        self._schedule(watched)

    def _poll_beside_events(self, watched: WatchState) -> None:
        """Poll while relying on events: it should find nothing that was not reported."""
        watcher = watched.watcher
        if watched.doubt and watcher.lacks_executions:
            # The event is not late: it was lost.
            self._feed.missed()
            watched.doubt = False
            watcher.poll()
            return
        if watched.doubt and watcher.state.is_fully_reported:
            watched.doubt = False
            return
        if not watcher.poll(extra_calls=0):
            self._take(Connected())  # the id belongs to another job now: start again
            return
        watched.doubt = watcher.lacks_executions
        if not watched.doubt:
            watcher.catch_up(self._policy.extra_calls, with_details=False)
        watched.silent_after_seconds = min(
            watched.silent_after_seconds * 2, self._policy.silent_seconds
        )

    def _schedule(self, watched: WatchState) -> None:
        """Set when the next poll is due."""
        now_ms = self._clock.monotonic_ms()
        state = watched.watcher.state
        watched.note_poll(now_ms)
        if not self._relies_on_events or state.is_over or state.is_being_deleted:
            watched.due_ms = now_ms + int(self._policy.interval_seconds * 1000)
        elif watched.doubt:
            watched.due_ms = now_ms + GRACE_MS
        else:
            watched.due_ms = min(
                now_ms + int(watched.silent_after_seconds * 1000),
                max(now_ms, watched.polled_ms + int(self._policy.silent_seconds * 1000)),
            )

    def _check_caught_up(self) -> None:
        if self._feed.state is not FeedState.CATCHING_UP:
            return
        jobs = [watched for watched in self._jobs.values() if not watched.ended]
        if any(
            watched.last_error
            or watched.answered_ms < self._connected_ms
            or watched.watcher.lacks_executions
            for watched in jobs
        ):
            return
        self._feed.caught_up()
        for watched in jobs:
            watched.watcher.accept_missing()
            watched.silent_after_seconds = self._policy.silent_after_seconds
            self._schedule(watched)

    def _poll_alarms(self, now_ms: int) -> None:
        """Poll alarms and followed things, of which there are no events."""
        if not self._relies_on_events or now_ms < self._followed_due_ms:
            return
        self._followed_due_ms = now_ms + int(self._policy.interval_seconds * 1000)
        for watched in self._jobs.values():
            if not watched.ended and watched.watcher.state.job is not None:
                self._try(watched, lambda watched: watched.watcher.poll_alarms())
                watched.beats += 1  # the time has changed, if nothing else

    # Showing.

    def _show(self, watched: WatchState) -> None:
        now_ms = self._clock.monotonic_ms()
        news = self._news(watched)
        if watched.ended or news == watched.shown or now_ms - watched.shown_ms < SHOW_MS:
            return
        snapshot = self._snapshot(watched)
        if not (watched.closing or watched.last_error or watched.doubt) and self._is_over(
            watched.watcher.job_id, snapshot
        ):
            watched.closing, watched.due_ms = True, now_ms
            self._learn(watched)
        watched.shown_ms, watched.shown = now_ms, news
        self._on_snapshot(watched.watcher.job_id, snapshot)

    def _news(self, watched: WatchState) -> tuple[object, ...]:
        """A value that changes whenever a snapshot may change."""
        state = watched.watcher.state
        note = watched.last_error or self._feed.note
        return (
            state.version,
            state.polled_ms,
            watched.beats,
            note,
            watched.doubt,
            self._feed.state,
        )

    def _snapshot(self, watched: WatchState) -> JobSnapshot:
        return watched.watcher.snapshot(
            self._feed.source,
            watched.last_error or self._feed.note,
            is_stale=bool(watched.last_error),
        )

    def _learn(self, watched: WatchState) -> None:
        """Take each thing's report from the deployment's record, which saves a call a thing."""
        if watched.watcher.state.is_being_deleted:
            return  # then _end takes the whole result from there
        result = self._recorded_result(watched.watcher.job_id)
        if result is not None:
            watched.watcher.learn(result)

    def _close(self, watched: WatchState) -> None:
        """Complete the table of a job that is over, then end its watch."""
        watcher = watched.watcher
        known = watcher.state.job is not None and not watcher.state.is_being_deleted
        watched.due_ms = self._clock.monotonic_ms()
        if not known or watcher.catch_up(_CLOSING_CALLS):
            self._end(watched)

    def _end(self, watched: WatchState) -> None:
        """End the watch of a job; if the service deleted it, use the deployment's record."""
        watcher = watched.watcher
        # While AWS deletes it, which takes a while (aws-facts A4), its counts no longer grow.
        if watcher.state.is_being_deleted:
            result = self._recorded_result(watcher.job_id)
            if result is not None:
                watcher.conclude(result)
        watched.ended = True
        self._on_snapshot(watcher.job_id, self._snapshot(watched))

    def _seconds_to_wait(self) -> float:
        now_ms = self._clock.monotonic_ms()
        jobs = [watched for watched in self._jobs.values() if not watched.ended]
        due_ms = [watched.due_ms for watched in jobs]
        due_ms += [
            watched.shown_ms + SHOW_MS for watched in jobs if self._news(watched) != watched.shown
        ]
        if self._relies_on_events:
            due_ms.append(self._followed_due_ms)
        seconds = max(0.0, (min(due_ms) - now_ms) / 1000)
        return min(seconds, _WAITING_SECONDS) if self._is_waiting else seconds

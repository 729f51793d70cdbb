"""Watches jobs until they are over or somebody stops: when to look, when to rely on events.

One loop for any number of jobs. While polling, each job is looked at once per interval. While
events can be relied on nobody asks, except when

- none has come for a while: one look tells whether nothing happened, or events were lost;
- ``silent_seconds`` have passed: events never tell who is silent;
- a job's last event says that more has ended than was reported.

A deployment deletes its job as soon as that is over, often before anybody looks again. How it ended
is then taken from what the deployment wrote down, where that can be read.

What AWS refuses or the network swallows is said in the snapshot's note and tried again, less and
less often; what is known stays. Only what AWS refuses at the very first look ends the watch: that
is a mistake, and no bad moment.

A snapshot of a large job costs milliseconds, an event microseconds. So events are taken in as they
come, and a snapshot is made when one may be shown.
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
from otactl.monitor.ports import Connected, Lost, Message, MessageSource, ThingHeard
from otactl.monitor.watch_policy import WatchPolicy
from otactl.monitor.watch_state import WatchState
from otactl.rules.backoff import MAX_UNREACHABLE_SECONDS, UNTIL_A_MINUTE
from otactl.wire.job_event import ExecutionEvent, JobEvent

#: An event may overtake another; what seems to be missing is asked for only after so long.
GRACE_MS = 2000
#: From one snapshot of a job to the next, at least: events come in bursts.
SHOW_MS = 200
#: Calls in a row that complete the picture of a job that is over.
_CLOSING_CALLS = 20

#: How often a watch that waits for its jobs asks whether they began elsewhere.
_WAITING_SECONDS = 1.0


class BegunElsewhere(Exception):
    """Raised when the jobs that are waited for began in another cloud."""


class Watch:
    """Watches jobs.

    Args:
        watchers: One for each job.
        messages: Where events come in; also what the loop waits on.
        clock: Time.
        policy: How closely.
        on_snapshot: Called with a job's id and how it stands, whenever that may have changed.
        is_over: Whether a job has ended for good, by its id and snapshot.
        expects_events: Whether events were asked for.
        renew: Called when AWS refused, before the next try: the credentials may be other ones.
        last_word: What the deployment of a job wrote down of it, by its id; None when nobody knows.
        is_endpoint_gone: Whether the cloud the jobs are in went for good, as a rehearsal's does.
        is_elsewhere: Given when jobs that are not there yet are waited for: whether they began in
            another cloud. Until AWS first answered, refusals and missing credentials are retried.
        max_unreachable_seconds: How long AWS may refuse or be out of reach before that is
            raised; None to try for ever.
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
        last_word: Callable[[str], RoundResult | None] = lambda _: None,
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
        self._last_word = last_word
        self._is_endpoint_gone = is_endpoint_gone
        self._is_elsewhere = is_elsewhere
        self._max_unreachable_seconds = max_unreachable_seconds
        self._feed = Feed(expects_events=expects_events)
        self._connected_ms = 0
        now_ms = clock.monotonic_ms()
        self._turns = {
            watcher.job_id: WatchState(watcher, now_ms, now_ms, policy.silent_after_seconds)
            for watcher in watchers
        }
        self._followed_due_ms = now_ms

    def run(self) -> None:
        """Watch until every job is over.

        Raises:
            AwsRefused: AWS kept refusing, or stayed out of reach, for longer than the patience.
            BegunElsewhere: The jobs that were waited for began in another cloud.
            Interrupted: The user asked to stop.
        """
        while True:
            if self._is_waiting and self._is_elsewhere is not None and self._is_elsewhere():
                raise BegunElsewhere
            now_ms = self._clock.monotonic_ms()
            for watched in self._turns.values():
                if not watched.ended and watched.due_ms <= now_ms:
                    self._try(watched, self._close if watched.closing else self._poll)
            self._check_caught_up()
            self._poll_alarms(now_ms)
            for watched in self._turns.values():
                self._show(watched)
            if all(watched.ended for watched in self._turns.values()):
                return
            for message in self._messages.receive(self._seconds_to_wait()):
                self._take(message)

    def poll_now(self) -> None:
        """Let the loop look at every job when it next comes round."""
        for watched in self._turns.values():
            watched.due_ms = 0

    @property
    def _is_waiting(self) -> bool:
        """Whether jobs are waited for, and none of them was seen."""
        return self._is_elsewhere is not None and all(
            watched.watcher.state.job is None for watched in self._turns.values()
        )

    @property
    def _relies_on_events(self) -> bool:
        return self._feed.state is FeedState.EVENTS

    # What was heard.

    def _take(self, message: Message) -> None:
        match message:
            case Connected():
                self._connected_ms = self._clock.monotonic_ms()
                self._feed.connected()
                self.poll_now()
            case Lost(reason):
                self._feed.lost(reason)
                self.poll_now()
            case ThingHeard():
                for watched in self._turns.values():
                    if watched.watcher.followed is not None:
                        watched.watcher.followed.hear(message)
                        watched.beats += 1
            case None:
                self.poll_now()
            case _:
                self._take_event(message)

    def _take_event(self, event: JobEvent | ExecutionEvent) -> None:
        watched = self._turns.get(event.job_id)
        if watched is None or watched.ended:
            return
        asks = watched.watcher.take(event)
        if self._feed.state is FeedState.POLLING:
            # They come after all: what was missed meanwhile is asked for.
            self._take(Connected())
        elif self._relies_on_events:
            watched.silent_after_seconds = self._policy.silent_after_seconds
            self._schedule(watched)
        if asks:
            watched.doubt = True
            watched.due_ms = min(watched.due_ms, self._clock.monotonic_ms() + GRACE_MS)

    # Looking.

    def _try(self, watched: WatchState, act: Callable[[WatchState], None]) -> None:
        """Call AWS; on failure record the error and retry."""
        try:
            act(watched)
        except (AwsRefused, UserMistake) as error:
            if isinstance(error, AwsUnreachable) and self._is_endpoint_gone():
                watched.watcher.lose()
                watched.last_error = ""
                self._end(watched)
                return
            self._retry(watched, error)
        else:
            watched.failures, watched.last_error = 0, ""
            watched.is_answered, watched.answered_ms = True, self._clock.monotonic_ms()

    def _retry(self, watched: WatchState, error: AwsRefused | UserMistake) -> None:
        """Say what went wrong and when it is tried again; raise it when that is of no use.

        Credentials run out, and files with them are written anew, while somebody watches.
        """
        now_ms = self._clock.monotonic_ms()
        max_unreachable = self._max_unreachable_seconds
        is_first = not watched.is_answered and not isinstance(error, AwsUnreachable)
        if watched.failures == 0:
            # Beside events nobody asks for long; the last answer may be hours old.
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
        """A poll that should find nothing that was not reported."""
        watcher = watched.watcher
        if watched.doubt and watcher.lacks_executions:
            # It is not on its way: it was lost.
            self._feed.missed()
            watched.doubt = False
            watcher.poll()
            return
        if watched.doubt and watcher.state.is_fully_reported:
            watched.doubt = False
            return
        if not watcher.poll(extra_calls=0):
            self._take(Connected())  # another job goes by this id now: from the beginning
            return
        watched.doubt = watcher.lacks_executions
        if not watched.doubt:
            watcher.catch_up(self._policy.extra_calls, with_details=False)
        watched.silent_after_seconds = min(
            watched.silent_after_seconds * 2, self._policy.silent_seconds
        )

    def _schedule(self, watched: WatchState) -> None:
        """When the next look is due."""
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
        turns = [watched for watched in self._turns.values() if not watched.ended]
        if any(
            watched.last_error
            or watched.answered_ms < self._connected_ms
            or watched.watcher.lacks_executions
            for watched in turns
        ):
            return
        self._feed.caught_up()
        for watched in turns:
            watched.watcher.accept_missing()
            watched.silent_after_seconds = self._policy.silent_after_seconds
            self._schedule(watched)

    def _poll_alarms(self, now_ms: int) -> None:
        """Alarms and followed things: no event tells of them."""
        if not self._relies_on_events or now_ms < self._followed_due_ms:
            return
        self._followed_due_ms = now_ms + int(self._policy.interval_seconds * 1000)
        for watched in self._turns.values():
            if not watched.ended and watched.watcher.state.job is not None:
                self._try(watched, lambda watched: watched.watcher.poll_alarms())
                watched.beats += 1  # time goes on, if nothing else

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
        """What differs when a snapshot may."""
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
        """What the deployment knows of each thing, the service need not be asked one by one."""
        if watched.watcher.state.is_being_deleted:
            return  # then the whole end is taken from there
        result = self._last_word(watched.watcher.job_id)
        if result is not None:
            watched.watcher.learn(result)

    def _close(self, watched: WatchState) -> None:
        """The job is over: complete the picture, then leave it alone."""
        watcher = watched.watcher
        known = watcher.state.job is not None and not watcher.state.is_being_deleted
        watched.due_ms = self._clock.monotonic_ms()
        if not known or watcher.catch_up(_CLOSING_CALLS):
            self._end(watched)

    def _end(self, watched: WatchState) -> None:
        """Nothing more will come; what the service can no longer tell, the deployment may have."""
        watcher = watched.watcher
        # While AWS deletes it, which takes its time (aws-facts A4), the counts grow no more.
        if watcher.state.is_being_deleted:
            result = self._last_word(watcher.job_id)
            if result is not None:
                watcher.conclude(result)
        watched.ended = True
        self._on_snapshot(watcher.job_id, self._snapshot(watched))

    def _seconds_to_wait(self) -> float:
        now_ms = self._clock.monotonic_ms()
        turns = [watched for watched in self._turns.values() if not watched.ended]
        due_ms = [watched.due_ms for watched in turns]
        due_ms += [
            watched.shown_ms + SHOW_MS for watched in turns if self._news(watched) != watched.shown
        ]
        if self._relies_on_events:
            due_ms.append(self._followed_due_ms)
        seconds = max(0.0, (min(due_ms) - now_ms) / 1000)
        return min(seconds, _WAITING_SECONDS) if self._is_waiting else seconds

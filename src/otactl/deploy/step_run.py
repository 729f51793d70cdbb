"""Does and undoes single steps, with an entry in the journal before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from otactl.deploy.consent import Consent
from otactl.deploy.journal import Journal, StepState
from otactl.deploy.journal_file import JournalUnusable
from otactl.deploy.observer import Moment, Observer, StepMoment
from otactl.deploy.ports import Services
from otactl.deploy.step import Step, StepContext
from otactl.errors import JobUnfinished, OtactlError
from otactl.model.clock import Clock
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobSnapshot
from otactl.model.wave import Act
from otactl.rules.backoff import Retry

#: A step in one of these states is not done again, unless a reopened journal says so: what was
#: undone in a deployment that goes on, such as the group of a wave that is over, is not needed.
_BEHIND = (StepState.DONE, StepState.UNDOING, StepState.UNDONE)
#: The least time from one entry to the next: each is a write to disk.
_KEEP_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitOptions:
    """How long this process waits at gates; the rollout continues without it.

    Attributes:
        leaves: Whether it leaves at once a gate that neither passes nor fails.
        max_wait_seconds: After how long it leaves; None for never.
        answer: What a rehearsal answers if a gate needs a decision.
    """

    leaves: bool = False
    max_wait_seconds: float | None = None
    answer: Act | None = None


class WaitedTime:
    """The time one step has taken so far; a process that resumes the step continues it.

    ``--max-wait`` is a span of the user's time, for any number of processes. What a killed process
    had not yet written is lost: a few seconds.
    """

    def __init__(self, journal: Journal, key: str, clock: Clock) -> None:
        self._journal = journal
        self._key = key
        self._clock = clock
        self._earlier_ms = journal.waited_ms(key)
        self._started_ms = self._kept_at_ms = clock.monotonic_ms()

    def ms(self) -> int:
        """Milliseconds, those of earlier processes included."""
        return self._earlier_ms + self._clock.monotonic_ms() - self._started_ms

    def keep(self) -> None:
        """Write it into the journal."""
        self._journal.enter_waited(self._key, self.ms())

    def keep_if_due(self) -> None:
        """Write it into the journal, unless that was done within five seconds."""
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._kept_at_ms >= _KEEP_MS:
            self._kept_at_ms = now_ms
            self.keep()


@dataclass(eq=False)
class StepRun:
    """The steps of one deployment.

    Attributes:
        observer: Is notified of each step, and of what it reports.
        consent: What allows it to delete a job that has not ended.
    """

    journal: Journal
    services: Services
    observer: Observer
    consent: Consent
    #: What was undone, in order.
    undone: list[str] = field(init=False, default_factory=list)

    def do(
        self,
        step: Step,
        act: Callable[[Step, StepContext], Mapping[str, object]],
        *,
        again: bool = False,
    ) -> Mapping[str, object]:
        """Do a step, unless it is done or was undone since, and return its record.

        With ``again``, a step that is done is repeated.
        """
        if self.journal.state(step.key) in _BEHIND and not again:
            return self.journal.record(step.key) or {}
        self.services.clock.check()
        self._report(step, Moment.BEFORE_BEGIN)
        self._enter(step, StepState.BEGUN)
        self._report(step, Moment.BEGUN)
        waited = WaitedTime(self.journal, step.key, self.services.clock)
        retry = self.retry()
        try:
            record = retry.until_done(lambda: act(step, self.context(step, retry, waited)))
        except OtactlError:
            with suppress(JournalUnusable):
                waited.keep()
            raise
        self._report(step, Moment.AFTER_DO)
        self._enter(step, StepState.DONE, record)
        self._report(step, Moment.DONE)
        return record

    def undo(self, step: Step) -> None:
        """Undo a step that was begun."""
        if self.journal.state(step.key) in (None, StepState.UNDONE):
            return
        self._enter(step, StepState.UNDOING)
        self._report(step, Moment.UNDOING)
        retry = self.retry()
        record = self.journal.record(step.key)
        try:
            undone = retry.until_done(lambda: step.undo(self.context(step, retry), record))
        except JobUnfinished:
            self._enter(step, StepState.DONE)
            raise
        self._report(step, Moment.AFTER_UNDO)
        self._enter(step, StepState.UNDONE)
        if undone and step.resource is not None:
            self.undone.append(step.resource)
        self._report(step, Moment.UNDONE, deleted=undone)

    def retry(self) -> Retry:
        """A network failure pauses a step; it does not end it."""
        clock = self.services.clock
        return Retry(clock.sleep, self.observer.on_pause, monotonic_ms=clock.monotonic_ms)

    def remains(self, step: Step) -> bool:
        """Check whether what a step created still exists."""
        if step.resource is None or self.journal.state(step.key) is None:
            return False
        return step.remains(self.context(step), self.journal.record(step.key))

    def context(
        self, step: Step, retry: Retry | None = None, waited: WaitedTime | None = None
    ) -> StepContext:
        """What a step may use; each of its reports shows that AWS answers."""
        journal, observer = self.journal, self.observer
        spans: list[WaitedTime] = [] if waited is None else [waited]

        def answered() -> None:
            if retry is not None:
                retry.answered()
            for each in spans:
                each.keep_if_due()

        def span(name: str) -> Callable[[], int]:
            begun = WaitedTime(journal, f"{step.key}/{name}", self.services.clock)
            spans.append(begun)
            return begun.ms

        def on_progress(done: int, of: int) -> None:
            answered()
            observer.on_progress(step, done, of)

        def on_snapshot(snapshot: JobSnapshot) -> None:
            answered()
            observer.on_snapshot(getattr(step, "round", 0), snapshot)

        def on_executions(round_number: int, executions: Sequence[ThingOutcome]) -> None:
            answered()
            journal.enter_executions(round_number, executions)

        return StepContext(
            services=self.services,
            deployment_id=journal.plan.deployment_id,
            targets=journal.targets,
            on_progress=on_progress,
            on_snapshot=on_snapshot,
            on_executions=on_executions,
            on_members=journal.enter_members,
            has_members=journal.has_members,
            not_reached=journal.not_reached,
            on_note=observer.on_note,
            consent=self.consent,
            has_deadline=not journal.is_reopened,
            waited_ms=int if waited is None else waited.ms,
            span=span,
        )

    def _enter(
        self, step: Step, state: StepState, record: Mapping[str, object] | None = None
    ) -> None:
        self.journal.enter(step.key, state, now_ms=self.services.clock.now_ms(), record=record)

    def _report(self, step: Step, moment: Moment, *, deleted: bool = False) -> None:
        self.observer.on_step(StepMoment(step, moment, deleted))

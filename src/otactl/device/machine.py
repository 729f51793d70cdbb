"""The device: events go in, effects come out. No socket, no file, no clock.

How to drive it (``fleet.agent`` does)::

    device = Device("pump-7", session="4f1c")
    for effect in device.handle(Connected(), now_ms):
        ...                          # perform it; pass the resulting event to handle()
    device.next_deadline_ms()        # call on_time() then, unless an event comes first

``state`` has the legal transitions; this module only routes. ``inquiry`` and ``reporter`` talk to
the jobs service, ``work`` runs an execution, ``aftermath`` is what happens after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from otactl.device import event as happened
from otactl.device.aftermath import Aftermath
from otactl.device.behaviour import Behaviour
from otactl.device.effect import CUTTING, Effect, Finished, ForgetWork
from otactl.device.inquiry import Inquiry, Question
from otactl.device.job import Job
from otactl.device.profile import DeviceProfile
from otactl.device.report import REASON, Report
from otactl.device.reporter import Reporter, Verdict
from otactl.device.retry import RetryTimer, earliest, spread_of
from otactl.device.saved_work import SavedWork
from otactl.device.state import Phase, Trigger, step
from otactl.device.work import Work
from otactl.model.status import ExecutionStatus


class Device:
    """One device.

    Args:
        thing_name: Spreads the device's retries among those of its fleet.
        saved: The saved work of an earlier process.
        has_public_key: Whether the shell can check signatures.
        runs_well: Versions and digests of images that do not fail, whatever the behaviour.
        session: The prefix of every client token, unique per process, so that a late answer to an
            earlier process is not taken for one to this process. At most 40 characters.
    """

    def __init__(
        self,
        thing_name: str,
        *,
        session: str,
        profile: DeviceProfile | None = None,
        behaviour: Behaviour = Behaviour.SUCCEED,
        saved: SavedWork | None = None,
        has_public_key: bool = False,
        reports_version: bool = False,
        runs_well: frozenset[str] = frozenset(),
    ) -> None:
        self._profile = profile or DeviceProfile()
        self._behaviour = behaviour
        self._saved = saved
        self._has_public_key = has_public_key
        self._runs_well = runs_well
        self._aftermath = Aftermath(self._profile, reports_version=reports_version)
        self._session = session
        self._tokens = 0
        self._works = 0
        self._spread = spread_of(thing_name)
        self._connected = False
        self._work: Work | None = None
        self._final: Report | None = None
        self._poll_at_ms: int | None = None
        self._inquiry = Inquiry(self._new_timer(), self._new_token)
        self._reporter = Reporter(
            self._new_timer(), self._new_token, self._profile.progress_shortest_ms
        )

    @property
    def phase(self) -> Phase:
        """What the device is doing."""
        return self._work.phase if self._work else Phase.IDLE

    @property
    def is_settled(self) -> bool:
        """Whether it is connected and the service has answered that nothing is pending.

        A device that is offline for good, or in a crash loop, is settled too.
        """
        if self._work is None and self._aftermath.is_lost:
            return True
        return self._connected and self._work is None and self._inquiry.question is None

    @property
    def job_id(self) -> str | None:
        """The current job, if any."""
        return self._work.job.job_id if self._work else None

    def next_deadline_ms(self) -> int | None:
        """When to call ``on_time``, unless an event comes first."""
        return earliest(
            self._poll_at_ms,
            self._inquiry.next_deadline_ms,
            self._reporter.next_deadline_ms if self._connected else None,
            self._aftermath.next_deadline_ms if self._connected else None,
            self._work.next_deadline_ms if self._work else None,
        )

    def handle(self, event: happened.Event, now_ms: int) -> list[Effect]:
        """Handle an event; returns the effects to perform, in order."""
        handler = self._HANDLERS.get(type(event))
        if handler is not None:
            effects = handler(self, event, now_ms)
        else:
            effects = self._work.handle(event, now_ms) if self._work else []
        return self._proceed(effects, now_ms)

    def on_time(self, now_ms: int) -> list[Effect]:
        """Handle the deadlines that have passed."""
        effects: list[Effect] = []
        if self._work is not None:
            effects += self._work.on_time(now_ms)
        if self._connected:
            effects += self._inquiry.on_time(now_ms)
            if self._poll_at_ms is not None and self._poll_at_ms <= now_ms:
                effects += self._poll(now_ms)
            effects += self._aftermath.on_time(now_ms)
        return self._proceed(effects, now_ms)

    def _proceed(self, effects: list[Effect], now_ms: int) -> list[Effect]:
        """Advance as far as possible without a new event."""
        if (work := self._work) is not None:
            effects += work.proceed(now_ms)
            if work.verdict is not None and self._final is None:
                self._final = work.verdict
                self._reporter.report(work.verdict)
            elif (progress := work.due_progress(now_ms)) is not None:
                self._reporter.report(progress)
            if work.wants_url and self._connected and self._inquiry.question is None:
                effects += self._inquiry.ask(Question.DESCRIBE_NEXT, now_ms)
        if self._connected:
            effects += self._reporter.send_due(now_ms)
        # Effects that end the connection come last, or the others could not be sent.
        return sorted(effects, key=lambda effect: isinstance(effect, CUTTING))

    def _on_connected(self, _event: happened.Connected, now_ms: int) -> list[Effect]:
        self._connected = True
        has_verdict = self.phase in (Phase.SELF_TESTING, Phase.REPORTING)
        effects = self._aftermath.connected(now_ms, has_verdict=has_verdict)
        if self._work is None:
            return effects + self._ask_for_work(now_ms)
        self._work.resume()
        if self._work.phase is Phase.REPORTING:
            # The answer to the report shows whether the execution is still ours.
            return effects
        return effects + self._inquiry.ask(Question.DESCRIBE_NEXT, now_ms)

    def _on_disconnected(self, _event: happened.Disconnected, _now_ms: int) -> list[Effect]:
        self._connected = False
        self._poll_at_ms = None
        self._inquiry.suspend()
        self._reporter.suspend()
        if self._work is not None:
            self._work.suspend()
        return []

    def _on_booted(self, event: happened.Booted, now_ms: int) -> list[Effect]:
        if event.work == 0:
            return self._aftermath.rebooted()
        self._aftermath.image_booted()
        return self._work.handle(event, now_ms) if self._work else []

    def _on_job_answered(self, event: happened.JobAnswered, now_ms: int) -> list[Effect]:
        question = self._inquiry.question
        if not self._inquiry.answered(event.token):
            return []
        again = self._inquiry.take_again()
        if (work := self._work) is not None:
            return self._check(work, event.job, now_ms, again=again)
        if question is Question.START_NEXT and event.job is not None:
            return self._take(event.job, now_ms)
        if question is Question.DESCRIBE_NEXT or again:
            return self._ask_for_work(now_ms)
        self._poll_at_ms = now_ms + self._profile.idle_poll_ms
        return []

    def _check(self, work: Work, job: Job | None, now_ms: int, *, again: bool) -> list[Effect]:
        """Continue, or drop the work if another execution is first in the queue."""
        if (
            job is None
            or job.identity != work.job.identity
            # QUEUED again: a new job with the same id.
            or job.status is not ExecutionStatus.IN_PROGRESS
        ):
            if work.phase is Phase.REPORTING and self._reporter.has_sent_final:
                # It ended, most likely by our own report, whose answer was lost.
                return self._close(work, now_ms)
            return self._drop(work, now_ms)
        self._reporter.synchronise(job.version_number)
        work.renew(job)
        self._watch_silence(work, now_ms)
        return self._inquiry.ask(Question.DESCRIBE_NEXT, now_ms) if again else []

    def _on_job_refused(self, event: happened.JobRefused, now_ms: int) -> list[Effect]:
        self._inquiry.refused(event.token, now_ms)
        return []

    def _on_next_changed(self, event: happened.NextChanged, now_ms: int) -> list[Effect]:
        if not self._connected:
            return []
        if (work := self._work) is None:
            return self._inquiry.ask_after(Question.START_NEXT, now_ms) if event.job else []
        if event.job is not None and event.job.identity == work.job.identity:
            return []
        # The notification may be late or doubled: ask before dropping the work.
        return self._inquiry.ask_after(Question.DESCRIBE_NEXT, now_ms)

    def _on_update_accepted(self, event: happened.UpdateAccepted, now_ms: int) -> list[Effect]:
        verdict = self._reporter.accepted(event.token)
        if verdict is Verdict.DELIVERED and self._work is not None:
            return self._close(self._work, now_ms)
        return []

    def _on_update_rejected(self, event: happened.UpdateRejected, now_ms: int) -> list[Effect]:
        verdict = self._reporter.rejected(event, now_ms)
        if verdict is Verdict.DELIVERED and self._work is not None:
            return self._close(self._work, now_ms)
        if verdict is Verdict.GONE and self._work is not None:
            status = event.current_status
            ended = status if status and status.is_terminal else None
            return self._drop(self._work, now_ms, ended)
        if verdict is Verdict.UNSURE:
            return self._inquiry.ask_after(Question.DESCRIBE_NEXT, now_ms)
        return []

    def _take(self, job: Job, now_ms: int) -> list[Effect]:
        self._works += 1
        self._work = work = Work(
            job,
            self._works,
            profile=self._profile,
            behaviour=self._behaviour,
            new_timer=self._new_timer,
            new_token=self._new_token,
            runs_well=self._runs_well,
        )
        self._final = None
        self._reporter.begin(job, now_ms)
        saved, self._saved = self._saved, None
        effects = work.start(saved, now_ms, has_public_key=self._has_public_key)
        self._watch_silence(work, now_ms)
        return effects

    def _close(self, work: Work, now_ms: int) -> list[Effect]:
        """End the work: the service has the final report."""
        step(work.phase, Trigger.REPORT_CLOSED)
        return self._end(work, self._final.status if self._final else None, now_ms)

    def _drop(self, work: Work, now_ms: int, status: ExecutionStatus | None = None) -> list[Effect]:
        """Drop an execution that is no longer ours; ``status`` is its terminal one, if known."""
        step(work.phase, Trigger.JOB_GONE)
        self._final = None
        return self._end(work, status, now_ms)

    def _end(self, work: Work, status: ExecutionStatus | None, now_ms: int) -> list[Effect]:
        self._work = None
        self._reporter.end()
        details = self._final.details if self._final else {}
        counts = work.counts
        fate = work.fate if status is ExecutionStatus.SUCCEEDED else None
        effects: list[Effect] = [
            ForgetWork(keep_former=fate is Behaviour.REVERT),
            Finished(
                job_id=work.job.job_id,
                execution_number=work.job.execution_number,
                status=status,
                # An agent's verdict has a reason even on success.
                reason="" if status is ExecutionStatus.SUCCEEDED else details.get(REASON, ""),
                sha256=work.sha256,
                download_ms=counts.duration_ms if counts else 0,
                received_blocks=counts.received_blocks if counts else 0,
                retries=counts.retries if counts else 0,
            ),
        ]
        effects += self._aftermath.execution_ended(fate, now_ms)
        # Another execution may be queued, and its notification may have been lost.
        asks = self._connected and not isinstance(effects[-1], CUTTING)
        return effects + (self._ask_for_work(now_ms) if asks else [])

    def _watch_silence(self, work: Work, now_ms: int) -> None:
        """Poll while silent: the device sends no report whose answer would show a lost job."""
        if work.phase is Phase.SILENT:
            self._poll_at_ms = now_ms + self._profile.idle_poll_ms

    def _poll(self, now_ms: int) -> list[Effect]:
        if self._work is None:
            return self._ask_for_work(now_ms)
        self._poll_at_ms = None
        return self._inquiry.ask_after(Question.DESCRIBE_NEXT, now_ms)

    def _ask_for_work(self, now_ms: int) -> list[Effect]:
        self._poll_at_ms = None
        return self._inquiry.ask(Question.START_NEXT, now_ms)

    def _new_timer(self) -> RetryTimer:
        profile = self._profile
        return RetryTimer(profile.answer_timeout_ms, profile.longest_backoff_ms, self._spread)

    def _new_token(self) -> str:
        self._tokens += 1
        return f"{self._session}-{self._tokens}"

    #: A class attribute to save memory: a fleet has thousands of devices.
    _HANDLERS: ClassVar[dict[type, Callable[[Device, Any, int], list[Effect]]]] = {
        happened.Connected: _on_connected,
        happened.Disconnected: _on_disconnected,
        happened.Booted: _on_booted,
        happened.JobAnswered: _on_job_answered,
        happened.JobRefused: _on_job_refused,
        happened.NextChanged: _on_next_changed,
        happened.UpdateAccepted: _on_update_accepted,
        happened.UpdateRejected: _on_update_rejected,
    }

"""What the steps of waves do (``deploy.step.wave``): fill, wait at gates, end.

A verdict is recorded before it is acted on. A fail is final; a pass is judged again as long as the
next wave's job does not exist.
"""

from __future__ import annotations

from collections.abc import Callable

from otactl.deploy.decision_file import Decisions
from otactl.deploy.journal import Journal
from otactl.deploy.observer import Observer
from otactl.deploy.ports import Services
from otactl.deploy.step import Step, StepContext
from otactl.deploy.step.base import Record
from otactl.deploy.step_run import WaitOptions
from otactl.deploy.wave_closing import WaveEnding
from otactl.deploy.wave_comparison import WaveComparer
from otactl.deploy.wave_filling import GroupFilling
from otactl.deploy.wave_gate import GateJudge
from otactl.deploy.wave_poll import WavePoll
from otactl.deploy.wave_verify import VersionVerifier
from otactl.errors import GateWaits, UserMistake
from otactl.model.snapshot import JobSnapshot
from otactl.model.wave import Act, Decision, GateStatus, Verdict

#: How long a process that does not wait fills the next wave's group.
_VISIT_SECONDS = 60


class WaveRun:
    """Carries out the waves of one deployment in one process."""

    def __init__(
        self,
        journal: Journal,
        services: Services,
        observer: Observer,
        *,
        verifier: VersionVerifier,
        decisions: Decisions,
        options: WaitOptions,
        undo: Callable[[Step], None],
    ) -> None:
        self._plan = journal.plan
        self._journal = journal
        self._services = services
        self._observer = observer
        self._decisions = decisions
        self._options = options
        self._started_ms = services.clock.monotonic_ms()
        self.filling = GroupFilling(journal, services)
        self.comparer = WaveComparer(journal, services)
        self._verifier = verifier
        self.judge = GateJudge(
            journal=journal,
            services=services,
            verifier=verifier,
            filling=self.filling,
            comparer=self.comparer,
            decisions=decisions,
            on_poll=self._on_poll,
        )
        self.ending = WaveEnding(
            journal, services, verifier=verifier, now_ms=self.judge.now_ms, undo=undo
        )
        self._context: StepContext | None = None
        self._number = 0
        self._notified: tuple[object, ...] = ()

    def check(self) -> None:
        """Refuse a journal that lacks things of a wave.

        Raises:
            UserMistake: It does; then nothing was created.
        """
        for number, wave in enumerate(self._plan.waves, start=1):
            if self._journal.count_wave_things(number) != wave.things:
                raise UserMistake(
                    f"the journal of deployment {self._plan.deployment_id} lacks the things of"
                    f" wave {wave.name}: it is incomplete",
                    hint="deploy again, and `otactl clean` this one",
                )

    def pass_gate(self, context: StepContext, number: int) -> Record:
        """Wait until the gate of a wave passes or fails."""
        self._context, self._number = context, number
        self._verifier.on_progress = context.on_progress
        status = next((each for each in self._journal.gates if each.wave == number), None)
        while status is None or status.verdict is not Verdict.FAIL:
            status = self.judge.poll(number)
            self._enter(status)
            if status.verdict is Verdict.PASS:
                break
            if status.verdict is not Verdict.FAIL:
                self._wait(status)
        return {"verdict": status.verdict.value, "reasons": list(status.reasons)}

    def end(self, context: StepContext) -> None:
        """Cancel what must be cancelled, and record the result of every wave."""
        self._context = context
        self.judge.poll_continuous()
        for result in self.ending.end(context):
            self._journal.enter_round(result)
            self._observer.on_round(result)

    def _enter(self, status: GateStatus) -> None:
        self._observer.on_gate(status, written=False)
        self._journal.enter_gate(status)
        self._observer.on_gate(status, written=True)
        shown = (status.wave, status.verdict, status.question, status.soak_left_ms is None)
        if shown != self._notified:
            self._notified = shown
            self._observer.on_note(status.words)

    def _wait(self, status: GateStatus) -> None:
        """Fill the next group until the next poll, or leave."""
        if status.question is not None and self._options.answer is not None:
            self._answer(status, self._options.answer)
            return
        limit = self._options.max_wait_seconds
        waited_ms = self._services.clock.monotonic_ms() - self._started_ms
        is_late = limit is not None and waited_ms >= limit * 1000
        following = status.wave + 1
        seconds = self._services.poll_seconds
        until_ms = self._services.clock.monotonic_ms() + seconds * 1000
        if self._options.leaves and self.filling.missing(following):
            self.filling.fill(following, _VISIT_SECONDS)
            is_late = True
        elif self.filling.missing(following):
            self.filling.fill(following, seconds)
        if self._options.leaves or is_late:
            raise GateWaits(status.words, hint=self._hint(status))
        # AWS may list a new member late; then there is nothing to fill, and time is left.
        left_ms = until_ms - self._services.clock.monotonic_ms()
        if left_ms > 0:
            self._services.clock.sleep(left_ms / 1000)

    def _hint(self, status: GateStatus) -> str:
        name = self._plan.deployment_id
        act = f"`otactl approve {name}` or `otactl reject {name}`, then " if status.question else ""
        return f"{act}`otactl resume {name}` goes on"

    def _answer(self, status: GateStatus, act: Act) -> None:
        self._decisions.append(
            Decision(
                act=act,
                identity=f"rehearse --{act}",
                host="rehearsal",
                at_ms=self._services.clock.now_ms(),
                wave=status.name if act is Act.APPROVE else "",
                answers=status.question if act is Act.APPROVE else None,
                failed=status.failed_since,
            )
        )

    def _on_poll(self, number: int, poll: WavePoll) -> None:
        """Show the current wave's job, close a job that is settled, or delete a wave's group."""
        if self._context is not None and number == self._number:
            snapshot = JobSnapshot(at_ms=self._services.clock.now_ms(), job=poll.job)
            self._context.on_snapshot(snapshot)
        if poll.is_settled and self._context is not None:
            self.ending.close_settled(number)
        elif poll.job is not None:
            self.ending.release_group(number, poll.job, ended=poll.count.ended)

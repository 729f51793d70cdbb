"""Carries out a plan: journal entry, step, result. And undoes it.

The executor never decides what a step does; it decides what comes next: which steps are done
already (after a crash), when a round has failed so that the rest is skipped, and whether what was
created goes again. The rules of that:

- ``clean_up`` on: everything is undone at the end, however the end came about.
- ``clean_up`` off: what was created stays, unless no job was ever created: then nothing was
  deployed, and nothing may stay behind.
- Somebody else is there to go on (a worker of the queue): whoever is interrupted leaves everything
  as it stands, as if killed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from otactl.deploy.ending import Ending, failure_of
from otactl.deploy.journal import Phase, StepState
from otactl.deploy.observer import Moment, Observer, StepMoment
from otactl.deploy.patience import persist
from otactl.deploy.step import AwaitJob, CreateJob, StepContext
from otactl.deploy.step.job import round_result
from otactl.errors import AwsRefused, DeploymentFailed, Interrupted, OtactlError
from otactl.model.outcome import DeploymentResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from otactl.deploy.journal import Journal
    from otactl.deploy.ports import Services
    from otactl.deploy.step import Step
    from otactl.model.outcome import RoundResult

#: Failed things named in the message of a failed deployment; the report has them all.
_NAMED_FAILURES = 10


class Executor:
    """One deployment under way.

    Args:
        journal: An open journal, which holds the plan.
        services: The world.
        observer: Who is told.
        call_counts: The API calls made by this process so far, by operation.
        hands_over: Whether another process goes on when this one is stopped.
    """

    def __init__(
        self,
        journal: Journal,
        services: Services,
        observer: Observer,
        call_counts: Callable[[], Mapping[str, int]],
        *,
        hands_over: bool = False,
    ) -> None:
        self._journal = journal
        self._plan = journal.plan
        self._services = services
        self._observer = observer
        self._call_counts = call_counts
        self._hands_over = hands_over
        self._earlier_calls = journal.calls
        #: How the deployment failed, once it did.
        self.failure: OtactlError | None = None
        #: The titles of what was undone, in that order.
        self.undone: list[str] = []

    def run(self) -> DeploymentResult:
        """Carry out what is left of the plan, then clean up if the plan says so.

        A deployment that fails does not raise: the result says what happened, ``failure`` why.
        """
        if self._journal.phase is Phase.RUNNING:
            try:
                self._run_steps()
            except OtactlError as error:
                self._fail(error)
            except BaseException:
                # A fault of ours, or a second Ctrl-C: whatever it is, what is there is undone.
                if not self._hands_over:
                    self._wind_up()
                raise
        self._wind_up()
        return self.result()

    def clean(self) -> None:
        """Undo everything the journal knows of, whatever the plan says."""
        self._services.clock.shield()
        self._journal.enter_phase(Phase.CLEANING)
        for step in reversed(self._plan.steps):
            self._undo(step)
        self._finish()

    def result(self) -> DeploymentResult:
        """What the deployment came to so far."""
        return DeploymentResult(
            deployment_id=self._plan.deployment_id,
            job_id=self._plan.job_id,
            things=self._plan.things,
            planned_rounds=len(self._plan.rounds),
            rounds=self._journal.rounds,
            image_sha256=self._plan.image_sha256,
            api_calls=self._journal.calls,
            leftovers=(),
        )

    def leftovers(self) -> tuple[str, ...]:
        """What this deployment created and is still there, looked up one by one."""
        return tuple(
            step.resource
            for step in self._plan.steps
            if step.resource is not None
            and self._journal.state(step.key) is not None
            and step.remains(self._context(step), self._journal.record(step.key))
        )

    def _run_steps(self) -> None:
        for step in self._plan.setup:
            self._do(step)
        finished = {result.round: result for result in self._journal.rounds}
        for number, steps in enumerate(self._plan.rounds, start=1):
            if number in finished and finished[number].succeeded:
                # Whoever was killed here may have left its job, whose id the next round needs.
                self._take_back(steps)
                continue
            if number > 1:
                self._services.clock.sleep(self._plan.delay_seconds)
            self._run_round(steps)

    def _run_round(self, steps: Sequence[Step]) -> None:
        failure: DeploymentFailed | None = None
        for step in steps:
            record = self._do(step)
            if isinstance(step, AwaitJob):
                result = round_result(record)
                failure = _failure_of_round(step, record, result)
                self._journal.enter_round(result)
                self._observer.on_round(result)
        if failure is not None:
            raise failure
        self._take_back(steps)

    def _take_back(self, steps: Sequence[Step]) -> None:
        """After a round: leave nothing of it, when the plan says so."""
        if self._plan.clean_up:
            for step in reversed(steps):
                self._undo(step)

    def _do(self, step: Step) -> Mapping[str, object]:
        if self._journal.state(step.key) is StepState.DONE:
            return self._journal.record(step.key) or {}
        self._services.clock.check()
        self._tell(step, Moment.BEFORE_BEGIN)
        self._enter(step, StepState.BEGUN)
        self._tell(step, Moment.BEGUN)
        record = persist(
            lambda: step.do(self._context(step)),
            self._services.clock,
            on_pause=self._observer.on_pause,
        )
        self._tell(step, Moment.HAPPENED)
        self._enter(step, StepState.DONE, record)
        self._tell(step, Moment.DONE)
        return record

    def _undo(self, step: Step) -> None:
        if self._journal.state(step.key) in (None, StepState.UNDONE):
            return
        self._enter(step, StepState.UNDOING)
        self._tell(step, Moment.UNDOING)
        undone = persist(
            lambda: step.undo(self._context(step), self._journal.record(step.key)),
            self._services.clock,
            on_pause=self._observer.on_pause,
        )
        self._tell(step, Moment.UNHAPPENED)
        self._enter(step, StepState.UNDONE)
        if undone and step.resource is not None:
            self.undone.append(step.resource)
        self._tell(step, Moment.UNDONE, deleted=undone)

    def _wind_up(self) -> None:
        """After the last step, or the failure: undo what the plan says, and close the journal."""
        if self._hands_over and isinstance(self.failure, Interrupted):
            self._save_calls()
            return
        self._services.clock.shield()
        created_a_job = any(
            isinstance(step, CreateJob) and self._journal.record(step.key) is not None
            for step in self._plan.steps
        )
        if self._plan.clean_up or not created_a_job:
            try:
                self.clean()
            except AwsRefused as error:
                # The failure that came first is what the user must read; this one is added to it.
                hint = f"`otactl clean {self._plan.deployment_id}` tries again"
                self._fail(
                    AwsRefused(
                        error.operation, error.code, f"{error.reason} (cleaning up)", hint=hint
                    )
                )
                self._save_calls()
        elif self.failure is None or isinstance(self.failure, DeploymentFailed):
            self._finish()
        else:
            # AWS refused, or the user stopped us, with the job under way: it can be resumed.
            self._save_calls()

    def _finish(self) -> None:
        self._save_calls()
        self._journal.enter_phase(Phase.FINISHED)

    def _fail(self, error: OtactlError) -> None:
        self.failure = self.failure or error
        with suppress(OtactlError):
            self._journal.enter_failure(str(error))

    def _save_calls(self) -> None:
        counts = dict(self._earlier_calls)
        for name, count in self._call_counts().items():
            counts[name] = counts.get(name, 0) + count
        self._journal.enter_calls(counts)

    def _context(self, step: Step) -> StepContext:
        return StepContext(
            services=self._services,
            deployment_id=self._plan.deployment_id,
            targets=self._journal.targets,
            on_progress=lambda done, of: self._observer.on_progress(step, done, of),
            on_snapshot=lambda snapshot: self._observer.on_snapshot(
                getattr(step, "round", 0), snapshot
            ),
            on_executions=self._journal.enter_executions,
        )

    def _enter(
        self, step: Step, state: StepState, record: Mapping[str, object] | None = None
    ) -> None:
        self._journal.enter(step.key, state, now_ms=self._services.clock.now_ms(), record=record)

    def _tell(self, step: Step, moment: Moment, *, deleted: bool = False) -> None:
        self._observer.on_step(StepMoment(step, moment, deleted))


def _failure_of_round(
    step: AwaitJob, record: Mapping[str, object], result: RoundResult
) -> DeploymentFailed | None:
    failure = failure_of(
        Ending(str(record["ending"])),
        step.job_id,
        comment=str(record.get("comment") or ""),
        max_wait_seconds=step.max_wait_seconds,
    )
    if failure is not None or result.succeeded:
        return failure
    unsuccessful = result.unsuccessful
    total = sum(result.counts.values())
    if not total:
        return DeploymentFailed(f"round {step.round}: job {step.job_id} reached no thing at all")
    names = ", ".join(
        f"{outcome.thing_name} {outcome.status}"
        + (f" ({outcome.reason})" if outcome.reason else "")
        for outcome in unsuccessful[:_NAMED_FAILURES]
    )
    more = len(unsuccessful) - _NAMED_FAILURES
    return DeploymentFailed(
        f"round {step.round}: {len(unsuccessful)} of {total} things did not succeed:"
        f" {names}{f' and {more} more' if more > 0 else ''}"
    )

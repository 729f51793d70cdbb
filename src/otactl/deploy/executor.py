"""Carries out a plan: journal entry, step, result. And undoes it.

The executor never decides what a step does; it decides what comes next: which steps are done
already (after a crash), whether a round failed so that the rest is skipped, and whether what was
created is deleted again. The rules:

- Clean-up happens at an end: the last round, a failed round, or a failure before any job existed.
- ``clean_up`` on: at an end everything is undone, unless the job has not ended: then all is kept.
- ``clean_up`` off: what was created is kept, unless no job was ever created: then nothing was
  deployed, and everything is undone.
- Once a job exists, refusals, outages and signals are not an end: the rollout continues in AWS, and
  the deployment stays RUNNING, to be resumed. The same holds at every step for errors that pass by
  themselves or when the user signs in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from otactl.deploy.consent import Consent
from otactl.deploy.decision_file import DecisionFile, Decisions
from otactl.deploy.journal import Journal, Outcome, Phase, StepState
from otactl.deploy.journal_file import JournalUnusable
from otactl.deploy.observer import Observer
from otactl.deploy.ports import Services
from otactl.deploy.recorded_result import (
    failure_of_clean_up,
    failure_of_gates,
    failure_of_round,
    failure_of_versions,
    passes_by_itself,
    recorded_failure,
    versions_of,
    wave_results,
)
from otactl.deploy.step import (
    AwaitGate,
    AwaitJob,
    CreateJob,
    EndWaves,
    FillGroup,
    NoteVersions,
    Step,
    StepContext,
    VerifyVersions,
)
from otactl.deploy.step.job import round_result
from otactl.deploy.step_run import StepRun, WaitOptions
from otactl.deploy.wave_run import WaveRun
from otactl.deploy.wave_verify import VersionVerifier
from otactl.errors import (
    AwsRefused,
    CredentialsUnusable,
    DeploymentFailed,
    Interrupted,
    JobUnfinished,
    OtactlError,
)
from otactl.model.outcome import DeploymentResult
from otactl.model.snapshot import JobDescription


class Executor:
    """Carries out one deployment.

    Args:
        call_counts: Returns the API calls made by this process so far, by operation.
        releases: Whether another process continues when this one is stopped.
        is_rehearsal: Whether the cloud ends with this process: no resume, jobs may be deleted.
        waiting, decisions: How long this process waits at the gates of waves, and what people
            decided there; None for the file beside the journal.
    """

    def __init__(
        self,
        journal: Journal,
        services: Services,
        observer: Observer,
        call_counts: Callable[[], Mapping[str, int]],
        *,
        releases: bool = False,
        is_rehearsal: bool = False,
        waiting: WaitOptions | None = None,
        decisions: Decisions | None = None,
    ) -> None:
        self._journal = journal
        self._plan = journal.plan
        self._services = services
        self._observer = observer
        self._call_counts = call_counts
        self._releases = releases
        self._is_rehearsal = is_rehearsal
        consent = Consent.REHEARSAL if is_rehearsal else Consent.ENDED
        self._steps = StepRun(journal, services, observer, consent)
        self._earlier_calls = journal.calls
        options = waiting or WaitOptions()
        decisions = decisions or DecisionFile(journal.path)
        self._versions = VersionVerifier(journal, services, options, decisions)
        self._waves = WaveRun(
            journal,
            services,
            observer,
            verifier=self._versions,
            decisions=decisions,
            options=options,
            undo=self._steps.undo,
        )
        #: The gates that this process judged.
        self._judged: set[int] = set()
        #: How the deployment failed, or why this process stopped.
        self.failure: OtactlError | None = None
        #: Why what was created could not be deleted.
        self.clean_up_failure: OtactlError | None = None
        #: Why everything is kept though the plan has clean-up on.
        self.kept_job: JobUnfinished | None = None

    def run(self) -> DeploymentResult:
        """Carry out the rest of the plan, then clean up if the plan has it on.

        A deployment that fails does not raise: the result says what happened, ``failure`` why.

        Raises:
            JournalUnusable: The journal cannot be written; everything stays as it is.
        """
        # A process killed just after it recorded the outcome leaves the phase as it was.
        if self._journal.phase is Phase.RUNNING and self._journal.outcome is None:
            self._journal.enter_interruption(None)
            try:
                self._run_steps()
            except JournalUnusable:
                # What cannot be recorded is neither done nor undone.
                raise
            except OtactlError as error:
                self.failure = error
        else:
            self.failure = recorded_failure(self._journal)
        self._wind_up()
        return self.result()

    def clean(self, consent: Consent) -> None:
        """Undo everything in the journal, even with clean-up off.

        Raises:
            JobUnfinished: The job has not ended, and the consent does not cover that; nothing was
                undone.
        """
        self._services.clock.shield()
        self._steps.consent = consent
        if self._journal.phase is Phase.RUNNING:
            self._journal.enter_outcome(Outcome.CLEANED)
        self._undo_all()
        self._finish()

    def abandon(self, consent: Consent) -> None:
        """Undo everything after this process was stopped, on the user's request.

        As at the end of a run, ``clean_up_failure`` says why something could not be deleted.
        """
        self._journal.enter_outcome(Outcome.FAILED, str(self.failure))
        try:
            self.clean(consent)
        except (AwsRefused, CredentialsUnusable) as error:
            self._fail_clean_up(error)

    def unfinished_job(self) -> JobDescription | None:
        """The deployment's job that has not ended, if any: one call, or none."""
        found = (step.find(self._steps.context(step)) for step in self._begun_jobs())
        return next((job for job in found if job is not None and job.is_unfinished), None)

    def reopen(self) -> bool:
        """Let an ended deployment watch its job again; False if no job of it still runs.

        A deployment ends before its job at ``--max-wait``, and after a stop with things in
        progress; ``--max-wait`` is over then and no longer counts.
        """
        rounds = self._journal.rounds
        if not rounds or self.unfinished_job() is None:
            return False
        closing = [step.key for step in self._plan.closing]
        if self._plan.waves:
            # A job that was deleted cannot be listed again: its result stays.
            self._journal.reopen(closing, [step.round for step in self._begun_jobs()])
            return True
        number = rounds[-1].round
        waits = (step for step in self._plan.rounds[number - 1] if isinstance(step, AwaitJob))
        self._journal.reopen([*(step.key for step in waits), *closing], [number])
        return True

    @property
    def undone(self) -> list[str]:
        """What was undone, in that order."""
        return self._steps.undone

    @property
    def goes_on(self) -> bool:
        """Whether the deployment can be resumed."""
        return self._journal.phase is Phase.RUNNING

    @property
    def has_job(self) -> bool:
        """Whether a job of this deployment exists, or may exist."""
        return any(self._may_exist(step) for step in self._begun_jobs())

    def result(self) -> DeploymentResult:
        """The result of the deployment so far."""
        return DeploymentResult(
            deployment_id=self._plan.deployment_id,
            job_id=self._plan.job_id,
            things=self._plan.things,
            planned_rounds=self._plan.repeats,
            rounds=self._journal.rounds,
            waves=wave_results(self._journal),
            versions=versions_of(self._journal),
            image_sha256=self._plan.image_sha256,
            api_calls=self._journal.calls,
            goes_on=self.goes_on,
            is_rolling_out=self.goes_on and self.has_job,
        )

    def leftovers(self) -> tuple[str, ...]:
        """What this deployment created and still exists, checked one by one."""
        found = tuple(str(step.resource) for step in self._plan.steps if self._steps.remains(step))
        with suppress(JournalUnusable):
            self._save_calls()
        return found

    def _run_steps(self) -> None:
        for step in self._plan.setup:
            self._do(step)
        if self._plan.waves:
            return self._run_waves()
        try:
            self._run_rounds()
        except DeploymentFailed as error:
            return self._close(error)
        return self._close(None)

    def _close(self, failure: DeploymentFailed | None) -> None:
        for step in self._plan.closing:
            self._do(step)
        failure = failure or failure_of_versions(self._journal)
        if failure is not None:
            raise failure

    def _run_rounds(self) -> None:
        finished = {result.round: result for result in self._journal.rounds}
        for number, steps in enumerate(self._plan.rounds, start=1):
            if number in finished and finished[number].is_success:
                # A process killed here may have left its job, whose id the next round reuses.
                self._undo_round(steps)
                continue
            if number > 1:
                self._services.clock.sleep(self._plan.delay_seconds)
            self._run_round(steps)

    def _run_waves(self) -> None:
        failure: DeploymentFailed | None = None
        self._waves.check()
        for step in (step for steps in self._plan.rounds for step in steps):
            if isinstance(step, CreateJob):
                failure = self._poll_again(step)
                if failure is None:
                    self._waves.judge.begin(step.round)
            if failure is None:
                self._do(step)
                if isinstance(step, AwaitGate):
                    failure = failure_of_gates(self._journal)
            if failure is not None:
                break
        self._close(failure)

    def _poll_again(self, job: CreateJob) -> DeploymentFailed | None:
        """Judge the gate before a job again if an earlier process judged it and made no job."""
        number = job.round - 1
        if not number or number in self._judged or self._journal.record(job.key) is not None:
            return None
        if self._journal.state(job.key) is None or job.find(self._steps.context(job)) is None:
            gates = (step for step in self._plan.steps if isinstance(step, AwaitGate))
            self._do(next(gate for gate in gates if gate.wave == number), again=True)
        return failure_of_gates(self._journal)

    def _run_round(self, steps: Sequence[Step]) -> None:
        failure: DeploymentFailed | None = None
        for step in steps:
            record = self._do(step)
            if isinstance(step, AwaitJob):
                result = round_result(record)
                failure = failure_of_round(step, record, result)
                self._journal.enter_round(result)
                self._observer.on_round(result)
        if failure is not None:
            raise failure
        self._undo_round(steps)

    def _undo_round(self, steps: Sequence[Step]) -> None:
        """Undo a round before the next one, if the plan has clean-up on."""
        if self._plan.clean_up and steps is not self._plan.rounds[-1]:
            for step in reversed(steps):
                self._steps.undo(step)

    def _do(self, step: Step, *, again: bool = False) -> Mapping[str, object]:
        return self._steps.do(step, self._act, again=again)

    def _act(self, step: Step, context: StepContext) -> Mapping[str, object]:
        """Do a step; those of waves and of verification need the whole journal."""
        waves, versions = self._waves, self._versions
        match step:
            case FillGroup():
                waves.filling.fill_all(step.wave)
            case AwaitGate():
                self._judged.add(step.wave)
                return waves.pass_gate(context, step.wave)
            case EndWaves():
                waves.end(context)
            case NoteVersions():
                versions.note(context, step.round)
            case VerifyVersions():
                versions.finish(context)
                if self._plan.waves:
                    waves.ending.release_groups()
            case CreateJob() if self._plan.waves:
                waves.comparer.draw(step.round)
                return step.do(context)
            case _:
                return step.do(context)
        return {}

    def _undo_all(self) -> None:
        self._journal.enter_phase(Phase.CLEANING)
        for step in reversed(self._plan.steps):
            self._steps.undo(step)

    def _wind_up(self) -> None:
        """After the last step, or a failure: stay resumable, or clean up by the plan and end."""
        if self._can_go_on():
            self._journal.enter_interruption(str(self.failure))
            self._save_calls()
            return
        self._services.clock.shield()
        if self.goes_on:
            outcome = Outcome.SUCCEEDED if self.failure is None else Outcome.FAILED
            self._journal.enter_outcome(outcome, str(self.failure or ""))
        try:
            created = any(map(self._was_created, self._plan.jobs.values()))
            if self._plan.clean_up or not created:
                self._undo_all()
        except JobUnfinished as kept:
            # The job is undone first, so nothing else that devices need was deleted.
            self.kept_job = kept
        except (AwsRefused, CredentialsUnusable) as error:
            self._fail_clean_up(error)
            return
        self._finish()

    def _fail_clean_up(self, error: OtactlError) -> None:
        self.clean_up_failure = failure_of_clean_up(error, self._plan.deployment_id)
        self._save_calls()

    def _can_go_on(self) -> bool:
        """Whether this is not an end: the deployment stays as it is and can be resumed."""
        error = self.failure
        if self._is_rehearsal or self._journal.phase is not Phase.RUNNING:
            return False
        if error is None or isinstance(error, DeploymentFailed):
            return False
        if isinstance(error, Interrupted) and self._releases:
            return True
        return passes_by_itself(error) or self.has_job

    def _may_exist(self, step: CreateJob) -> bool:
        """Whether a job was created; if its creation was not recorded, AWS is asked."""
        if self._journal.record(step.key) is not None:
            return self._was_created(step)
        try:
            return step.find(self._steps.context(step)) is not None
        except OtactlError:
            return True

    def _was_created(self, step: CreateJob) -> bool:
        """Whether it is recorded that AWS created the job; it may have refused that of a wave."""
        record = self._journal.record(step.key)
        return record is not None and "refused" not in record

    def _begun_jobs(self) -> Iterator[CreateJob]:
        gone = (None, StepState.UNDONE)
        return (
            step for step in self._plan.jobs.values() if self._journal.state(step.key) not in gone
        )

    def _finish(self) -> None:
        self._save_calls()
        self._journal.enter_phase(Phase.FINISHED)

    def _save_calls(self) -> None:
        self._journal.enter_calls(Counter(self._earlier_calls) + Counter(self._call_counts()))

"""One worker's attempt at one request: fetch, check, plan, deploy, record.

How it ends:

* Unusable or untrusted files, or a refusal by AWS: it is recorded as Failed, with the reason.
* A deployment that ran is recorded as Deployed or Failed, by its result.
* If AWS was unreachable, or the attempt was interrupted and can be resumed, the request is
  released; this worker or another one resumes it.
* If the worker lacks a permission, or its session has expired, the request is released and the
  worker ends: it would fail with every other request too.
* At a gate that waits the request is left; any worker can take the next poll.
* With ``onGateFailure = rollback`` the attempt does not end at a failed gate but rolls back.
* If another worker has the request, nothing is recorded.
"""

from __future__ import annotations

import shutil
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path

from otactl.aws.clients import AwsSettings
from otactl.deploy.eligibility import Choice
from otactl.deploy.journal import Journal, Phase
from otactl.deploy.observer import Observer
from otactl.deploy.plan import Plan
from otactl.deploy.planner import PlanOptions, Request
from otactl.deploy.preparation import prepare, prepare_again
from otactl.deploy.recorded_result import recorded_failure
from otactl.deploy.step import DeleteExistingJob
from otactl.deploy.step_run import WaitOptions
from otactl.deploy.store import DeploymentStore
from otactl.deploy.wave_closing import left_by_rollbacks, left_open, open_until_ms
from otactl.errors import (
    AwsRefused,
    DeadlinePassed,
    DeploymentFailed,
    GateWaits,
    LocalResourceMissing,
    OtactlError,
    ThingsFailed,
    UserMistake,
)
from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.failure_policy import gate_pause_ms, internal_error, may_pass
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import FailureKind
from otactl.jobqueue.trust import Trust, document_refusals
from otactl.model.outcome import DeploymentResult
from otactl.model.wave import GateStatus
from otactl.operations.deployment import begin, run_deployment
from otactl.operations.environment import DeploymentEnvironment, pace_of_file
from otactl.operations.frontend import Frontend
from otactl.operations.load import LoadedDeployment
from otactl.operations.queue.checkpoint import (
    Checkpoint,
    CheckpointKeeper,
    has_begun_a_job,
    read_checkpoint,
    restore,
)
from otactl.operations.queue.lease_guard import GuardedClientPool, LeasedClock, heartbeat
from otactl.operations.queue.queued_rollback import QueuedRollback, is_filling
from otactl.operations.queue.recorder import AttemptResult, Recorder, outcome_of
from otactl.operations.queue.request_files import (
    check_files,
    check_targets,
    download_files,
    read_request,
)
from otactl.operations.queue.session import QueueSession
from otactl.operations.queue.wave_file import read_waves
from otactl.operations.stored_deployment import executor_of, rolls_back

_FAULT_NAME = "fault.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker deploys.

    Attributes:
        poll_seconds: Seconds between two polls of a running job.
        work_dir: Where it keeps files and journals, one folder per claimed request.
    """

    policy: LeasePolicy
    trust: Trust
    options: PlanOptions
    poll_seconds: float
    work_dir: Path


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What all attempts of one worker share.

    Attributes:
        session: The queue.
        settings: How to deploy.
        frontend: Is notified, and handles signals.
        clients: Call AWS only while the lease of the deployed request is valid.
        observer: Is notified in place of the frontend's progress; tests use it to stop at an event.
    """

    session: QueueSession
    settings: WorkerSettings
    frontend: Frontend
    clients: GuardedClientPool = field(default_factory=GuardedClientPool)
    observer: Observer | None = None


def deploy_claimed(
    claimed: ClaimedRequest, parts: WorkerParts, *, fetched: Path | None = None
) -> AttemptResult:
    """Deploy a request under its lease.

    Args:
        claimed: The request.
        parts: The worker's.
        fetched: The folder with its files; None to download them.
    """
    clock = LeasedClock(claimed, parts.frontend, parts.session.now_ms)
    attempt = Attempt(parts, claimed, clock, fetched)
    stopping = "the request is released unless it has ended"
    with heartbeat(claimed, parts.settings.policy), parts.frontend.handle_signals(clock, stopping):
        result = attempt.run()
    return replace(result, stop_signal=clock.stop_signal)


class Attempt:
    """One worker's attempt at one request."""

    def __init__(
        self,
        parts: WorkerParts,
        claimed: ClaimedRequest,
        clock: LeasedClock,
        fetched: Path | None,
    ) -> None:
        self._session, self._settings = parts.session, parts.settings
        self._clients, self._frontend = parts.clients, parts.frontend
        self._observer = parts.observer
        self._claimed = claimed
        self._recorder = Recorder(claimed, parts.frontend)
        self._clock = clock
        request = claimed.request
        self._folder = self._settings.work_dir / f"{request.aws_job_id}-{request.fence}"
        self._began_ms = clock.monotonic_ms()
        self._has_left = False
        self._fetched = fetched

    def run(self) -> AttemptResult:
        """Deploy it, and record the result or release the request."""
        try:
            return self._deploy()
        except LeaseLost as loss:
            return self._recorder.lost(loss)
        except OtactlError as error:
            return self._recorder.end_by(error)
        except Exception as fault:  # noqa: BLE001  # the next requests must still be deployed
            return self._recorder.release(internal_error(fault, self._keep_traceback()))
        finally:
            self._discard_files()

    def _deploy(self) -> AttemptResult:
        request, store = self._claimed.request, self._session.store
        checkpoint = read_checkpoint(request, store)
        loaded = self._loaded(None if checkpoint is None else checkpoint.planned_ms)
        environment = self._environment(loaded)
        try:
            plan, checkpoint, is_new = self._plan(loaded, environment, checkpoint)
            keeper = CheckpointKeeper(
                self._claimed,
                store,
                checkpoint,
                plan,
                retry=self._recorder.retry_until_done,
                monotonic_ms=self._clock.monotonic_ms,
            )
            if is_new:
                keeper.keep()
            journal = begin(loaded, plan, environment, {"request": request.job_id})
            try:
                restore(journal, checkpoint, now_ms=self._clock.now_ms())
                jobs = checkpoint.created_jobs
                keeper.watch(journal)
                if rolls_back(journal):
                    result = executor_of(journal, environment).result()
                    failure = recorded_failure(journal)
                else:
                    result, failure = run_deployment(journal, environment, find_leftovers=True)
                if rolls_back(journal):
                    result, failure = QueuedRollback(
                        request,
                        store,
                        keeper,
                        journal=journal,
                        loaded=loaded,
                        environment=environment,
                        check_document=self._check_document,
                    ).run(result, failure)
                if isinstance(failure, GateWaits):
                    keeper.keep_waves(at_gate=True)
                    self._has_left = True
                    is_poll = keeper.checkpoint.created_jobs == jobs
                    is_back = rolls_back(journal)
                    gate = keeper.checkpoint.rollback_gate if is_back else journal.gates[-1]
                    return self._leave(gate, str(failure), result, is_poll=is_poll)
                return self._record(journal, result, failure)
            finally:
                journal.close()
        finally:
            self._clients.release()

    def _loaded(self, now_ms: int | None) -> LoadedDeployment:
        request, trust = self._claimed.request, self._settings.trust
        self._make_folder()
        if self._fetched is None:
            download_files(request, self._session.store, self._folder, trust)
        else:
            check_files(request, self._fetched)
        self._clock.check()
        folder = self._fetched or self._folder
        loaded = read_request(request, folder, self._settings.trust, now_ms=now_ms)
        check_targets(request, loaded.thing_list, self._session.targets.targets_of(request))
        return loaded

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise LocalResourceMissing(
                f"cannot make {self._folder}: {error.strerror}",
                hint="choose another --state-dir for the worker",
            ) from error

    def _environment(self, loaded: LoadedDeployment) -> DeploymentEnvironment:
        settings = AwsSettings(
            profile=self._session.profile,
            region=loaded.configuration.region,
            endpoint_url=self._session.endpoint_url,
            **pace_of_file(loaded.configuration),
        )
        return DeploymentEnvironment(
            clients=self._clients.serve(settings, self._clock),
            clock=self._clock,
            state_dir=self._folder,
            poll_seconds=self._settings.poll_seconds,
            releases=True,
            observer=self._observer,
            frontend=self._frontend,
            # Only gates are left to the next visit: their state is in the checkpoint.
            waiting=WaitOptions(leaves=loaded.configuration.waves is not None),
            decisions=self._session.decisions(self._claimed.request),
        )

    def _plan(
        self,
        loaded: LoadedDeployment,
        environment: DeploymentEnvironment,
        checkpoint: Checkpoint | None,
    ) -> tuple[Plan, Checkpoint, bool]:
        """The plan, its checkpoint, and whether they are new."""
        request, account = self._claimed.request, self._session.account
        wanted = Request(
            configuration=loaded.configuration,
            thing_list=loaded.thing_list,
            custom_document=loaded.custom_document,
            account=account,
            deployment_id=request.deployment_id,
            options=self._plan_options(request, checkpoint),
            excepted=loaded.excepted,
        )
        if checkpoint is not None:
            kept = read_waves(request, self._session.store)
            plan = prepare_again(
                wanted,
                environment.services(),
                document=checkpoint.document,
                things=checkpoint.things,
                kept=kept.names,
                choice=Choice(
                    thing_list=loaded.thing_list,
                    left_out=kept.left_out,
                    former=kept.former,
                    recent=frozenset(kept.recent),
                ),
            )
            self._check_document(plan)
            return plan, checkpoint, False
        now_ms = self._clock.now_ms()
        plan = prepare(wanted, environment.services(), self._frontend.note)
        self._check_document(plan)
        if any(isinstance(step, DeleteExistingJob) for step in plan.steps):
            raise UserMistake(
                f"job {plan.job_id} exists already; a request's job must be its own",
                hint="add the request again: it gets another job id",
            )
        return plan, Checkpoint.of(plan, planned_ms=now_ms), True

    def _plan_options(self, request: JobRequest, checkpoint: Checkpoint | None) -> PlanOptions:
        options = self._settings.options
        if request.maximum_minutes is None:
            return options
        seconds = 60.0 * request.maximum_minutes
        if checkpoint is not None:
            # The minutes of earlier workers count: CI may stop each before they are over.
            seconds -= (self._clock.now_ms() - checkpoint.planned_ms) / 1000
        return replace(options, max_wait_seconds=max(1.0, seconds))

    def _check_document(self, plan: Plan) -> None:
        """Refuse a document that lets AWS IoT sign URLs this request may not name."""
        request, trust = self._claimed.request, self._settings.trust
        documents = {step.document for step in plan.jobs.values()}
        reasons = [
            reason
            for document in documents
            for reason in document_refusals(document, request, trust)
        ]
        if reasons:
            raise UserMistake(f"{request.job_id}: {'; '.join(reasons)}")

    def _leave(
        self, gate: GateStatus | None, words: str, result: DeploymentResult, *, is_poll: bool
    ) -> AttemptResult:
        """Leave a gate that waits; the request's lease decides when it is polled again."""
        pause_ms = gate_pause_ms(
            visit_ms=self._clock.monotonic_ms() - self._began_ms,
            poll_ms=int(1000 * self._settings.poll_seconds),
            is_filling=is_filling(DeploymentStore(self._folder)),
        )
        return self._recorder.leave(gate, words, result, after_ms=pause_ms, is_poll=is_poll)

    def _record(
        self, journal: Journal, result: DeploymentResult, failure: OtactlError | None
    ) -> AttemptResult:
        if isinstance(failure, LeaseLost):
            raise failure
        is_enough = isinstance(failure, ThingsFailed | DeadlinePassed) and (
            self._claimed.request.is_met_by(outcome_of(result))
        )
        if failure is None or is_enough:
            left = left_open(journal)
            until_ms = open_until_ms(journal.plan, journal)
            return self._recorder.succeed(result, None if left is None else (left, until_ms))
        is_back = rolls_back(journal)
        can_go_on = is_back or journal.phase is not Phase.FINISHED or not has_begun_a_job(journal)
        if can_go_on and may_pass(failure):
            return self._recorder.release(failure, result)
        if isinstance(failure, AwsRefused) and (is_back or journal.phase is Phase.RUNNING):
            # The job continues, and can be resumed when AWS permits it again.
            return self._recorder.release(failure, result)
        kind = FailureKind.DEPLOYMENT if isinstance(failure, DeploymentFailed) else FailureKind.AWS
        journals = (one for _, one in DeploymentStore(self._folder).journals())
        left_back = left_by_rollbacks(journal.plan.deployment_id, journals)
        return self._recorder.fail(kind, failure, result, left_back)

    def _keep_traceback(self) -> str:
        """Write the traceback of an internal error for a developer."""
        path = self._folder / _FAULT_NAME
        try:
            path.write_text(traceback.format_exc(), encoding="utf-8")
        except OSError as error:
            return f"nothing ({path}: {error.strerror})"
        return str(path)

    def _discard_files(self) -> None:
        """Delete the downloaded files. The journal stays, unless the request was left at a gate."""
        if self._has_left:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        if self._fetched is not None or not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            if path.is_file() and path.name != _FAULT_NAME:
                path.unlink(missing_ok=True)

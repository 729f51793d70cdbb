"""Rolls back a queued deployment whose gate failed: on any host, one worker's visit at a time.

The rollbacks of a request are written to its checkpoint before the first of their jobs exists, and
the progress of each before it is acted on. The checkpoint is not trusted: a rollback is planned
again from the request's own files, and is refused unless it returns things of this deployment to
their former versions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from otactl.aws.release_store import FileRefused, ReleaseStore
from otactl.deploy.decision_file import Decisions
from otactl.deploy.eligibility import Choice
from otactl.deploy.former_image import images_of_plan
from otactl.deploy.journal import Journal, JournalListener, Phase
from otactl.deploy.plan import Plan
from otactl.deploy.preparation import prepare_again
from otactl.deploy.rollback_plan import Beginning
from otactl.deploy.store import DeploymentStore
from otactl.deploy.wave_state import WaveState
from otactl.errors import (
    DeploymentFailed,
    GateWaits,
    LocalResourceMissing,
    OtactlError,
    RollbackFailed,
    UserMistake,
)
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.stored_file import StoredFile
from otactl.model.outcome import DeploymentResult
from otactl.model.wave import Decision
from otactl.operations.deployment import begin
from otactl.operations.environment import DeploymentEnvironment
from otactl.operations.load import LoadedDeployment
from otactl.operations.queue.checkpoint import CheckpointKeeper, KeptRollback
from otactl.operations.queue.wave_file import KeptThings, read_kept, write_kept
from otactl.operations.rollback.run import RollbackReport, RollbackRun, loaded_as

#: Rollback numbers reserved for one run of a request; the next run's begin above them.
_OF_A_RUN = 10
_RUNS = 9
#: The number in the journal: how many decisions there were when the rollback began.
_DECIDED = "rollback/decisions"


@dataclass(frozen=True, slots=True)
class QueuedRollback:
    """The rollback of one request, as one worker runs it.

    Attributes:
        check_document: Raises if a plan's document names what it may not.
    """

    request: JobRequest
    store: ReleaseStore
    keeper: CheckpointKeeper
    journal: Journal
    loaded: LoadedDeployment
    environment: DeploymentEnvironment
    check_document: Callable[[Plan], None]

    def run(
        self, result: DeploymentResult, failure: OtactlError | None
    ) -> tuple[DeploymentResult, OtactlError | None]:
        """Run it, after the failure of a gate, until it has ended or waits.

        Returns:
            The result with its rollbacks, and the failure with their results; or why this worker
            leaves it.
        """
        decisions = self.environment.decisions
        if decisions is not None:
            decisions = decided_since(decisions, self.journal)
        environment = replace(self.environment, decisions=decisions)
        try:
            self._restore()
            report = RollbackRun(
                self.journal,
                self.loaded,
                environment,
                keeper=self,
                numbers_from=(self.request.run - 1) % _RUNS * _OF_A_RUN,
            ).run()
        except (FileRefused, LocalResourceMissing):
            raise
        except UserMistake as error:
            return result, RollbackFailed(f"{failure}; not rolled back: {error}", hint=error.hint)
        except OtactlError as error:
            return result, error
        result = replace(result, rollbacks=report.results)
        if isinstance(report.failure, GateWaits):
            return result, GateWaits(f"rolling back: {report.failure}", hint=report.failure.hint)
        if report.failure is not None and not isinstance(report.failure, DeploymentFailed):
            return result, report.failure
        words, ended = f"{failure}; {_words(report)}", report.failure or failure
        if ended is None:
            return result, DeploymentFailed(words)
        return result, type(ended)(words, hint=ended.hint)

    def keep_begun(self, begun: Sequence[tuple[Beginning, Plan]]) -> None:
        """Write rollbacks that begin now (``RollbackKeeper``)."""
        made = []
        for beginning, plan in begun:
            self.check_document(plan)
            things = KeptThings(names=beginning.things, offline=beginning.offline)
            file = write_kept(self.request, self.store, things, rollback=beginning.number)
            made.append(
                KeptRollback(
                    deployment_id=beginning.deployment_id,
                    version=beginning.version,
                    number=beginning.number,
                    document=plan.jobs[1].document,
                    things_key=file.key,
                    things_sha256=file.sha256 or "",
                    waves=WaveState(phase=Phase.RUNNING),
                )
            )
        self.keeper.keep(rollbacks=(*self.keeper.checkpoint.rollbacks, *made))

    def listen(self, journal: Journal) -> None:
        """Write the progress of a rollback from now on (``RollbackKeeper``)."""
        journal.listener = _Listener(self.keeper, journal)

    def leave(self, journal: Journal) -> None:
        """Write the progress of a rollback that is left at a gate (``RollbackKeeper``)."""
        _Listener(self.keeper, journal).keep(at_gate=True)

    def _restore(self) -> None:
        """Begin the journals of the rollbacks that an earlier worker began.

        Raises:
            FileRefused: A stored rollback is not one of this deployment.
        """
        kept_ones = self.keeper.checkpoint.rollbacks
        ids = {kept.deployment_id for kept in kept_ones}
        numbers = {kept.number for kept in kept_ones}
        taken: set[str] = set()
        for kept in kept_ones:
            file = StoredFile(key=kept.things_key, sha256=kept.things_sha256)
            things = read_kept(self.request, self.store, file, KeptThings)
            former = self.journal.former(things.names)
            is_ours = (
                len(ids) == len(numbers) == len(kept_ones)
                and bool(things.names)
                and len(things.names) == len(set(things.names))
                and taken.isdisjoint(things.names)
                and things.offline <= set(things.names)
                and former == dict.fromkeys(things.names, kept.version)
            )
            if not is_ours:
                raise FileRefused(
                    f"rollback {kept.number} of the checkpoint is not of {self.request.job_id}",
                    hint="the checkpoint was changed after a worker wrote it",
                )
            taken.update(things.names)
            self._begin_again(kept, things)

    def _begin_again(self, kept: KeptRollback, things: KeptThings) -> None:
        image = images_of_plan(self.journal).get(kept.version)
        if image is None:
            raise FileRefused(f"the request has no image of version {kept.version}")
        beginning = Beginning(
            version=kept.version,
            things=things.names,
            offline=things.offline,
            number=kept.number,
            deployment_id=kept.deployment_id,
        )
        loaded = self.loaded
        request = beginning.request(
            self.journal.plan, loaded.configuration, image, loaded.custom_document
        )
        plan = prepare_again(
            request,
            self.environment.services(),
            document=kept.document,
            things=len(things.names),
            kept={},
            choice=Choice(thing_list=request.thing_list),
        )
        self.check_document(plan)
        with closing(begin(loaded_as(loaded, request), plan, self.environment)) as journal:
            try:
                kept.waves.enter_into(journal, now_ms=self.environment.clock.now_ms())
            except ValueError as error:
                raise FileRefused(f"the checkpoint is not this rollback's: {error}") from error


@dataclass(frozen=True, slots=True)
class _Listener(JournalListener):
    """Writes the progress of one rollback."""

    keeper: CheckpointKeeper
    journal: Journal

    def keep(self, *, at_gate: bool) -> None:
        """Write its state, if it is newer than what is stored."""
        kept_ones = self.keeper.checkpoint.rollbacks
        changed = tuple(
            kept.model_copy(update={"waves": state})
            if kept.deployment_id == self.journal.plan.deployment_id
            and (state := self.keeper.further(self.journal, kept.waves, at_gate=at_gate))
            else kept
            for kept in kept_ones
        )
        if changed != kept_ones:
            self.keeper.keep(rollbacks=changed)

    def on_entered(self) -> None:
        self.keep(at_gate=False)


def decided_since(decisions: Decisions, journal: Journal) -> Decisions:
    """Decisions made since the rollback began; earlier ones were about the deployment.

    Their order decides, because the clock of the host of a decision may be wrong.
    """
    earlier = journal.find_instant(_DECIDED)
    if earlier is None:
        earlier = journal.instant(_DECIDED, len(decisions.read()))
    return _DecidedSince(decisions, earlier)


@dataclass(frozen=True, slots=True)
class _DecidedSince:
    """All decisions but the first ones."""

    decisions: Decisions
    earlier: int

    def read(self) -> tuple[Decision, ...]:
        return self.decisions.read()[self.earlier :]

    def append(self, decision: Decision) -> None:
        self.decisions.append(decision)


def is_filling(folder: DeploymentStore) -> bool:
    """Whether the thing group after a waiting gate is not filled yet."""
    return any(
        _is_filling(journal)
        for _, journal in folder.journals()
        if journal.phase is not Phase.FINISHED
    )


def _is_filling(journal: Journal) -> bool:
    number = len(journal.gates) + 1
    has_group = number <= len(journal.plan.waves) and journal.plan.waves[number - 1].group_name
    after = journal.filled_until(number)
    return bool(has_group) and journal.count_wave_things(number, after=after) > 0


def _words(report: RollbackReport) -> str:
    """The result of the rollback, for people."""
    things = sum(one.things for one in report.results)
    back = sum(one.succeeded for one in report.results)
    left = len(report.found.no_former) + sum(len(one) for one in report.without_image.values())
    if things:
        words = f"{back:,} of {things:,} things got back what they had"
    else:
        words = "no thing that took the image could be" if left else "no thing took the image"
    parts = [f"rolled back: {words}"]
    if left:
        parts.append(f"{left:,} stay as they are, without a former version or its image")
    if report.failure is not None:
        parts.append(str(report.failure))
    return "; ".join(parts)

"""Rolls back a deployment: stop it, find the things that took the image, return each to its former.

Each former version gets a deployment of its own, whose journal names the one that is rolled back.
All these journals exist before the first of their jobs; a later call finds them, and the things
that took the image since. The journal of the deployment that is rolled back stays locked meanwhile,
so that only one rollback of it runs at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from otactl.deploy.former_image import FormerImage, find_former_images, images_of_plan, no_image
from otactl.deploy.journal import Journal, Outcome, Phase
from otactl.deploy.plan import Plan
from otactl.deploy.planner import Request
from otactl.deploy.preparation import prepare
from otactl.deploy.recorded_result import recorded_failure
from otactl.deploy.rollback_evidence import RollbackEvidence
from otactl.deploy.rollback_plan import Beginning, is_taken, number_of
from otactl.deploy.store import DeploymentStore, new_deployment_id
from otactl.errors import GateWaits, Interrupted, OtactlError, UserMistake
from otactl.model.json_output import rollback as json_rollback
from otactl.model.json_output.shaping import shaped
from otactl.model.outcome import DeploymentResult
from otactl.model.quoting import first_names
from otactl.model.rollback import MAX_ROLLBACKS, REPORT_MS, WithoutFormerImage
from otactl.operations.deployment import begin, run_deployment
from otactl.operations.environment import DeploymentEnvironment
from otactl.operations.load import LoadedDeployment
from otactl.operations.stored_deployment import executor_of
from otactl.rules.rollback import RollbackReason, RollbackSet, rollback_set

if TYPE_CHECKING:
    from otactl.forecast.waves import WavesForecast

_NAMED = 10
#: The journal's instant since which things in the middle of the update are awaited.
_AWAITING_UPDATES = "outlasting"


@dataclass(frozen=True, slots=True)
class BegunRollback:
    """A rollback that an earlier call began; an unfinished one is resumed first."""

    job_id: str
    things: int
    has_ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackReport:
    """The result of a rollback, or of its dry run.

    Attributes:
        found: The things to roll back at the last check, without those of earlier rollbacks.
        begun: Dry run: rollbacks that have already begun.
        plans: Dry run: what would begin; ``forecasts`` is empty if NumPy is not installed.
        without_image: Former versions without an image, with their things.
        results: Of each rollback of the deployment, in order.
        failure: How the last of them failed; None if none did.
    """

    deployment_id: str
    found: RollbackSet
    begun: tuple[BegunRollback, ...] = ()
    plans: tuple[Plan, ...] = ()
    forecasts: tuple[WavesForecast, ...] = ()
    without_image: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    results: tuple[DeploymentResult, ...] = ()
    failure: OtactlError | None = None

    def to_fields(self) -> json_rollback.Rollback:
        """As ``--output json`` shows it."""
        reasons: dict[str, list[str]] = {}
        for name, reason in sorted(self.found.reasons.items()):
            reasons.setdefault(reason.value, []).append(name)
        return shaped(
            json_rollback.Rollback,
            self,
            things=reasons,
            noFormerVersion=list(self.found.no_former),
            failure=str(self.failure) if self.failure else None,
        )


class RollbackKeeper(Protocol):
    """Stores rollbacks where another machine can resume them."""

    def keep_begun(self, begun: Sequence[tuple[Beginning, Plan]]) -> None:
        """Store rollbacks that begin now, before anything of them is created."""

    def listen(self, journal: Journal) -> None:
        """Store the progress of a rollback from now on."""

    def leave(self, journal: Journal) -> None:
        """Store the progress of a rollback that this process leaves at a gate."""


@dataclass(eq=False)
class RollbackRun:
    """The rollback of one deployment, as one process runs it.

    Attributes:
        journal: Of the deployment that is rolled back; open, or read-only for a dry run.
        loaded: The deployment's file.
        environment: The deployment's environment.
        is_dry: Whether nothing is changed.
        keeper: Stores what another machine needs to resume; None if not needed.
        numbers_from: Rollbacks get numbers above this.
    """

    journal: Journal
    loaded: LoadedDeployment
    environment: DeploymentEnvironment
    _: KW_ONLY
    is_dry: bool = False
    keeper: RollbackKeeper | None = None
    numbers_from: int = 0
    _without_image: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        environment = self.environment
        self._configuration = self.loaded.configuration
        # The clock of a deployment that has ended is shielded from a request to stop.
        self.environment = replace(environment, clock=environment.clock.renewed())
        self._services = self.environment.services()
        self._store = DeploymentStore(environment.state_dir)

    def run(self) -> RollbackReport:
        """Stop the deployment, decide, and roll back; in a dry run only report the plan.

        Raises:
            UserMistake: A former version has no image, and withoutFormerImage = refuse.
        """
        deployment_id = self.journal.plan.deployment_id
        with self._evidence() as evidence:
            if self.is_dry:
                found = self._find(evidence)
                plans = tuple(plan for _, _, plan in self._plans(found))
                return RollbackReport(
                    deployment_id=deployment_id,
                    found=found,
                    begun=tuple(
                        BegunRollback(one.plan.job_id, one.plan.things, one.phase is Phase.FINISHED)
                        for one in self._begun()
                    ),
                    plans=plans,
                    without_image=self._without_image,
                )
            evidence.stop()
            self._services.clock.check()
        results, failure = self._run_begun()
        found = rollback_set((), None)
        while failure is None:
            with self._evidence() as evidence:
                found = self._decide(evidence)
                failure = self._left_for_later(found)
                while not found.to_version and self._await_updates(evidence, found):
                    found = self._decide(evidence)
                plans_made = [] if failure else evidence.retried(partial(self._plans, found))
            if not plans_made:
                break
            for _, loaded, plan in plans_made:
                begin(loaded, plan, self.environment).close()
            if self.keeper is not None:
                self.keeper.keep_begun([(one, plan) for one, _, plan in plans_made])
            results, failure = self._run_begun()
        if failure is None or not self.environment.releases:
            self._warn_of_unchanged(found)
        if isinstance(failure, Interrupted) and not self.environment.releases:
            self.environment.frontend.note(
                f"What has begun continues in AWS. `otactl rollback {deployment_id}` resumes it"
            )
        return RollbackReport(
            deployment_id=deployment_id,
            found=found,
            without_image=self._without_image,
            results=tuple(results),
            failure=failure,
        )

    @contextmanager
    def _evidence(self) -> Iterator[RollbackEvidence]:
        frontend = self.environment.frontend
        with ExitStack() as stack:
            observer = self.environment.observer or stack.enter_context(
                frontend.show_progress(rounds=1, things=self.journal.plan.things)
            )
            resuming = "the next worker" if self.environment.releases else "`otactl rollback`"
            doing = f"{resuming} resumes"
            stack.enter_context(frontend.handle_signals(self.environment.clock, doing))
            yield RollbackEvidence(self.journal, self._services, observer, keeps=not self.is_dry)

    def _find(self, evidence: RollbackEvidence) -> RollbackSet:
        taken = {name for journal in self._begun() for name in _things_of(journal)}
        histories = evidence.histories(
            self._configuration.version_source, without=lambda name: name in taken
        )
        version = self.journal.plan.image_version or self._configuration.reported_version
        return rollback_set(histories, version)

    def _decide(self, evidence: RollbackEvidence) -> RollbackSet:
        """The things to roll back, after those that have just ended had time to report."""
        find = partial(self._find, evidence)
        found = evidence.retried(find)
        return evidence.retried(find) if self._await_reports(evidence, found) else found

    def _left_for_later(self, found: RollbackSet) -> GateWaits | None:
        """What a process that does not wait leaves to the next one; None if nothing."""
        if not self.environment.releases:
            return None
        now_ms = self._services.now_ms()
        if now_ms < (found.last_end_ms or 0) + REPORT_MS:
            return GateWaits("things that have just ended are given a minute to report")
        updating = len(found.with_reason(RollbackReason.IN_PROGRESS))
        if not updating or found.to_version:
            return None
        since_ms = self.journal.instant(_AWAITING_UPDATES, now_ms)
        if now_ms - since_ms >= self._update_limit_ms():
            return None
        return GateWaits(f"{updating:,} things are in the middle of the update")

    def _await_reports(self, evidence: RollbackEvidence, found: RollbackSet) -> bool:
        """Give things that have just ended time to report; whether there were such things."""
        due_ms = (found.last_end_ms or 0) + REPORT_MS
        if self.environment.waiting.leaves or self._services.now_ms() >= due_ms:
            return False
        self._poll(evidence, REPORT_MS, lambda _left: self._services.now_ms() >= due_ms)
        return True

    def _await_updates(self, evidence: RollbackEvidence, found: RollbackSet) -> bool:
        """Wait for things in the middle of the update; whether one of them has finished."""
        before = len(found.with_reason(RollbackReason.IN_PROGRESS))
        if not before or self.environment.waiting.leaves:
            return False
        return self._poll(evidence, self._update_limit_ms(), lambda left: left < before)

    def _poll(
        self, evidence: RollbackEvidence, limit_ms: float, is_over: Callable[[int], bool]
    ) -> bool:
        """Poll the number of things in progress until ``is_over``, which may read AWS's clock.

        Returns:
            Whether it became true; False if the limit came first, by this process's clock.
        """
        clock = self._services.clock
        end_ms = clock.monotonic_ms() + limit_ms
        while (left_ms := end_ms - clock.monotonic_ms()) > 0:
            clock.sleep(min(self._services.poll_seconds, left_ms / 1000))
            if is_over(evidence.retried(evidence.in_progress)):
                return True
        return False

    def _update_limit_ms(self) -> float:
        minutes = self._configuration.job.in_progress_timeout_minutes or 0
        seconds = self.environment.waiting.max_wait_seconds
        return 1000 * (60 * minutes if seconds is None else seconds)

    def _plans(self, found: RollbackSet) -> list[tuple[Beginning, LoadedDeployment, Plan]]:
        """The plan of each version that has an image."""
        images = self._images(found)
        numbers = (number_of(journal.plan.job_id) for journal in self._all())
        number = max(numbers, default=self.numbers_from)
        made = []
        for version, things in found.to_version.items():
            if version not in images:
                continue
            beginning = Beginning(
                version=version,
                things=things,
                offline=found.offline.intersection(things),
                number=number,
                deployment_id=new_deployment_id(self._services.clock.now_ms()),
            )
            beginning, request = self._next_free(beginning, images[version])
            number = beginning.number
            plan = prepare(request, self._services)
            made.append((beginning, loaded_as(self.loaded, request), plan))
        return made

    def _next_free(self, beginning: Beginning, image: FormerImage) -> tuple[Beginning, Request]:
        """The same beginning with the next number whose names are free, and its request.

        Raises:
            UserMistake: All numbers are in use.
        """
        loaded, taken_back = self.loaded, self.journal.plan
        for number in range(beginning.number + 1, MAX_ROLLBACKS + 1):
            numbered = replace(beginning, number=number)
            request = numbered.request(
                taken_back, loaded.configuration, image, loaded.custom_document
            )
            if not is_taken(request, image, self._services):
                return numbered, request
        raise UserMistake(
            f"all {MAX_ROLLBACKS} numbers of rollbacks of job {self._configuration.job_id}"
            " are in use",
            hint="`otactl clean` earlier rollbacks, or use another jobId",
        )

    def _images(self, found: RollbackSet) -> dict[str, FormerImage]:
        images = images_of_plan(self.journal)
        wanted = [version for version in found.to_version if version not in images]
        if wanted:
            journals = self._store.deployed(rehearsals=self.environment.is_rehearsal)
            images |= find_former_images(
                wanted, self._configuration, journals, self._services.objects
            )
        self._without_image = {
            version: things for version, things in found.to_version.items() if version not in images
        }
        if self._configuration.rollback.without_image is WithoutFormerImage.REFUSE:
            for version, things in self._without_image.items():
                raise no_image(version, len(things), self._configuration.file_name)
        return images

    def _all(self) -> Iterator[Journal]:
        """The journals of all rollbacks of the deployment, including incomplete ones."""
        for _, journal in self._store.journals():
            if journal.plan.rollback_of == self.journal.plan.deployment_id:
                yield journal

    def _begun(self) -> Iterator[Journal]:
        return (journal for journal in self._all() if _is_whole(journal))

    def _run_begun(self) -> tuple[list[DeploymentResult], OtactlError | None]:
        """Run the rest of each rollback, the oldest first; stop at the first failure."""
        results = []
        begun = sorted(journal.plan.deployment_id for journal in self._begun())
        self.journal.enter_rollbacks(begun)
        for deployment_id in begun:
            with closing(Journal.open(self._store.path(deployment_id))) as journal:
                if self.keeper is not None:
                    self.keeper.listen(journal)
                executor = executor_of(journal, self.environment)
                is_over = journal.phase is Phase.FINISHED
                if is_over and (self.environment.releases or not executor.reopen()):
                    result, failure = executor.result(), recorded_failure(journal)
                else:
                    environment = replace(self.environment, clock=self.environment.clock.renewed())
                    result, failure = run_deployment(journal, environment)
                if self.keeper is not None and isinstance(failure, GateWaits):
                    self.keeper.leave(journal)
            results.append(result)
            if failure is not None:
                return results, failure
        return results, None

    def _warn_of_unchanged(self, found: RollbackSet) -> None:
        """Warn of things that stay as they are and may run the new image."""
        rest = {
            "reported no version at the plan and stay as they are": found.no_former,
            "are still in the middle of the update; call again": found.with_reason(
                RollbackReason.IN_PROGRESS
            ),
        } | {
            f"stay as they are: no image of version {version} was found": things
            for version, things in self._without_image.items()
        }
        for words, names in rest.items():
            if names:
                self.environment.frontend.warn(
                    f"{len(names):,} things {words}: {first_names(names, _NAMED)}"
                )


def _is_whole(journal: Journal) -> bool:
    """Whether the journal is complete; if its process died before, nothing was created."""
    return journal.outcome is not Outcome.CLEANED and all(
        journal.count_wave_things(number) == wave.things
        for number, wave in enumerate(journal.plan.waves, start=1)
    )


def _things_of(journal: Journal) -> Iterator[str]:
    for number in range(1, len(journal.plan.waves) + 1):
        yield from journal.wave_things(number)


def loaded_as(loaded: LoadedDeployment, request: Request) -> LoadedDeployment:
    """The file of a deployment with the configuration and things of one of its rollbacks."""
    return replace(loaded, configuration=request.configuration, thing_list=request.thing_list)

"""What a rollback is based on: the deployment is stopped, and its executions are read from AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from otactl.deploy.consent import Consent
from otactl.deploy.journal import Journal
from otactl.deploy.observer import Observer
from otactl.deploy.outcome_collector import kept_by_page
from otactl.deploy.ports import Services
from otactl.deploy.step import CreateJob
from otactl.deploy.step_run import StepRun
from otactl.deploy.wave_closing import WaveEnding
from otactl.model.outcome import ThingOutcome
from otactl.model.status import ROLLBACK_REASON_CODE, ExecutionStatus
from otactl.model.thing_state import ThingState, VersionSource
from otactl.rules.rollback import ThingHistory

R = TypeVar("R")

#: Statuses that need no details: the thing installed the image, or did not begin.
_PLAIN = (ExecutionStatus.SUCCEEDED, ExecutionStatus.QUEUED, ExecutionStatus.REJECTED)


class RollbackEvidence:
    """One deployment to roll back.

    Args:
        observer: Is notified while the deployment is stopped.
        keeps: Whether executions are written into the journal, which must be open for writing.
    """

    def __init__(
        self, journal: Journal, services: Services, observer: Observer, *, keeps: bool
    ) -> None:
        self._journal = journal
        self._services = services
        self._steps = StepRun(journal, services, observer, Consent.ENDED)
        self._retry = self._steps.retry()
        self._keeps = keeps
        self._ending = WaveEnding(
            journal, services, now_ms=services.now_ms, undo=lambda _step: None
        )
        self._jobs = list(journal.plan.jobs.values())

    def cancel(self) -> None:
        """Cancel its open jobs without force; a process that watches them finds them cancelled."""
        self._ending.cancel(ROLLBACK_REASON_CODE)

    def stop(self) -> None:
        """Cancel its open jobs without force, and wait until nothing is queued any more."""
        context = self._steps.context(self._jobs[0], self._retry)
        self.retried(lambda: self._ending.stop(context, ROLLBACK_REASON_CODE))

    def retried(self, act: Callable[[], R]) -> R:
        """Do what may be repeated, again while AWS is unreachable: an outage ends no rollback."""
        return self._retry.until_done(act)

    def in_progress(self) -> int:
        """How many of its executions are in progress: one call for each of its jobs."""
        found = (step.find(self._steps.context(step)) for step in self._begun())
        return sum(job.counts[ExecutionStatus.IN_PROGRESS] for job in found if job is not None)

    def histories(
        self, source: VersionSource | None, *, without: Callable[[str], bool]
    ) -> list[ThingHistory]:
        """Every thing that began it, with what it reports now.

        Args:
            source: Where things report their version; None if the file does not say.
            without: Whether to leave out a thing, such as one that was rolled back already.
        """
        executions: dict[str, list[ThingOutcome]] = {}
        for one in self._executions():
            if one.started_at_ms is not None and not without(one.thing_name):
                executions.setdefault(one.thing_name, []).append(one)
        names = sorted(executions)
        former = self._journal.former(names)
        states: dict[str, ThingState] = {}
        if source is not None and names:
            found = self._services.thing_states.read(names, source, connectivity=True)
            for state in found:
                self._retry.answered()
                states[state.thing_name] = state
        return [
            ThingHistory(
                thing_name=name,
                executions=executions[name],
                former=former.get(name),
                state=states.get(name),
            )
            for name in names
        ]

    def _executions(self) -> Iterator[ThingOutcome]:
        """As AWS has them while the job exists, else as the journal kept them."""
        for step in self._begun():
            kept = {
                (one.thing_name, one.execution_number): one
                for one in self._journal.executions(step.round)
            }
            found = []
            if step.find(self._steps.context(step)) is not None:
                listed = self._services.jobs.executions(step.job_id)
                detailed = (self._with_details(step, one, kept) for one in listed)
                found = list(kept_by_page(detailed, partial(self._keep, step)))
            seen = {(one.thing_name, one.execution_number) for one in found}
            yield from found
            yield from (one for key, one in kept.items() if key not in seen)

    def _with_details(
        self, step: CreateJob, one: ThingOutcome, kept: dict[tuple[str, int], ThingOutcome]
    ) -> ThingOutcome:
        """The execution with its status details, if these matter."""
        if one.status in _PLAIN or one.started_at_ms is None:
            return one
        known = kept.get((one.thing_name, one.execution_number))
        if one.status.is_terminal and known is not None and known.status_details:
            details = known.status_details
        else:
            asked = self._services.jobs.execution(step.job_id, one.thing_name)
            if asked is None or asked.execution_number != one.execution_number:
                return one
            details = asked.status_details
        return replace(one, status_details=details)

    def _keep(self, step: CreateJob, executions: Sequence[ThingOutcome]) -> None:
        self._retry.answered()
        if self._keeps:
            self._journal.enter_executions(step.round, executions)

    def _begun(self) -> list[CreateJob]:
        return [step for step in self._jobs if self._journal.state(step.key) is not None]

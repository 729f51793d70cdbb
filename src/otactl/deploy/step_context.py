"""What a step may use of the deployment that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from otactl.deploy.consent import Consent
from otactl.deploy.journal import Journal
from otactl.deploy.observer import Observer
from otactl.deploy.ports import Services
from otactl.deploy.step import Step, StepContext
from otactl.deploy.version_run import VersionRun
from otactl.deploy.waited_time import WaitedTime
from otactl.deploy.wave_run import WaveRun
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobSnapshot
from otactl.rules.backoff import Retry


def step_context(
    step: Step,
    journal: Journal,
    services: Services,
    observer: Observer,
    *,
    consent: Consent,
    waves: WaveRun | None,
    versions: VersionRun | None = None,
    retry: Retry | None,
    waited: WaitedTime | None,
) -> StepContext:
    """Build the context of a step; whatever it reports shows that AWS answers.

    Args:
        step: The step.
        journal: The deployment's.
        services: The world.
        observer: Who is notified of what the step reports.
        consent: What allows it to delete a job that has not ended.
        waves: The deployment's waves, if it has any.
        versions: The verification of versions, if there is any.
        retry: What counts how long AWS has been unreachable.
        waited: How long the step has waited, over all processes.
    """
    spans: list[WaitedTime] = [] if waited is None else [waited]

    def answered() -> None:
        if retry is not None:
            retry.answered()
        for each in spans:
            each.keep_now_and_then()

    def span(name: str) -> Callable[[], int]:
        begun = WaitedTime(journal, f"{step.key}/{name}", services.clock)
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
        services=services,
        deployment_id=journal.plan.deployment_id,
        targets=journal.targets,
        on_progress=on_progress,
        on_snapshot=on_snapshot,
        on_executions=on_executions,
        on_members=journal.enter_members,
        not_reached=journal.not_reached,
        on_note=observer.on_note,
        consent=consent,
        has_deadline=not journal.is_reopened,
        waited_ms=int if waited is None else waited.ms,
        span=span,
        waves=waves,
        versions=versions,
    )


def remaining_resources(journal: Journal, context: Callable[[Step], StepContext]) -> Iterator[str]:
    """What the deployment created and is still there, looked up one by one."""
    for step in journal.plan.steps:
        is_begun = step.resource is not None and journal.state(step.key) is not None
        if is_begun and step.remains(context(step), journal.record(step.key)):
            yield str(step.resource)

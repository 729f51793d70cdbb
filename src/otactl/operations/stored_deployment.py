"""Deployments that have a journal on this machine: choose, resume, clean and list them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from otactl.deploy.consent import Consent
from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Phase
from otactl.deploy.observer import Observer
from otactl.deploy.recorded_result import outcome_words, wave_results
from otactl.deploy.store import DeploymentStore
from otactl.errors import UserMistake
from otactl.model.defaults import DEFAULT_POLL_SECONDS
from otactl.model.json_output import deployment as json_deployment
from otactl.model.json_output.shaping import moment, shaped
from otactl.model.snapshot import JobDescription
from otactl.model.wave import Verdict
from otactl.operations.environment import DeploymentEnvironment, environment_of, wait_options
from otactl.operations.frontend import Frontend
from otactl.operations.location_options import LocationOptions
from otactl.operations.state_directory import state_directory


def choose_deployment(
    store: DeploymentStore,
    given: str | None,
    *,
    to_resume: bool = False,
    rehearsals_last: bool = True,
) -> str:
    """The id of a deployment: given, by its job's id, or of the newest unfinished one.

    ``to_resume`` includes the newest of all, if its automatic rollback is left. By its job's id a
    rehearsal is found after all others with ``rehearsals_last``: it cannot be resumed.
    """
    if given is not None:
        ids = store.ids()
        if given in ids:
            return given
        return store.newest_of_job(given, rehearsals_last=rehearsals_last) or given
    for deployment_id, journal in store.journals():
        if journal.is_rehearsal:
            continue
        if journal.phase is not Phase.FINISHED:
            return deployment_id
        if to_resume and rollback_is_left(journal, store):
            return deployment_id
        to_resume = False
    raise UserMistake(
        "there is no unfinished deployment",
        hint="name one that has finished by its id; `otactl history` lists them",
    )


def resume(
    deployment: str | None,
    options: LocationOptions,
    frontend: Frontend,
    *,
    poll_seconds: float = DEFAULT_POLL_SECONDS,
    no_wait: bool = False,
    max_wait_seconds: float | None = None,
) -> tuple[Journal, DeploymentEnvironment]:
    """Open a deployment that was killed or interrupted, so that it can be resumed.

    Args:
        deployment: Its id or its job's; None for the newest unfinished one.
        options: Where to work.
        frontend: The caller.
        poll_seconds: Seconds between two polls of the running job.
        no_wait: Whether to exit at a gate that waits.
        max_wait_seconds: How long to wait at a gate; None for no limit.

    Raises:
        UserMistake: It is finished, or no deployment is unfinished.
    """
    store = DeploymentStore(state_directory(options.state_dir))
    deployment_id = choose_deployment(store, deployment, to_resume=True)
    journal = Journal.open(store.path(deployment_id))
    try:
        waiting = wait_options(
            has_waves=bool(journal.plan.waves),
            leaves=no_wait,
            max_wait_seconds=max_wait_seconds,
            resumes=True,
        )
        environment = environment_of(
            journal, options, frontend, poll_seconds=poll_seconds, waiting=waiting
        )
        goes_on = journal.phase is not Phase.FINISHED or rollback_is_left(journal, store)
        if not goes_on and not executor_of(journal, environment).reopen():
            raise UserMistake(
                f"deployment {deployment_id} is finished: {outcome_words(journal)}",
                hint=after_end(journal),
            )
    except BaseException:
        journal.close()
        raise
    return journal, environment


def after_end(journal: Journal) -> str:
    """The hint with the commands for a deployment that has ended."""
    plan = journal.plan
    back = f"`otactl rollback {plan.deployment_id}` starts or continues its rollback; "
    shown = f"`otactl report {plan.deployment_id}` shows it; `otactl clean` removes what it left"
    return back + shown if rolls_back(journal) else shown


def rolls_back(journal: Journal) -> bool:
    """Whether a deployment that has ended is rolled back automatically.

    If a gate failed and ``onGateFailure = rollback``; one that a person rejected is only stopped.
    """
    failed = any(gate.verdict is Verdict.FAIL and not gate.is_rejected for gate in journal.gates)
    return journal.plan.rolls_back and journal.phase is Phase.FINISHED and failed


def rollback_is_left(journal: Journal, store: DeploymentStore) -> bool:
    """Whether a process was killed before the automatic rollback was finished."""
    if not rolls_back(journal):
        return False
    if not journal.has_rollback:
        return True
    return any(
        found.phase is not Phase.FINISHED
        for _, found in store.journals()
        if found.plan.rollback_of == journal.plan.deployment_id
    )


def executor_of(
    journal: Journal, environment: DeploymentEnvironment, observer: Observer | None = None
) -> Executor:
    """The executor of a deployment, for operations that do not run it."""
    return Executor(
        journal,
        environment.services(),
        observer or Observer(),
        environment.clients.calls.snapshot,
    )


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The result of cleaning up a deployment.

    Attributes:
        undone: The titles of the steps that were undone.
        leftovers: What still exists.
    """

    deployment_id: str
    undone: Sequence[str]
    leftovers: tuple[str, ...]


def clean(
    deployment: str | None,
    options: LocationOptions,
    frontend: Frontend,
    consent: Callable[[JobDescription | None], Consent | None],
) -> Cleaning | None:
    """Delete everything a deployment created.

    Args:
        deployment: Its id or its job's; None for the newest unfinished one.
        options: Where to work.
        frontend: The caller.
        consent: Gets the job if it has not ended; returns the consent to delete it, or None.

    Returns:
        What was deleted; None without consent.

    Raises:
        JobUnfinished: The job has not ended, and the consent is only for ended jobs.
    """
    store = DeploymentStore(state_directory(options.state_dir))
    with closing(Journal.open(store.path(choose_deployment(store, deployment)))) as journal:
        plan = journal.plan
        environment = environment_of(journal, options, frontend)
        with frontend.show_progress(rounds=len(plan.rounds), things=plan.things) as observer:
            executor = executor_of(journal, environment, observer)
            given = consent(executor.unfinished_job())
            if given is None:
                return None
            executor.clean(given)
            return Cleaning(plan.deployment_id, executor.undone, executor.leftovers())


def stored_deployments(
    state_dir: Path | None,
) -> tuple[list[json_deployment.HistoryEntry], list[json_deployment.DamagedJournal]]:
    """The deployments of this machine, the newest first, and the journals that are damaged."""
    entries: list[json_deployment.HistoryEntry] = []
    damaged: list[json_deployment.DamagedJournal] = []
    for deployment_id, journal in DeploymentStore(state_directory(state_dir)).entries():
        if isinstance(journal, UserMistake):
            damaged.append({"deploymentId": deployment_id, "problem": str(journal)})
        else:
            entries.append(_entry(journal))
    return entries, damaged


def _entry(journal: Journal) -> json_deployment.HistoryEntry:
    plan = journal.plan
    return shaped(
        json_deployment.HistoryEntry,
        plan,
        rollbacks=list(journal.rollbacks),
        rehearsal=journal.is_rehearsal,
        file=str(journal.about.get("file", plan.source)),
        createdAt=moment(journal.created_ms),
        waves=[
            {"wave": wave.name, "verdict": wave.gate.verdict.value if wave.gate else None}
            for wave in wave_results(journal)
        ],
        roundsDone=len(journal.rounds),
        state=journal.phase.value,
        outcome=journal.outcome,
        failure=journal.failure,
        summary=outcome_words(journal),
    )

"""Begins a rollback: for ``otactl rollback``, or because a gate failed.

A deployment that has not ended is rejected first, by the process that runs it, or here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from otactl.deploy.decision_file import DecisionFile
from otactl.deploy.journal import Journal, Phase
from otactl.deploy.journal_file import JournalLocked
from otactl.deploy.observer import Observer
from otactl.deploy.rollback_evidence import RollbackEvidence
from otactl.deploy.store import DeploymentStore
from otactl.errors import (
    Interrupted,
    LocalResourceMissing,
    OtactlError,
    RollbackFailed,
    UserMistake,
)
from otactl.model.configuration import parse_configuration
from otactl.model.defaults import DEFAULT_POLL_SECONDS
from otactl.model.outcome import DeploymentResult
from otactl.model.rollback import REJECTION, WithoutFormerImage
from otactl.model.thing_list import ThingList
from otactl.model.wave import Act
from otactl.operations.deployment import run_deployment
from otactl.operations.environment import DeploymentEnvironment, environment_of, wait_options
from otactl.operations.forecast import forecast_rollback
from otactl.operations.forecast_inputs import FleetInputs
from otactl.operations.frontend import Frontend
from otactl.operations.load import LoadedDeployment
from otactl.operations.location_options import LocationOptions
from otactl.operations.rollback.run import RollbackReport, RollbackRun
from otactl.operations.state_directory import state_directory
from otactl.operations.stored_deployment import choose_deployment, executor_of, rolls_back
from otactl.operations.text_file import read_text
from otactl.rules.rollback import RollbackReason
from otactl.wire.custom_document import DocumentFault, read_custom_document
from otactl.wire.job_document import MAX_JOB_DOCUMENT_LENGTH

#: How long a process may take after the end of its deployment to write its report and exit.
_RELEASE_MS = 5_000


def roll_back(
    deployment: str,
    options: LocationOptions,
    frontend: Frontend,
    *,
    is_dry: bool = False,
    poll_seconds: float = DEFAULT_POLL_SECONDS,
    no_wait: bool = False,
    confirm: Callable[[RollbackReport], bool] = lambda _report: True,
    fleet: FleetInputs | None = None,
) -> RollbackReport | None:
    """Roll back a deployment: each thing that took the image gets its former version.

    Args:
        deployment: Its id or its job's.
        options: Where to work.
        frontend: The caller.
        is_dry: Whether only to report the plan; nothing is stopped or created then.
        poll_seconds: Seconds between two polls.
        no_wait: Whether not to wait at gates and for things in the middle of the update.
        confirm: Gets the plan before anything is done; returns whether to roll back.
        fleet: The fleet for a dry run's forecast; None for no forecast.

    Returns:
        The result; None if it was not confirmed.

    Raises:
        UserMistake: It cannot be rolled back, or another process already rolls it back.
    """
    store = DeploymentStore(state_directory(options.state_dir))
    path = store.path(choose_deployment(store, deployment))
    if not path.is_file():
        raise UserMistake(f"there is no deployment {path.stem}", hint="`otactl history` lists them")
    waiting = wait_options(has_waves=True, leaves=no_wait, max_wait_seconds=None)
    journal = Journal.read(path)
    try:
        _check(journal)
        environment = environment_of(
            journal, options, frontend, poll_seconds=poll_seconds, waiting=waiting
        )
        if not is_dry and journal.phase is Phase.FINISHED:
            # The lock keeps other processes from rolling it back.
            journal.close()
            journal = _opened(path, environment)
        loaded = stored(journal)
        report = RollbackRun(journal, loaded, environment, is_dry=True).run()
        if loaded.configuration.rollback.without_image is WithoutFormerImage.REFUSE:
            refuse_if_impossible(report, loaded.configuration.file_name)
        if is_dry:
            return with_forecasts(report, loaded, fleet) if fleet else report
        if not confirm(report):
            return None
        if journal.phase is not Phase.FINISHED:
            journal.close()
            journal = _open_stopped(path, environment)
        return RollbackRun(journal, loaded, environment).run()
    finally:
        journal.close()


def with_forecasts(
    report: RollbackReport, loaded: LoadedDeployment, fleet: FleetInputs
) -> RollbackReport:
    """The report with a forecast of each plan; without forecasts if NumPy is not installed."""
    configuration, offline = loaded.configuration, report.found.offline
    try:
        forecasts = tuple(
            forecast_rollback(plan, configuration, offline, fleet) for plan in report.plans
        )
    except LocalResourceMissing:
        return report
    return replace(report, forecasts=forecasts)


def refuse_if_impossible(report: RollbackReport, file_name: str) -> None:
    """Refuse if nothing can be rolled back; the deployment is left as it is.

    Raises:
        UserMistake: Things took the image, and the former version of all of them is unknown.
    """
    found = report.found
    if not found.no_former or found.to_version or report.begun:
        return
    if found.with_reason(RollbackReason.IN_PROGRESS):
        return
    raise UserMistake(
        f"deployment {report.deployment_id} cannot be rolled back: {len(found.no_former):,}"
        " things took the image, and none reported the version that it had",
        hint=f"{file_name} must have [VERIFY_CONFIG] and [ROLLBACK_CONFIG] when it is planned;"
        " deploy the former image to them instead",
    )


def run_to_end(
    journal: Journal, environment: DeploymentEnvironment
) -> tuple[DeploymentResult, OtactlError | None]:
    """Run a deployment and its automatic rollback to the end, then close its journal."""
    with closing(journal):
        result, failure = run_deployment(journal, environment, find_leftovers=True)
        return roll_back_if_planned(journal, environment, result, failure)


def roll_back_if_planned(
    journal: Journal,
    environment: DeploymentEnvironment,
    result: DeploymentResult,
    failure: OtactlError | None,
    loaded: LoadedDeployment | None = None,
) -> tuple[DeploymentResult, OtactlError | None]:
    """Roll back if a gate failed with ``onGateFailure = rollback``; the result has the rollbacks.

    If a rollback cannot begin, or is interrupted, the reason becomes the failure.
    """
    if not rolls_back(journal):
        return result, failure
    if environment.clock.is_asked_to_stop:
        environment.frontend.warn(
            f"not rolled back: `otactl rollback {journal.plan.deployment_id}` does it"
        )
        return result, failure
    environment.frontend.note(f"{failure}; rolling back")
    try:
        report = RollbackRun(journal, loaded or stored(journal), environment).run()
    except Interrupted as stopped:
        resuming = f"`otactl rollback {journal.plan.deployment_id}` resumes it"
        environment.frontend.warn(f"the rollback was interrupted: {resuming}")
        return result, stopped
    except OtactlError as error:
        refusal = RollbackFailed(f"{failure}; not rolled back: {error}", hint=error.hint)
        return result, refusal
    return replace(result, rollbacks=report.results), report.failure or failure


def stored(journal: Journal) -> LoadedDeployment:
    """The deployment's file from its journal, but [ROLLBACK_CONFIG] as the file has it now.

    Raises:
        UserMistake: The journal does not have it, as in some rehearsals.
        LocalResourceMissing: Its custom job document cannot be read.
    """
    about = journal.about
    text, file_name = str(about.get("configuration", "")), str(about.get("file", ""))
    if not text:
        raise UserMistake(f"the journal {journal.path} does not keep the deployment's file")
    base_dir = str(Path(file_name).parent)
    loaded = parse_configuration(text, file_name=file_name, base_dir=base_dir)
    configuration = loaded.configuration
    # The user can add a missing image there later.
    with suppress(OtactlError, OSError):
        now = Path(file_name).read_text("utf-8")
        newer = parse_configuration(now, file_name=file_name, base_dir=base_dir).configuration
        configuration = replace(configuration, rollback=newer.rollback)
    custom = configuration.custom_document
    document = None
    if custom is not None and custom.path is not None:
        try:
            document = read_custom_document(
                read_text(Path(custom.path), limit=MAX_JOB_DOCUMENT_LENGTH)
            )
        except DocumentFault as fault:
            raise UserMistake(f"the custom job document {custom.path} {fault}") from fault
    return LoadedDeployment(
        configuration=configuration,
        thing_list=ThingList(file_name=configuration.thing_list, things=()),
        custom_document=document,
        warnings=(),
        ini=loaded.ini,
    )


def _check(journal: Journal) -> None:
    plan = journal.plan
    if plan.rollback_of:
        raise UserMistake(
            f"deployment {plan.deployment_id} is the rollback of {plan.rollback_of}",
            hint=f"`otactl rollback {plan.rollback_of}` resumes it",
        )
    if journal.is_rehearsal:
        raise UserMistake(f"deployment {plan.deployment_id} was a rehearsal; its things are gone")


def _open_stopped(path: Path, environment: DeploymentEnvironment) -> Journal:
    """The opened journal of a deployment that has ended; if it had not, it is stopped first."""
    journal = _opened(path, environment)
    try:
        if journal.phase is Phase.FINISHED:
            return journal
        if not executor_of(journal, environment).has_job:
            raise UserMistake(
                f"deployment {path.stem} has created no job, so there is nothing to roll back",
                hint=f"`otactl clean {path.stem}` removes it",
            )
        _ask_to_stop(journal, environment)
        _, failure = run_deployment(journal, environment)
        if journal.outcome is None:
            raise failure or UserMistake(f"deployment {path.stem} has not ended")
    except BaseException:
        journal.close()
        raise
    return journal


def _opened(path: Path, environment: DeploymentEnvironment) -> Journal:
    """The opened journal, as soon as the process that runs the deployment has released it."""
    clock, frontend = environment.clock.renewed(), environment.frontend
    is_asked = False
    give_up_ms = clock.monotonic_ms() + _RELEASE_MS
    while True:
        try:
            return Journal.open(path)
        except JournalLocked:
            with closing(Journal.read(path)) as journal:
                is_over = journal.phase is Phase.FINISHED and not is_asked
                if is_over and clock.monotonic_ms() >= give_up_ms:
                    raise
                if not is_over and not is_asked:
                    is_asked = True
                    _ask_to_stop(journal, environment)
                    frontend.note(f"waiting for the process that runs {path.stem} to stop")
        with frontend.handle_signals(clock, ""):
            clock.sleep(environment.poll_seconds)


def _ask_to_stop(journal: Journal, environment: DeploymentEnvironment) -> None:
    """Reject a deployment; of one without waves the job is cancelled as well."""
    from otactl.operations.deciding import new_decision

    if not journal.plan.waves:
        RollbackEvidence(journal, environment.services(), Observer(), keeps=False).cancel()
    # It also ends the wait for versions: what has not reported is rolled back too.
    rejection = new_decision(
        Act.REJECT,
        None,
        clients=environment.clients,
        now_ms=environment.clock.now_ms(),
        comment=REJECTION,
    )
    DecisionFile(journal.path).append(rejection)

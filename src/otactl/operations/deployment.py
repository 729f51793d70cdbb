"""Plans, begins and runs deployments.

``deploy``, ``resume``, ``rehearse`` and the worker of the queue all use these functions.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any

from otactl.aws.alarm_reach import alarm_warnings
from otactl.aws.clients import account_of
from otactl.deploy.consent import Consent
from otactl.deploy.eligibility import Choice
from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Outcome
from otactl.deploy.observer import Observer
from otactl.deploy.plan import Plan
from otactl.deploy.planner import PlanOptions, Request
from otactl.deploy.preparation import prepare
from otactl.deploy.recorded_result import outcome_words
from otactl.deploy.signing import sign_plan
from otactl.deploy.store import DeploymentStore, new_deployment_id
from otactl.errors import DeploymentFailed, Interrupted, OtactlError
from otactl.model.outcome import DeploymentResult
from otactl.operations.debug_log import DebugLog
from otactl.operations.environment import DeploymentEnvironment, pace_fields
from otactl.operations.frontend import Frontend
from otactl.operations.load import LoadedDeployment


def make_plan(
    loaded: LoadedDeployment,
    environment: DeploymentEnvironment,
    options: PlanOptions,
    *,
    force: bool = False,
) -> Plan:
    """Check everything and make the plan; nothing is created.

    The frontend is warned of alarms that have no subscriber or cannot go off.
    """
    before = Counter(environment.clients.calls.snapshot())
    store = DeploymentStore(environment.state_dir)
    request = Request(
        configuration=loaded.configuration,
        thing_list=loaded.thing_list,
        custom_document=loaded.custom_document,
        account=account_of(environment.clients),
        deployment_id=new_deployment_id(environment.clock.now_ms()),
        options=options,
        force=force,
        excepted=loaded.excepted,
        journals=lambda: store.deployed(rehearsals=environment.is_rehearsal),
    )
    plan = prepare(request, environment.services(), environment.frontend.note)
    if not environment.is_rehearsal:
        configuration = loaded.configuration
        environment.frontend.warn_of(
            alarm_warnings(environment.clients, configuration.alarms, file=configuration.file_name)
        )
    waves = loaded.configuration.waves
    if waves is not None and len(plan.waves) < len(waves.waves):
        environment.frontend.warn("no thing is left for wave rest: it is left out")
    if plan.left_out:
        words = ", ".join(f"{count:,} {reason}" for reason, count in plan.left_out.items())
        environment.frontend.note(f"left out {sum(plan.left_out.values()):,} things: {words}")
    calls = Counter(environment.clients.calls.snapshot()) - before
    return plan.model_copy(update={"preparation_calls": dict(calls)})


def begin(
    loaded: LoadedDeployment,
    plan: Plan,
    environment: DeploymentEnvironment,
    about: Mapping[str, Any] | None = None,
) -> Journal:
    """Begin the journal of a deployment; from here on it can be resumed or undone.

    If the plan left signing for later, the image is signed first.
    """
    plan = sign_plan(plan, loaded.configuration, environment.signing)
    settings = environment.clients.settings
    choice = plan.choice or Choice(thing_list=loaded.thing_list)

    def fill(journal: Journal) -> None:
        journal.enter_targets(choice.thing_list.things)
        journal.enter_former(choice.former)
        journal.enter_left_out(choice.left_out)
        journal.enter_waves(plan.wave_things)
        journal.enter_excepted(plan.excepted)

    return Journal.create(
        DeploymentStore(environment.state_dir).path(plan.deployment_id),
        plan,
        now_ms=environment.clock.now_ms(),
        about={
            "file": loaded.configuration.file_name,
            "profile": settings.profile,
            "endpointUrl": settings.endpoint_url,
            "configuration": loaded.ini.text,
            "debug": loaded.configuration.debug,
            **pace_fields(settings),
            "rehearsal": environment.is_rehearsal,
            "localCloud": environment.local_cloud and asdict(environment.local_cloud),
            **(about or {}),
        },
        fill=fill,
    )


def run_deployment(
    journal: Journal, environment: DeploymentEnvironment, *, find_leftovers: bool = False
) -> tuple[DeploymentResult, OtactlError | None]:
    """Run the remaining steps of a deployment.

    Returns:
        Its result, and its failure; the caller decides what to do with a failure.
    """
    plan, frontend = journal.plan, environment.frontend
    with ExitStack() as stack:
        observer: Observer = environment.observer or stack.enter_context(
            frontend.show_progress(rounds=len(plan.rounds), things=plan.things)
        )
        stopping = "the next worker continues" if environment.releases else ""
        stack.enter_context(frontend.handle_signals(environment.clock, stopping))
        if journal.about.get("debug"):
            path = environment.state_dir / "logs" / f"{plan.deployment_id}.log"
            log = DebugLog(path, environment.clock.now_ms, observer, frontend)
            observer = stack.enter_context(log)
            # The log is notified of every call while it is open.
            calls = environment.clients.calls
            calls.on_answer = log.on_call
            stack.callback(setattr, calls, "on_answer", None)
        executor = Executor(
            journal,
            environment.services(),
            observer,
            environment.clients.calls.snapshot,
            releases=environment.releases,
            is_rehearsal=environment.is_rehearsal,
            waiting=environment.waiting,
            decisions=environment.decisions,
        )
        executor.run()
        if executor.failure is not None and isinstance(observer, DebugLog):
            observer.write(f"failed: {executor.failure}")
    if not environment.releases:
        _settle_interruption(executor, plan, frontend)
    result = executor.result()
    if find_leftovers and not executor.goes_on:
        result = with_what_is_left(result, executor, plan, frontend)
    return result, failure_to_report(executor, journal, frontend)


def _settle_interruption(executor: Executor, plan: Plan, frontend: Frontend) -> None:
    """After Ctrl-C in a rollout: keep the job, or delete it if the user wants that.

    SIGTERM and SIGHUP come from a cancelled CI job or a closed terminal, and never delete a job.
    """
    stopped = executor.failure
    if not isinstance(stopped, Interrupted) or stopped.signal_number != signal.SIGINT:
        return
    may_ask = plan.clean_up and executor.goes_on and executor.has_job
    if may_ask and frontend.wants_deletion(plan.job_id):
        executor.abandon(Consent.ANSWERED)


def with_what_is_left(
    result: DeploymentResult, executor: Executor, plan: Plan, frontend: Frontend
) -> DeploymentResult:
    """The result with what is left in AWS; unchanged if that cannot be read."""
    try:
        found = executor.leftovers()
    except OtactlError as error:
        frontend.warn(f"what is left in AWS could not be looked up: {error}")
        return result
    result = executor.result()  # includes the calls of leftovers()
    keeps = not plan.clean_up or executor.kept_job is not None
    return replace(result, kept=found) if keeps else replace(result, leftovers=found)


def failure_to_report(
    executor: Executor, journal: Journal, frontend: Frontend
) -> OtactlError | None:
    """The first failure of the deployment; the frontend is warned of later ones."""
    if executor.kept_job is not None:
        frontend.warn(f"{executor.kept_job}; {executor.kept_job.hint}")
    failure, second = executor.failure, executor.clean_up_failure
    if failure is None:
        failure, second = second, None
    if second is not None:
        frontend.warn(f"{second} ({second.hint})")
    if failure is None and journal.outcome is not Outcome.SUCCEEDED:
        failure = DeploymentFailed(outcome_words(journal))
    return failure

"""The composition root of a deployment: settings and files in, a running executor out.

``deploy``, ``resume``, ``clean``, ``rehearse`` and the queue's worker all come through here, so
that there is one way a deployment is carried out.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from otactl.aws.alarm_reach import alarm_warnings
from otactl.aws.alarms import CloudWatchAlarms
from otactl.aws.identity import account_of
from otactl.aws.jobs import IotJobs
from otactl.aws.object_store import S3ObjectStore
from otactl.aws.registry import IotRegistry
from otactl.aws.streams import IotStreams
from otactl.cli.debug_log import DebugLog, debug_log_path
from otactl.cli.interruption import settle_interruption, tell_how_to_go_on
from otactl.cli.options import OutputFormat
from otactl.cli.terminal import (
    print_json,
    print_warnings,
    stderr_console,
    stdout_console,
    tell_failure,
    warn,
)
from otactl.cli.watching.report_file import report_finished
from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Outcome
from otactl.deploy.ports import Services
from otactl.deploy.preparation import Request, prepare
from otactl.deploy.recorded_failure import outcome_words
from otactl.deploy.store import DeploymentStore, new_deployment_id
from otactl.errors import DeploymentFailed, OtactlError
from otactl.monitor.polling import PollingWatch
from otactl.views.deploy_progress import DeployProgress
from otactl.views.result_table import print_result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otactl.aws.clients import AwsClients
    from otactl.cli.clock import CommandClock
    from otactl.cli.load import LoadedDeployment
    from otactl.deploy.observer import Observer
    from otactl.deploy.plan import Plan
    from otactl.deploy.planner import PlanOptions
    from otactl.model.local_cloud import LocalCloudAddress
    from otactl.model.outcome import DeploymentResult

DEFAULT_POLL_SECONDS = 5.0
DEFAULT_UPLOAD_CONCURRENCY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentEnvironment:
    """What a deployment runs in.

    Attributes:
        poll_seconds: From one look at the running job to the next, by ``clock``.
        is_rehearsal: Whether the cloud goes when the deployment is over.
        hands_over: Whether another process goes on when this one is stopped (the queue's workers).
        local_cloud: The rehearsal's, so that others can watch it while it runs.
        observer: Who is told beside the progress display; tests use it to stop at an instant.
    """

    clients: AwsClients
    clock: CommandClock
    state_dir: Path
    poll_seconds: float = DEFAULT_POLL_SECONDS
    upload_concurrency: int = DEFAULT_UPLOAD_CONCURRENCY
    is_rehearsal: bool = False
    hands_over: bool = False
    local_cloud: LocalCloudAddress | None = None
    observer: Observer | None = None

    def services(self) -> Services:
        """The world behind the Protocols of ``deploy``."""
        jobs = IotJobs(self.clients)
        return Services(
            objects=S3ObjectStore(self.clients, concurrency=self.upload_concurrency),
            streams=IotStreams(self.clients),
            jobs=jobs,
            registry=IotRegistry(self.clients),
            alarms=CloudWatchAlarms(self.clients),
            watch=PollingWatch(jobs, self.clock, interval_seconds=self.poll_seconds),
            clock=self.clock,
        )


def make_plan(
    loaded: LoadedDeployment,
    environment: DeploymentEnvironment,
    options: PlanOptions,
    *,
    force: bool = False,
) -> Plan:
    """Look at everything and make the plan; nothing is created.

    Alarms that nobody would hear of, or that cannot go off, are warned of on standard error.
    """
    before = Counter(environment.clients.calls.snapshot())
    request = Request(
        configuration=loaded.configuration,
        thing_list=loaded.thing_list,
        custom_document=loaded.custom_document,
        account=account_of(environment.clients),
        deployment_id=new_deployment_id(environment.clock.now_ms()),
        options=options,
        force=force,
    )
    plan = prepare(request, environment.services())
    if not environment.is_rehearsal:
        configuration = loaded.configuration
        print_warnings(
            alarm_warnings(environment.clients, configuration.alarms, file=configuration.file_name)
        )
    calls = Counter(environment.clients.calls.snapshot()) - before
    return plan.model_copy(update={"preparation_calls": dict(calls)})


def about_deployment(
    loaded: LoadedDeployment, environment: DeploymentEnvironment
) -> dict[str, Any]:
    """What every journal says of where its deployment came from and how it is carried out."""
    settings = environment.clients.settings
    return {
        "file": loaded.configuration.file_name,
        "profile": settings.profile,
        "endpointUrl": settings.endpoint_url,
        "configuration": loaded.text,
        "debug": loaded.configuration.debug,
    }


def begin(loaded: LoadedDeployment, plan: Plan, environment: DeploymentEnvironment) -> Journal:
    """Begin the journal of a deployment; from here on it can be resumed or undone."""
    settings = environment.clients.settings
    journal = Journal.create(
        DeploymentStore(environment.state_dir).path(plan.deployment_id),
        plan,
        now_ms=environment.clock.now_ms(),
        about=about_deployment(loaded, environment)
        | {
            "maxAttempts": settings.max_attempts,
            "iotIntervalMs": settings.iot_interval_ms,
            "uploadConcurrency": environment.upload_concurrency,
            "rehearsal": environment.is_rehearsal,
            "localCloud": environment.local_cloud and environment.local_cloud.to_fields(),
        },
    )
    journal.enter_targets(loaded.thing_list.things)
    return journal


def carry_out(
    journal: Journal, environment: DeploymentEnvironment, *, look_for_leftovers: bool = False
) -> tuple[DeploymentResult, OtactlError | None]:
    """Run what is left of a deployment, with progress on standard error.

    Returns:
        What it came to, and how it failed; the caller decides what to do with a failure.
    """
    plan = journal.plan
    with ExitStack() as stack:
        progress = stack.enter_context(
            DeployProgress(stderr_console(), rounds=len(plan.rounds), things=plan.things)
        )
        stopping = "the next worker goes on" if environment.hands_over else ""
        stack.enter_context(environment.clock.hearing_signals(stopping))
        observer: Observer = environment.observer or progress
        if journal.about.get("debug"):
            observer = stack.enter_context(_debug_log(plan, environment, observer))
        executor = Executor(
            journal,
            environment.services(),
            observer,
            environment.clients.calls.snapshot,
            hands_over=environment.hands_over,
            is_rehearsal=environment.is_rehearsal,
        )
        executor.run()
        if executor.failure is not None and isinstance(observer, DebugLog):
            observer.write(f"failed: {executor.failure}")
    if not environment.hands_over:
        settle_interruption(executor, plan)
    result = executor.result()
    if look_for_leftovers and not executor.goes_on:
        result = with_what_is_left(result, executor, plan)
    return result, failure_to_tell(executor, journal)


def with_what_is_left(result: DeploymentResult, executor: Executor, plan: Plan) -> DeploymentResult:
    """The result with what is still there; that it cannot be looked up changes nothing of it."""
    try:
        found = executor.leftovers()
    except OtactlError as error:
        warn(f"what is left in AWS could not be looked up: {error}")
        return result
    result = executor.result()  # with the calls that this look took
    keeps = not plan.clean_up or executor.kept_job is not None
    return result.with_kept(found) if keeps else result.with_leftovers(found)


def failure_to_tell(executor: Executor, journal: Journal) -> OtactlError | None:
    """How the deployment failed: what came first; what followed is told beside it."""
    if executor.kept_job is not None:
        warn(f"{executor.kept_job}; {executor.kept_job.hint}")
    failure, second = executor.failure, executor.clean_up_failure
    if failure is None:
        failure, second = second, None
    if second is not None:
        warn(f"{second} ({second.hint})")
    if failure is None and journal.outcome is not Outcome.SUCCEEDED:
        failure = DeploymentFailed(outcome_words(journal))
    return failure


@contextmanager
def _debug_log(
    plan: Plan, environment: DeploymentEnvironment, observer: Observer
) -> Iterator[DebugLog]:
    """The log that ``debug = True`` asks for, told of every call while it is open."""
    path = debug_log_path(environment.state_dir, plan.deployment_id)
    calls = environment.clients.calls
    with DebugLog(path, environment.clock.now_ms, observer) as log:
        calls.on_answer = log.on_call
        try:
            yield log
        finally:
            calls.on_answer = None


def finish(journal: Journal, environment: DeploymentEnvironment, output: OutputFormat) -> None:
    """Carry a deployment to its end and report it.

    Raises:
        Exit: It failed; how was told, so that the report is what is named last.
    """
    try:
        result, failure = carry_out(journal, environment, look_for_leftovers=True)
    finally:
        journal.close()
    report(result, output)
    code = 0 if failure is None else tell_failure(failure, is_listed=True)
    if result.goes_on:
        tell_how_to_go_on(result)
    report_finished(result.deployment_id, environment.state_dir, environment.clock.now_ms())
    if code:
        raise typer.Exit(code)


def report(result: DeploymentResult, output: OutputFormat) -> None:
    """Write what a deployment came to on standard output."""
    if output is OutputFormat.JSON:
        print_json(result.to_fields())
    else:
        print_result(stdout_console(), result)

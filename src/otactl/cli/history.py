"""``otactl resume``, ``otactl clean`` and ``otactl history``: what the journals are for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otactl.cli import terminal
from otactl.cli.options import (
    EndpointUrlOption,
    OutputFormat,
    OutputOption,
    PollOption,
    ProfileOption,
    StateDirOption,
    YesOption,
)
from otactl.errors import UserMistake

if TYPE_CHECKING:
    from otactl.cli.deployment import DeploymentEnvironment
    from otactl.deploy.journal import Journal
    from otactl.deploy.store import DeploymentStore

#: Of a deployment's id (``new_deployment_id``).
_ID_WIDTH = 23
#: Of a failure, so much: in 80 columns it stands on two lines.
_FAILURE_WIDTH = 100

DeploymentArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[DEPLOYMENT]",
        help="The deployment's id, or its job's; the newest unfinished one when left out.",
        show_default=False,
    ),
]


def resume(
    deployment: DeploymentArgument = None,
    poll: PollOption = 5.0,
    profile: ProfileOption = None,
    endpoint_url: EndpointUrlOption = None,
    state_dir: StateDirOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Continue a deployment that was killed or interrupted, and carry it to its end.

    It goes on with the very plan it began with, whatever has become of the files since. One that
    ended before its job did (--max-wait, an abort) is watched on while the job is there. Exit codes
    are those of `otactl deploy`.
    """
    from otactl.cli.deployment import finish
    from otactl.deploy.journal import Journal, Phase
    from otactl.deploy.recorded_failure import outcome_words

    store = _store(state_dir)
    deployment_id = _choose(store, deployment)
    journal = Journal.open(store.path(deployment_id))
    environment = _environment(journal, profile, endpoint_url, state_dir, poll)
    if journal.phase is Phase.FINISHED and not _reopened(journal, environment):
        raise UserMistake(
            f"deployment {deployment_id} is finished: {outcome_words(journal)}",
            hint=f"`otactl report {deployment_id}` shows it; `otactl clean` removes what it left",
        )
    finish(journal, environment, output)


def _reopened(journal: Journal, environment: DeploymentEnvironment) -> bool:
    """Whether a deployment that ended has a job that goes on, and is watched on from here."""
    from otactl.deploy.executor import Executor
    from otactl.deploy.observer import SilentObserver

    calls = environment.clients.calls.snapshot
    return Executor(journal, environment.services(), SilentObserver(), calls).reopen()


def clean(
    deployment: DeploymentArgument = None,
    yes: YesOption = False,
    profile: ProfileOption = None,
    endpoint_url: EndpointUrlOption = None,
    state_dir: StateDirOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Delete everything a deployment created: job, stream, alarms, group, objects.

    A job that has not ended is only deleted after its id was typed, or with --yes: devices in the
    middle of an update are no longer followed.
    """
    from otactl.cli.job_consent import consent_to_delete
    from otactl.deploy.executor import Executor
    from otactl.deploy.journal import Journal
    from otactl.views.deploy_progress import DeployProgress

    store = _store(state_dir)
    journal = Journal.open(store.path(_choose(store, deployment)))
    environment = _environment(journal, profile, endpoint_url, state_dir, 5.0)
    plan = journal.plan
    with DeployProgress(
        terminal.stderr_console(), rounds=len(plan.rounds), things=plan.things
    ) as progress:
        executor = Executor(
            journal, environment.services(), progress, environment.clients.calls.snapshot
        )
        consent = consent_to_delete(executor.unfinished_job(), yes=yes)
        if consent is None:
            terminal.note("nothing deleted")
            return
        executor.clean(consent)
        leftovers = executor.leftovers()
    if output is OutputFormat.JSON:
        terminal.print_json(
            {
                "deploymentId": plan.deployment_id,
                "deleted": executor.undone,
                "leftovers": list(leftovers),
            }
        )
    elif not executor.undone:
        terminal.note(f"deployment {plan.deployment_id} had left nothing")
    if leftovers:
        raise UserMistake(f"still there: {', '.join(leftovers)}")


def history(
    state_dir: StateDirOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """List the deployments of this machine, the newest first."""
    entries: list[dict[str, Any]] = []
    damaged: list[dict[str, str]] = []
    for deployment_id, journal in _store(state_dir).entries():
        if isinstance(journal, UserMistake):
            damaged.append({"deploymentId": deployment_id, "problem": str(journal)})
        else:
            entries.append(_entry(journal))
    if output is OutputFormat.JSON:
        terminal.print_json({"deployments": entries, "damaged": damaged})
        return
    for one in damaged:
        terminal.warn(one["problem"])
    from rich.table import Table
    from rich.text import Text

    from otactl.views.foreign_text import clean

    table = Table(box=None, pad_edge=False, header_style="bold")
    # What one copies into the next command stands whole; the rest makes room.
    table.add_column("deployment", no_wrap=True, overflow="ignore", min_width=_ID_WIDTH)
    table.add_column("job, and what became of it", overflow="fold")
    for entry in entries:
        table.add_row(entry["deploymentId"], Text("\n".join(map(clean, _told(entry)))))
    terminal.stdout_console().print(table if entries else "no deployments yet")


def _told(entry: dict[str, Any]) -> list[str]:
    """A deployment in a few lines; `otactl report` and --output json tell the whole failure."""
    from otactl.views.wording import rounds_words, things_words

    rounds = f"{entry['roundsDone']} of {rounds_words(entry['rounds'])}"
    of = "rehearsal of " if entry["rehearsal"] else ""
    return [
        entry["jobId"],
        f"{of}{Path(entry['file']).name}, {things_words(entry['things'])}, {rounds}",
        shorten(entry["told"], _FAILURE_WIDTH, placeholder=" …"),
    ]


def _entry(journal: Journal) -> dict[str, Any]:
    from otactl.deploy.recorded_failure import outcome_words

    plan = journal.plan
    created = datetime.fromtimestamp(journal.created_ms / 1000, UTC)
    return {
        "deploymentId": plan.deployment_id,
        "jobId": plan.job_id,
        "rehearsal": bool(journal.about.get("rehearsal")),
        "file": str(journal.about.get("file", plan.source)),
        "createdAt": created.isoformat(timespec="seconds"),
        "things": plan.things,
        "rounds": len(plan.rounds),
        "roundsDone": len(journal.rounds),
        "state": journal.phase.value,
        "outcome": journal.outcome,
        "failure": journal.failure,
        "told": outcome_words(journal),
        "account": plan.account,
        "region": plan.region,
    }


def _store(state_dir: Path | None) -> DeploymentStore:
    from otactl.deploy.store import DeploymentStore

    return DeploymentStore(terminal.state_directory(state_dir))


def _choose(store: DeploymentStore, given: str | None) -> str:
    """The deployment that was meant: by its id, by its job's, or the newest unfinished one."""
    from otactl.deploy.journal import Phase

    if given is not None:
        ids = store.ids()
        return given if given in ids else (store.newest_of_job(given) or given)
    for deployment_id, journal in store.journals():
        if journal.about.get("rehearsal"):
            continue
        if journal.phase is not Phase.FINISHED:
            return deployment_id
    raise UserMistake(
        "there is no unfinished deployment",
        hint="name one that has finished by its id; `otactl history` lists them",
    )


def _environment(
    journal: Journal,
    profile: str | None,
    endpoint_url: str | None,
    state_dir: Path | None,
    poll_seconds: float,
) -> DeploymentEnvironment:
    """The environment the deployment began in; flags win, and another account is refused."""
    from otactl.aws.clients import DEFAULT_MAX_ATTEMPTS, AwsClients, AwsSettings
    from otactl.aws.identity import account_of
    from otactl.cli.clock import CommandClock
    from otactl.cli.deployment import DEFAULT_UPLOAD_CONCURRENCY, DeploymentEnvironment

    about, plan = journal.about, journal.plan
    clients = AwsClients(
        AwsSettings(
            profile=profile or about.get("profile"),
            region=plan.region,
            endpoint_url=endpoint_url or about.get("endpointUrl"),
            # The budget and the pace are the file's; who set them means the whole deployment.
            max_attempts=int(about.get("maxAttempts", DEFAULT_MAX_ATTEMPTS)),
            iot_interval_ms=int(about.get("iotIntervalMs", 0)),
        )
    )
    account = account_of(clients)
    if account != plan.account:
        raise UserMistake(
            f"deployment {plan.deployment_id} is in account {plan.account};"
            f" these credentials are account {account}'s",
            hint="use the --profile it was begun with",
        )
    return DeploymentEnvironment(
        clients=clients,
        clock=CommandClock(),
        state_dir=terminal.state_directory(state_dir),
        poll_seconds=poll_seconds,
        upload_concurrency=int(about.get("uploadConcurrency", DEFAULT_UPLOAD_CONCURRENCY)),
    )

"""``otactl queue run``: deploys the requests in the queue."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.cli.queue.options import QUEUE_PANEL, Queue, QueueLocation
from otactl.cli.signals import stop_signals
from otactl.errors import DeploymentFailed, LocalResourceMissing, UserMistake
from otactl.jobqueue.lease_policy import DEFAULT_LEASE_MS, MAX_LEASE_MS
from otactl.model.defaults import DEFAULT_POLL_SECONDS
from otactl.operations.state_directory import state_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otactl.jobqueue.request import JobRequest
    from otactl.operations.queue.attempt import WorkerParts, WorkerSettings
    from otactl.operations.queue.recorder import AttemptResult
    from otactl.operations.queue.session import QueueSession
    from otactl.operations.queue.worker import WorkerOptions

TRUST_PANEL = "What a request may name"
_MEBIBYTE = 1024 * 1024
#: The files of --report and --junit.
_Files = tuple[Path | None, Path | None]


def _trust(flag: str, text: str, **how: Any) -> Any:
    """An option that the worker's environment can set as well."""
    envvar = f"OTACTL_QUEUE_{flag[2:].replace('-', '_').upper()}"
    return options.under(TRUST_PANEL, text, flag, envvar=envvar, **how)


@grouped
def run(
    once: Annotated[
        bool, typer.Option("--once", help="Deploy one request and end; for a CI job.")
    ] = False,
    drain: Annotated[
        bool, typer.Option("--drain", help="End when no request may be deployed any more.")
    ] = False,
    fetched: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Deploy a request of `queue fetch --claim`.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=100, metavar="N", help="Number of worker processes.")
    ] = 1,
    idle: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=options.LONGEST_PAUSE,
            metavar="SECONDS",
            help="Poll an empty queue every SECONDS.",
        ),
    ] = 15.0,
    lease: Annotated[
        float,
        typer.Option(
            min=2,
            max=MAX_LEASE_MS // 1000,
            metavar="SECONDS",
            help="A worker that does not renew its lease for SECONDS loses its request. Below 660"
            " the margin to AWS's signatures shrinks.",
            rich_help_panel=QUEUE_PANEL,
        ),
    ] = DEFAULT_LEASE_MS / 1000,
    max_attempts: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Fail a request after N workers claimed it without finishing;"
            " graceful stops do not count.",
            rich_help_panel=QUEUE_PANEL,
        ),
    ] = 3,
    report_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a report on each request here.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results of all requests as JSON.")
    ] = None,
    junit: options.Junit = None,
    allow_bucket: Annotated[
        list[str] | None, _trust("--allow-bucket", "Allow a bucket beside the request's own.")
    ] = None,
    allow_region: Annotated[
        list[str] | None, _trust("--allow-region", "Allow only this region; any when left out.")
    ] = None,
    allow_role: Annotated[
        list[str] | None,
        _trust("--allow-role", "Allow only this role ARN; any of the account when left out."),
    ] = None,
    max_image_mib: Annotated[int, _trust("--max-image-mib", "Refuse larger images.", min=1)] = 1024,
    need_digests: Annotated[
        bool,
        _trust(
            "--need-digests",
            "Refuse requests of the manual's old script, which have no digests.",
        ),
    ] = False,
    signing_key: Annotated[
        Path | None, _trust("--signing-key", "The key to sign images with.")
    ] = None,
    *,
    planning: options.Planning,
    poll: options.Poll = DEFAULT_POLL_SECONDS,
    queue: Queue,
    state_dir: options.StateDir = None,
    output: options.Output = options.TEXT,
) -> None:
    """Claim requests of the queue and deploy them, one after the other.

    Without --once, --drain or --fetched it runs until it is stopped. A worker may be killed at any
    time: another one resumes its request when the lease expires. Ctrl-C and SIGTERM release the
    request: its rollout continues in AWS, and the next worker watches it to its end. To stop the
    rollout itself, use `otactl cancel`.

    Exit codes of --once and --fetched: 0 deployed, or nothing to do; otherwise those of
    `otactl deploy`. Of --drain: 1 if a request failed.
    """
    from otactl.cli.frontend import TerminalFrontend
    from otactl.jobqueue.lease_policy import LeasePolicy
    from otactl.jobqueue.trust import Trust
    from otactl.operations.queue.attempt import WorkerParts, WorkerSettings
    from otactl.operations.queue.worker import WorkerOptions, WorkUntil

    modes = [once, drain, fetched is not None]
    if sum(modes) > 1:
        raise UserMistake("--once, --drain and --fetched exclude one another")
    if workers > 1 and fetched is not None:
        raise UserMistake("--fetched is for one worker")
    for what, is_given in (
        ("--output json is", output is options.JSON),
        ("--report and --junit are", report or junit),
    ):
        if is_given and (workers > 1 or not any(modes)):
            raise UserMistake(
                f"{what} for one worker that ends (--once, --drain, --fetched)",
                hint="--report-dir writes a report on each request, for any number of workers",
            )
    if workers > 1:
        _run_pool(workers)
        return
    settings = WorkerSettings(
        policy=LeasePolicy(lease_ms=int(lease * 1000), max_attempts=max_attempts),
        trust=Trust(
            buckets=frozenset(allow_bucket or ()),
            regions=frozenset(allow_region or ()),
            role_arns=frozenset(allow_role or ()),
            max_image_bytes=max_image_mib * _MEBIBYTE,
            needs_digests=need_digests,
            signing_key=signing_key,
        ),
        options=planning,
        poll_seconds=poll,
        work_dir=state_directory(state_dir) / "queue",
    )
    if fetched is not None:
        _run_fetched(fetched, queue, settings, report_dir, output, (report, junit))
        return
    session = queue.session()
    until = WorkUntil.ONE if once else WorkUntil.EMPTY if drain else WorkUntil.STOPPED
    _run_worker(
        WorkerParts(session, settings, TerminalFrontend()),
        WorkerOptions(until=until, idle_seconds=idle, report_dir=report_dir),
        output,
        (report, junit),
    )


def _write_results(results: Sequence[AttemptResult], files: _Files) -> None:
    """Write the files of --report and --junit; warn if one cannot be written."""
    from otactl.views.foreign_text import to_json
    from otactl.views.junit import requests_junit
    from otactl.views.result_files import write_report

    report, junit = files
    try:
        if report is not None:
            fields = terminal.versioned({"requests": [each.to_fields() for each in results]})
            write_report(report, to_json(fields, 2) + "\n")
        if junit is not None:
            ended = [
                (
                    each.request.aws_job_id,
                    each.result,
                    None if each.error is None else str(each.error),
                )
                for each in results
            ]
            write_report(junit, requests_junit("otactl queue", ended))
    except LocalResourceMissing as error:
        terminal.warn(str(error))


def _run_pool(workers: int) -> None:
    """Run this same command in N processes."""
    from otactl.operations.queue.worker_pool import WorkerPool

    command = [*sys.argv[1:], "--workers", "1"]
    code = WorkerPool(command, workers, signals=stop_signals(), warn=terminal.warn).run()
    if code:
        raise typer.Exit(code)


def _run_fetched(
    folder: Path,
    queue: QueueLocation,
    settings: WorkerSettings,
    report_dir: Path | None,
    output: options.OutputFormat,
    files: _Files,
) -> None:
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.queue.fetch import CLAIM_NAME, deploy_fetched
    from otactl.operations.queue.recorder import keep_report

    result = deploy_fetched(
        folder,
        settings,
        TerminalFrontend(),
        profile=queue.profile,
        endpoint_url=queue.endpoint_url,
    )
    if result is None:
        terminal.note(
            f"nothing is left to deploy in {folder};"
            f" delete {CLAIM_NAME} to deploy its dev.ini anyway"
        )
        return
    if report_dir is not None:
        keep_report(result, report_dir, terminal.warn)
    _write_results([result], files)
    if output is options.JSON:
        terminal.print_json({"requests": [result.to_fields()]})
    else:
        _print_attempt(result, with_error=False)
    if result.error is not None:
        raise result.error


def _run_worker(
    parts: WorkerParts, worker_options: WorkerOptions, output: options.OutputFormat, files: _Files
) -> None:
    from otactl.operations.queue.request_fields import request_fields
    from otactl.operations.queue.worker import Worker, WorkUntil

    is_one = worker_options.until is WorkUntil.ONE
    results: list[AttemptResult] = []

    def notify(result: AttemptResult) -> None:
        results.append(result)
        if output is options.TEXT:
            _print_attempt(result, with_error=not is_one)

    try:
        Worker(parts, worker_options, notify).run()
    finally:
        _write_results(results, files)
    waiting = note_waiting(parts.session, results)
    if output is options.JSON:
        fields = {"requests": [result.to_fields() for result in results]}
        terminal.print_json(fields | {"waiting": [request_fields(each) for each in waiting]})
    failed = [result for result in results if result.error is not None]
    if is_one and failed and failed[0].error is not None:
        raise failed[0].error
    if failed:
        names = ", ".join(result.request.job_id for result in failed[:10])
        raise DeploymentFailed(f"{len(failed)} of {len(results)} requests failed: {names}")


def note_waiting(session: QueueSession, results: Sequence[AttemptResult] = ()) -> list[JobRequest]:
    """Print which requests beside the results wait at gates, or that the queue is empty."""
    from otactl.operations.queue.worker import requests_at_gates
    from otactl.views.request_table import gate_words

    waiting = requests_at_gates(session)
    named = {result.request.order_key for result in results}
    for each in waiting:
        if each.order_key not in named:
            terminal.note(f"{each.job_id} waits: {gate_words(each, session.now_ms())}")
    if not results and not waiting:
        terminal.note("there is nothing to deploy in the queue")
    return waiting


def _print_attempt(result: AttemptResult, *, with_error: bool) -> None:
    """Print the deployment's result on standard output, the rest on standard error.

    Args:
        with_error: Whether its error is printed too; False if the command will raise it.
    """
    from otactl.jobqueue.claimed_request import LeaseLost
    from otactl.views.result_table import print_result

    if result.result is not None:
        print_result(terminal.stdout_console(), result.result)
    if result.is_recorded:
        state = result.request.state.value
    elif result.waits:
        state = f"left at a gate: {result.waits}"
    else:
        state = "another worker's" if isinstance(result.error, LeaseLost) else "released"
    terminal.note(f"{result.request.job_id}: {state}")
    if with_error and result.error is not None:
        terminal.print_error(result.error)

"""``otactl queue add`` and ``create``: add a deployment to the queue (the manual's `submit`)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.cli.queue.options import Adding, Creating, Queue

if TYPE_CHECKING:
    from otactl.operations.load import LoadedDeployment
    from otactl.operations.queue.session import QueueSession


@grouped
def add(
    file: options.Configuration,
    *,
    adding: Adding,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Add the deployment of FILE to the queue.

    FILE and all files it names are checked as by `otactl validate`, then stored in the bucket; the
    copy of FILE gets a job id and a stream id of its own. The queue's region may differ from the
    deployment's.

    For a million devices use batches: `otactl queue add dev.ini --split 10000` makes a hundred
    requests, each deployed when the one before it has succeeded, or with `--required-succeeded 95`
    when that percentage of its things has.
    """
    from otactl.jobqueue.submission import RequestOptions
    from otactl.operations.load import load_deployment
    from otactl.operations.queue.request_fields import request_fields
    from otactl.operations.queue.submit import (
        Submission,
        after_keys,
        check_named,
        check_series,
        epoch_ms,
        request_names,
        submit,
    )

    loaded = load_deployment(file)
    configuration, share = loaded.configuration, adding.required_succeeded
    check_named(file, "binName", configuration.image, adding.image)
    check_named(file, "thingList", configuration.thing_list, adding.thing_list)
    check_series(adding.split, share, adding.max_minutes, configuration.rounds)
    session = queue.session()
    request_options = RequestOptions(
        priority=adding.priority,
        not_before_ms=None if adding.not_before is None else epoch_ms(adding.not_before),
        after=tuple(after_keys(session, adding.after or [])),
        keep_days=adding.keep_days,
        required_succeeded=None if share is None else round(100 * share),
        maximum_minutes=adding.max_minutes,
    )
    submission = Submission(
        loaded=loaded,
        bucket=adding.bucket or configuration.bucket,
        options=request_options,
        split=adding.split,
    )
    now_ms = time.time_ns() // 1_000_000
    requests = submit(submission, session, now_ms=now_ms, notify=terminal.note)
    _warn(loaded, submission.bucket, session)
    if output is options.JSON:
        terminal.print_json({"requests": [request_fields(request) for request in requests]})
    else:
        terminal.stdout_console().print(request_names(requests), markup=False, soft_wrap=True)


def _warn(loaded: LoadedDeployment, bucket: str, session: QueueSession) -> None:
    configuration = loaded.configuration
    if configuration.bucket != bucket:
        terminal.warn(
            f"the deployment uses bucket {configuration.bucket}, the queue {bucket}:"
            f" its worker must be run with --allow-bucket {configuration.bucket}"
        )
    if configuration.signing is not None:
        terminal.warn(
            "the image is to be signed: its worker must be run with --signing-key,"
            " for a private key never goes into the queue"
        )
    if configuration.region != session.clients.region:
        terminal.note(
            f"queued in {session.clients.region}, to be deployed in {configuration.region}"
        )


@grouped
def create(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="The dev.ini to write.")] = Path(
        "dev.ini"
    ),
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="EXISTING", help="Start from this file."),
    ] = None,
    *,
    creating: Creating,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Ask for the values of a dev.ini, write it, and add its deployment to the queue.

    Starts from FILE if it exists, or from EXISTING, or from a template.
    """
    from otactl.cli.init import init

    # As in the manual, every key is asked for.
    init(file=file, source=source, full=True, yes=True)
    _name_files(file, {"binName": creating.image, "thingList": creating.thing_list})
    add(file=file, adding=creating, queue=queue, output=output)


def _name_files(file: Path, given: dict[str, Path | None]) -> None:
    """Write the command line's files into the configuration; they override the answers."""
    from otactl.model.ini import read_ini
    from otactl.model.ini_edit import with_value
    from otactl.model.limits import MAX_CONFIGURATION_LENGTH
    from otactl.operations.text_file import read_text, write_atomically

    ini = read_ini(read_text(file, limit=MAX_CONFIGURATION_LENGTH), file_name=str(file))
    for key, path in given.items():
        if path is not None:
            named = path.resolve()
            folder = file.resolve().parent
            value = named.relative_to(folder) if named.is_relative_to(folder) else named
            ini = with_value(ini, "DEFAULT", key, str(value))
    write_atomically(file, ini.text)

"""``otactl monitor``: watch jobs in the terminal, on a page, or from a script."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import completion, options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import AwsRefused, UserMistake
from otactl.model.defaults import DEFAULT_DETAILS, DEFAULT_POLL_SECONDS

if TYPE_CHECKING:
    from otactl.operations.watch.session import WatchSession

#: Calls of ``--once`` beside one DescribeJob: for pages, and the reasons of some failures.
_CALLS_ONCE = 25


class Until(StrEnum):
    """When a watch ends by itself."""

    DONE = "done"


@grouped
def monitor(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="The dev.ini of each deployment; the running one when left out.",
            show_default=False,
        ),
    ] = None,
    job_id: Annotated[
        list[str] | None,
        typer.Option(
            "--job-id",
            "-j",
            metavar="JOB",
            autocompletion=completion.deployments,
            help="A job, or a deployment's id; repeatable.",
        ),
    ] = None,
    thing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Follow this thing closely: one more call per poll; repeatable."
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Poll once, print, and end.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="With --output json: one line per change, an object.")
    ] = False,
    until: Annotated[
        Until | None,
        typer.Option(help="End when the jobs end, with the exit codes of `otactl deploy`."),
    ] = None,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="Wait for a job that does not exist yet, in AWS or in a rehearsal; without a name,"
            " for the next deployment of this machine.",
        ),
    ] = False,
    events: Annotated[
        bool,
        typer.Option(
            "--events", help="Watch by MQTT events instead of polling; asks to switch them on."
        ),
    ] = False,
    yes: options.Yes = False,
    web: Annotated[bool, typer.Option("--web", help="Show the jobs on a local web page.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 for a free one.")
    ] = 0,
    poll: options.Poll = DEFAULT_POLL_SECONDS,
    details: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Query at most N failed things for their reasons."),
    ] = DEFAULT_DETAILS,
    silent: Annotated[
        float,
        typer.Option(
            min=1,
            max=options.LONGEST_WAIT,
            metavar="SECONDS",
            help="Report a thing as silent after SECONDS without an update.",
        ),
    ] = 300.0,
    *,
    where: options.Location,
    output: options.Output = options.TEXT,
) -> None:
    """Watch jobs: how far, how fast, when done, what fails and why, who is stuck.

    A poll costs one DescribeJob, and at most five more calls if counts changed; with --events there
    are no polls while events arrive. Neither watching nor leaving changes anything.

    Exit codes: 0 the jobs are watched or, with --until done, every thing succeeded; otherwise
    those of `otactl deploy`.
    """
    from otactl.cli.frontend import TerminalFrontend
    from otactl.cli.monitor_output import Showing, show
    from otactl.monitor.watch import BegunElsewhere
    from otactl.monitor.watch_policy import SILENT_AFTER_SECONDS, WatchPolicy
    from otactl.operations.watch.selection import select_jobs
    from otactl.operations.watch.waiting import open_session

    _check(once=once, web=web, follow=follow, until=until, output=output, things=thing or ())
    polls_once = once or (output is options.JSON and not follow and until is None)
    waits = wait and not polls_once
    policy = WatchPolicy(
        interval_seconds=poll,
        details=details,
        silent_seconds=silent,
        silent_after_seconds=min(silent, SILENT_AFTER_SECONDS),
    )
    showing = Showing(
        output=output, follow=follow, web=web, port=port, is_until_done=until is Until.DONE
    )
    while True:
        session = open_session(
            lambda: select_jobs(
                files or (),
                job_id or (),
                state_dir=where.state_dir,
                settles=until is Until.DONE,
                waits=wait,
            ),
            where,
            policy,
            TerminalFrontend(),
            waits=waits,
            things=thing or (),
        )
        if polls_once:
            _print_once(session, output)
            return
        try:
            show(
                session,
                showing,
                events=events and _agree_on_events(session, yes=yes, waits=waits),
                thing_names=thing or (),
            )
        except BegunElsewhere:
            terminal.note("a rehearsal of the job began: watching it in its own cloud")
        else:
            return


def _check(
    *,
    once: bool,
    web: bool,
    follow: bool,
    until: Until | None,
    output: options.OutputFormat,
    things: list[str] | tuple[()],
) -> None:
    from otactl.model.identifier import is_thing_name
    from otactl.monitor.followed import MAX_FOLLOWED

    if once and (web or follow or until is not None):
        raise UserMistake("--once polls once: leave out --web, --follow and --until")
    if follow and output is not options.JSON:
        raise UserMistake("--follow needs --output json: it prints one object per line")
    if web and output is options.JSON:
        raise UserMistake("--web shows a page: leave out --output json")
    if len(things) > MAX_FOLLOWED:
        raise UserMistake(
            f"{len(things)} things to follow are too many: each costs one call per poll",
            hint=f"{MAX_FOLLOWED} at most",
        )
    for name in things:
        if not is_thing_name(name):
            raise UserMistake(
                f"--thing {name!r} is no thing name: 1-128 letters, digits, :, - or _"
            )


def _agree_on_events(session: WatchSession, *, yes: bool, waits: bool) -> bool:
    from otactl.operations.watch.session import agree_on_events

    try:
        return agree_on_events(session.location, lambda question: _ask(question, yes=yes))
    except (AwsRefused, UserMistake) as error:
        if not waits:
            raise
        terminal.warn(f"cannot check whether events are on: {error}; polling instead")
        return False


def _ask(question: str, *, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        terminal.warn("events are off (--yes switches them on); polling instead")
        return False
    agreed = typer.confirm(question, err=True)
    if not agreed:
        terminal.note("polling instead")
    return agreed


def _print_once(session: WatchSession, output: options.OutputFormat) -> None:
    """Poll once and print; a missing job is an error."""
    from otactl.cli.monitor_output import print_snapshots
    from otactl.operations.watch.session import poll_once

    found = poll_once(session, _CALLS_ONCE)
    for job in session.jobs:
        if found[job.job_id].job is None:
            failure = job.failure(found[job.job_id], session.words)
            if failure is not None:
                raise failure
    print_snapshots(found, output)

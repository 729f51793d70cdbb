"""Shows a watch until it ends or the user leaves: a live terminal, lines, JSON, or a page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from otactl.cli import options, terminal
from otactl.errors import Interrupted
from otactl.model.snapshot import JobSnapshot
from otactl.monitor.board import Board
from otactl.operations.watch.session import WatchSession, watching
from otactl.views.monitor_terminal.keyboard import Keyboard
from otactl.views.monitor_terminal.overview import overview, summary_line
from otactl.views.monitor_terminal.session import MonitorSession
from otactl.views.snapshot_fields import snapshot_fields
from otactl.views.wording import job_word

#: How long to wait for a change before signals are handled again.
_BEAT_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """How a watch is shown.

    Attributes:
        follow: With JSON: an object at each change, not one at the end.
        port: Of the page; 0 for a free one.
        is_until_done: Whether the command ends when the jobs end, and fails if they do.
    """

    output: options.OutputFormat
    follow: bool
    web: bool
    port: int
    is_until_done: bool


def show(
    session: WatchSession, showing: Showing, *, events: bool, thing_names: Sequence[str]
) -> None:
    """Show a watch.

    Raises:
        OtactlError: The watch failed; with ``is_until_done`` also if a job failed.
        BegunElsewhere: The awaited jobs began in another cloud.
    """
    watch = watching(
        session, events=events, gives_up=showing.is_until_done, thing_names=thing_names
    )
    with ExitStack() as stack:
        if showing.web:
            from otactl.views.page.server import serving_page

            address = stack.enter_context(
                serving_page(session.board, session.actions, showing.port)
            )
            terminal.note(f"the page is {address}")
            terminal.note("Ctrl-C ends it; the deployment continues")
        stack.enter_context(watch)
        if not showing.web and showing.output is options.TEXT and _is_interactive():
            _live(session, showing)
        else:
            with suppress(Interrupted) if _stays(showing) else nullcontext():
                print_changes(session.board, showing)
    board = session.board
    if board.failure is not None and not isinstance(board.failure, Interrupted):
        raise board.failure
    _conclude(session, showing)


def print_snapshots(found: Mapping[str, JobSnapshot], output: options.OutputFormat) -> None:
    """Print the status of jobs: one object, or lines for each job."""
    if output is options.JSON:
        fields = [snapshot_fields(job_id, snapshot) for job_id, snapshot in found.items()]
        terminal.print_json(fields[0] if len(fields) == 1 else {"jobs": fields})
        return
    console = terminal.stdout_console()
    for job_id, snapshot in found.items():
        for line in overview(job_id, snapshot):
            console.print(line, soft_wrap=True)


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and not terminal.is_ci()


def _live(session: WatchSession, showing: Showing) -> None:
    """Show a full screen with keys, until the user quits or the jobs end."""
    with Keyboard(sys.stdin.fileno()) as keyboard:
        MonitorSession(
            session.board,
            terminal.stdout_console(),
            keyboard,
            session.actions,
            stays=not showing.is_until_done,
        ).run()
    print_snapshots(_known(session.board), options.TEXT)


def print_changes(
    board: Board,
    showing: Showing,
    to_fields: Callable[[str, JobSnapshot], Mapping[str, Any]] = snapshot_fields,
) -> None:
    """Print a line at each change, until the jobs end; a page stays until the user leaves.

    The last line is always the board's last snapshot.
    """
    version = -1
    shown: dict[str, object] = {}
    while True:
        reached = board.wait(version, _BEAT_SECONDS)
        # Read before printing: the last snapshot may arrive while an older one is printed.
        is_finished = board.is_finished
        if reached != version or is_finished:
            version = reached
            for job_id, snapshot in _known(board).items():
                if is_finished or not _is_deleted_unended(snapshot):
                    _line(job_id, snapshot, showing, shown, to_fields)
        if is_finished and (board.failure is not None or not _stays(showing)):
            return


def _is_deleted_unended(snapshot: JobSnapshot) -> bool:
    """Whether a job was deleted before a poll saw its end.

    Its deployment deletes it at the end and records a moment later how it ended. If it does not,
    the last line says DELETED.
    """
    return snapshot.gone and job_word(snapshot) == "DELETED"


def _stays(showing: Showing) -> bool:
    return showing.web and not showing.is_until_done


def _line(
    job_id: str,
    snapshot: JobSnapshot,
    showing: Showing,
    shown: dict[str, object],
    to_fields: Callable[[str, JobSnapshot], Mapping[str, Any]],
) -> None:
    """Print a line for one job, if it differs from the line before."""
    if showing.output is options.JSON:
        if showing.follow and shown.get(job_id) is not snapshot:
            shown[job_id] = snapshot
            terminal.print_json_line(to_fields(job_id, snapshot))
        return
    line = summary_line(job_id, snapshot)
    if shown.get(job_id) != line.plain:
        shown[job_id] = line.plain
        terminal.stderr_console().print(line, soft_wrap=True)


def _conclude(session: WatchSession, showing: Showing) -> None:
    """Print the result of the jobs, and raise their failure."""
    if showing.output is options.JSON and not showing.follow:
        print_snapshots(_known(session.board), options.JSON)
    elif showing.output is options.TEXT and not (showing.web or _is_interactive()):
        print_snapshots(_known(session.board), options.TEXT)
    for job in session.jobs:
        snapshot = session.board.snapshot(job.job_id)
        if snapshot is not None and snapshot.job is None and job.ended_unseen:
            terminal.note(
                f"the deployment of job {job.job_id} ended before the job was seen;"
                f" `otactl report {job.job_id}` shows it"
            )
    missing = any(snapshot.job is None for snapshot in _known(session.board).values())
    failure = session.failure() if showing.is_until_done or missing else None
    if failure is not None:
        raise failure


def _known(board: Board) -> dict[str, JobSnapshot]:
    return {
        job_id: snapshot
        for job_id in board.job_ids
        if (snapshot := board.snapshot(job_id)) is not None
    }

"""The downloads of the page: its things as CSV, and the report of a job as one file.

Both are made from the page's data, without calls of AWS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from otactl.model.members import members_of
from otactl.model.snapshot import JobDescription, JobSnapshot
from otactl.model.status import ExecutionStatus
from otactl.monitor.board import Board
from otactl.monitor.table_query import TableQuery
from otactl.operations.report_content import ReportContent, RoundContent
from otactl.views.outcome import Outcome, Tone, outcome_of
from otactl.views.report import to_csv, to_html


def things_csv(board: Board, job_id: str, query: TableQuery) -> str:
    """Every thing that a query finds, one a line, on all pages."""
    return to_csv(_content(board, job_id, query))


def report_html(board: Board, job_id: str) -> str:
    """The report of a job so far."""
    return to_html(_content(board, job_id, TableQuery()))


def _content(board: Board, job_id: str, query: TableQuery) -> ReportContent:
    snapshot = board.snapshot(job_id)
    things = board.all_things(job_id, query)
    job = None if snapshot is None else snapshot.job
    ended_ms = None if job is None else job.completed_at_ms
    created_ms = 0 if job is None else job.created_at_ms
    outcome = None if snapshot is None else outcome_of(snapshot)
    counts: Mapping[ExecutionStatus, int] = Counter(one.status for one in things)
    if job is not None and not job.configuration.may_repeat:
        # The page may not have listed all things, but their number is known: one execution each.
        counts = job.counts.by_status
    unnotified = 0 if snapshot is None else snapshot.unnotified or 0
    return ReportContent(
        job_id=job_id,
        made_ms=0 if snapshot is None else snapshot.at_ms,
        created_ms=created_ms,
        rounds=(
            RoundContent(
                round=1,
                status="" if job is None else job.status.value,
                executions=things,
                counts=counts,
                not_reached=unnotified,
                duration_seconds=None if ended_ms is None else (ended_ms - created_ms) / 1000,
            ),
        ),
        things=sum(counts.values()) + unnotified,
        is_running=outcome is None or not outcome.is_over,
        failure="" if job is None or outcome is None else _failure(job, outcome),
        policy={} if job is None else members_of(job.configuration),
        notes=_notes(snapshot, len(things)),
    )


def _failure(job: JobDescription, outcome: Outcome) -> str:
    """How a job that is over failed: its things may all have succeeded, and others not begun."""
    if not outcome.is_over or outcome.tone is Tone.GOOD:
        return ""
    return job.comment or outcome.words


def _notes(snapshot: JobSnapshot | None, known: int) -> tuple[str, ...]:
    """A note on executions that the page only has as a count."""
    total = 0 if snapshot is None or snapshot.job is None else snapshot.job.counts.total
    if total <= known:
        return ()
    words = f"the page has the details of {known:,} of {total:,} executions"
    return (f"{words}; `otactl report` reads the others from AWS",)

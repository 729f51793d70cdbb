"""A job for the page: its snapshots, its things, its policy, as JSON."""

from __future__ import annotations

from typing import Any

from otactl.model.members import members_of
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobDescription, JobSnapshot
from otactl.monitor.board import Board
from otactl.monitor.failure_groups import is_own_reason
from otactl.monitor.table_query import TablePage
from otactl.views.foreign_text import clean
from otactl.views.outcome import Outcome, Tone, outcome_of
from otactl.views.snapshot_fields import execution_fields, snapshot_fields
from otactl.views.wording import (
    abort_words,
    deletion_words,
    duration,
    estimated,
    eta_range,
    followed_words,
    job_word,
    pace_words,
    percentage,
    percentile_words,
    rollout_words,
    unnotified_words,
)

#: Failure groups sent at once; the table finds the others.
_MAX_GROUPS = 25


class BoardNews:
    """The messages to one page: each has only the jobs that changed since the last."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._reported: dict[str, JobSnapshot | None] = {}

    def fields(self) -> dict[str, Any]:
        """The fields of the next message."""
        board = self._board
        # Read before the jobs: a change in the meantime is then sent with the next message.
        version, is_finished, failure = board.version, board.is_finished, board.failure
        jobs = []
        for job_id in board.job_ids:
            snapshot = board.snapshot(job_id)
            if job_id not in self._reported or self._reported[job_id] is not snapshot:
                self._reported[job_id] = snapshot
                jobs.append(_job(job_id, snapshot))
        return {
            "version": version,
            "finished": is_finished,
            "failure": None if failure is None else str(failure),
            "order": list(board.job_ids),
            "jobs": jobs,
        }


def _job(job_id: str, snapshot: JobSnapshot | None) -> dict[str, Any]:
    if snapshot is None:
        return {"jobId": job_id, "status": None, "exists": False, "words": {}, "note": ""}
    return snapshot_fields(job_id, snapshot) | {
        "failures": [
            {
                "status": group.status.value,
                "reason": group.reason,
                "count": group.count,
                # The search text that finds its things; only their status if the words are ours.
                "search": ""
                if "#" in group.reason or is_own_reason(group.reason)
                else group.reason,
            }
            for group in snapshot.failures[:_MAX_GROUPS]
        ],
        "moreFailures": max(0, len(snapshot.failures) - _MAX_GROUPS),
        "words": _words(snapshot),
        "isStale": snapshot.is_stale,
    }


def _words(snapshot: JobSnapshot) -> dict[str, Any]:
    """The facts in words, the same as on the terminal."""
    job, eta, outcome = snapshot.job, snapshot.eta, outcome_of(snapshot)
    if job is None or outcome is None:
        return {}
    total = max(snapshot.things or 0, job.counts.total)
    ended_ms = job.completed_at_ms or snapshot.at_ms
    part, whole = (
        (outcome.succeeded, outcome.things) if outcome.is_over else (job.counts.terminal, total)
    )
    return {
        "total": total,
        "things": outcome.things,
        "part": part,
        "whole": whole,
        "share": percentage(part, whole),
        "shareOf": _share_of(snapshot, job, outcome),
        "outcome": outcome.words,
        "tone": outcome.tone.value,
        "tab": _tab(outcome, percentage(part, whole)),
        "unnotified": unnotified_words(snapshot),
        "status": job_word(snapshot),
        "deletion": deletion_words(snapshot),
        "running": duration((ended_ms - job.created_at_ms) / 1000) if job.created_at_ms else "",
        "pace": "" if outcome.is_over else pace_words(snapshot.pace),
        "etaLikely": f"about {estimated(eta.likely_seconds)}" if eta is not None else "",
        "etaRange": eta_range(eta) if eta is not None else "",
        "download": percentile_words(snapshot.download_seconds, "s"),
        "retries": percentile_words(snapshot.retries, "requests") if snapshot.retries.max else "",
        "rollout": "" if snapshot.rollout is None else rollout_words(snapshot.rollout),
        "abort": [abort_words(criterion) for criterion in snapshot.abort],
        "silent": [
            f"silent for {duration(thing.silent_seconds)}"
            + (f", last seen {clean(thing.step)}" if thing.step else "")
            for thing in snapshot.silent
        ],
        "followed": [followed_words(thing) for thing in snapshot.followed],
    }


def _share_of(snapshot: JobSnapshot, job: JobDescription, outcome: Outcome) -> str:
    """What the share counts; those notified are not all while AWS notifies an unknown number."""
    if outcome.is_over:
        return "succeeded"
    if snapshot.things is None and job.rolling_out:
        return "of those notified so far finished"
    return "finished"


def _tab(outcome: Outcome, share: str) -> str:
    """A job in two words, for the list of several jobs."""
    if outcome.tone is Tone.GOOD:
        return "succeeded"
    failed = [f"{outcome.failed:,} unsuccessful"] if outcome.failed else []
    if outcome.is_over:
        return failed[0] if failed else f"{share} succeeded"
    return ", ".join([share, *failed])


def page_fields(page: TablePage) -> dict[str, Any]:
    """A page of the table of things."""
    return {
        "total": page.total,
        "lacksReasons": page.lacks_reasons,
        "things": [thing_fields(outcome) for outcome in page.things],
    }


def thing_fields(outcome: ThingOutcome) -> dict[str, Any]:
    """A thing, with what it reported."""
    progress = outcome.progress
    return execution_fields(outcome) | {
        "reason": outcome.reason,
        "step": progress.step,
        "receivedBlocks": progress.received_blocks,
        "totalBlocks": progress.total_blocks,
    }


def policy_fields(job: JobDescription) -> dict[str, Any]:
    """The policy of a job; what is not set is left out."""
    return {
        "targets": list(job.targets),
        "description": job.description,
        "policy": members_of(job.configuration),
    }

"""What devices did and what they run, as tables for people and as fields for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from otactl.model.json_output import progress as json_progress
from otactl.model.json_output.shaping import shaped
from otactl.model.status import ExecutionStatus
from otactl.views.foreign_text import escape

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.fleet import ThingResult

#: The most rows of a table for people; scripts use --output json.
MAX_ROWS = 40
#: Digits of a digest, enough for a person to distinguish images.
_SHORT = 20


def print_results(console: Console, results: Sequence[ThingResult]) -> None:
    """Print a line for each status and reason, and each thing that did not succeed."""
    if not results:
        console.print("no job reached a device")
        return
    kinds = Counter((_status(result), result.reason) for result in results)
    summary = Table("executions", "status", "reason", box=None, pad_edge=False)
    for (status, reason), count in kinds.most_common():
        summary.add_row(f"{count:,}", status, escape(reason))
    console.print(summary)
    failed = [result for result in results if result.status is not ExecutionStatus.SUCCEEDED]
    if failed:
        console.print()
        _print_failures(console, failed)


def results_fields(
    results: Sequence[ThingResult], *, things: int, is_idle: bool
) -> json_progress.FleetRun:
    """The results as one JSON object."""
    counts = Counter(_status(result) for result in results)
    return {
        "things": things,
        "idle": is_idle,
        "counts": dict(sorted(counts.items())),
        "results": [shaped(json_progress.ThingRun, result) for result in results],
    }


def print_fleet(console: Console, rows: Sequence[Mapping[str, str | None]]) -> None:
    """Print the things of a fleet."""
    table = Table("thing", "certificate", "runs (SHA-256)", box=None, pad_edge=False)
    for row in rows[:MAX_ROWS]:
        table.add_row(
            row["thing"],
            "yes" if row["certificate"] else "missing",
            escape(row["runs"] or "the factory image")[:_SHORT],
        )
    console.print(table)
    if len(rows) > MAX_ROWS:
        console.print(f"and {len(rows) - MAX_ROWS:,} more; --output json has them all")


def _print_failures(console: Console, failed: Sequence[ThingResult]) -> None:
    table = Table("thing", "job", "status", "reason", "seconds", box=None, pad_edge=False)
    for result in failed[:MAX_ROWS]:
        table.add_row(
            result.thing_name,
            result.job_id,
            _status(result),
            escape(result.reason),
            f"{result.download_seconds:.1f}",
        )
    if len(failed) > MAX_ROWS:
        table.caption = f"and {len(failed) - MAX_ROWS:,} more; --output json has them all"
    console.print(table)


def _status(result: ThingResult) -> str:
    return result.status.value if result.status else "taken away"

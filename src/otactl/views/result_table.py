"""The table at the end of a deployment: one line per round, then what did not succeed and why."""

from __future__ import annotations

from rich.console import Console
from rich.table import Column, Table

from otactl.model.outcome import DeploymentResult, RoundResult
from otactl.model.quoting import first_names
from otactl.model.status import ExecutionStatus
from otactl.model.verify import VersionResult, VersionVerdict
from otactl.views.foreign_text import escape
from otactl.views.plain_table import number_columns, plain_table
from otactl.views.wording import (
    GATE_STYLES,
    SHOWN_STATUSES,
    STATUS_STYLES,
    rounds_words,
    status_word,
)

#: Up to this many statuses, there is room for two blanks between columns.
_ROOMY = 3
#: Failures listed on the terminal; the report has them all.
_LISTED_FAILURES = 20


def print_result(console: Console, result: DeploymentResult) -> None:
    """Print the result of a deployment."""
    if result.waves:
        console.print()
        console.print(_waves_table(result))
    if result.rounds:
        console.print()
        console.print(_rounds_table(result))
    _print_failures(console, result)
    if result.versions is not None:
        _print_versions(console, result.versions)
    skipped = result.planned_rounds - len(result.rounds)
    if skipped and not result.goes_on:
        console.print(f"[yellow]{rounds_words(skipped)} skipped[/]")
    calls = sum(result.api_calls.values())
    console.print()
    console.print(
        f"[dim]image sha256 {result.image_sha256}\n{calls} API calls,"
        f" deployment {result.deployment_id}[/]",
        soft_wrap=True,
    )
    for each in result.rollbacks:
        console.print(f"\n[bold]rolled back by {escape(each.deployment_id)}:[/]")
        print_result(console, each)
    for kept in result.kept:
        console.print(f"kept: {escape(kept)}", soft_wrap=True)
    for leftover in result.leftovers:
        console.print(f"[yellow]left behind:[/] {escape(leftover)}")


def _print_failures(console: Console, result: DeploymentResult) -> None:
    for name, part in _parts(result):
        if part.unsuccessful:
            console.print()
            console.print(_failures_table(part, name))
        if part.not_reached:
            shown = first_names(part.not_reached_things, _LISTED_FAILURES, total=part.not_reached)
            console.print()
            console.print(
                f"{name}[red]{part.not_reached:,} of {part.named:,} things did not get"
                f" the job:[/] {escape(shown)}",
                soft_wrap=True,
            )


def _parts(result: DeploymentResult) -> list[tuple[str, RoundResult]]:
    """The parts that failures are listed by, with their names: rounds, or waves that began."""
    if not result.waves:
        return [(f"round {each.round}: ", each) for each in result.rounds]
    return [
        (f"wave {escape(wave.name)}: ", wave.result)
        for wave in result.waves
        if wave.result is not None
    ]


def _waves_table(result: DeploymentResult) -> Table:
    """One line per wave: the verdict of its gate, and why."""
    table = plain_table(
        Column("wave", no_wrap=True),
        *number_columns("things", "ended", "succeeded"),
        Column("gate", no_wrap=True),
        "why",
    )
    for wave in result.waves:
        counts = wave.counts
        verdict, why = "never began", ""
        if wave.gate is not None:
            style = GATE_STYLES[wave.gate.verdict]
            verdict, why = f"[{style}]{wave.gate.verdict}[/]", "; ".join(wave.gate.reasons)
        if wave.result is not None and wave.result.began_late:
            why += f"; {len(wave.result.began_late):,} things began after the stop"
        table.add_row(
            escape(wave.name),
            f"{wave.things:,}",
            f"{counts['ended']:,}",
            f"{counts['succeeded']:,}",
            verdict,
            escape(why),
        )
    return table


def _print_versions(console: Console, versions: VersionResult) -> None:
    console.print()
    console.print(f"version {escape(versions.expected)}: {versions.words}")
    if not versions.unverified:
        return
    shown = versions.unverified[:_LISTED_FAILURES]
    unverified = sum(versions.counts.values()) - versions.counts.get(VersionVerdict.VERIFIED, 0)
    more = unverified - len(shown)
    table = plain_table(
        *(Column(name, overflow="fold") for name in ("thing", "verdict", "before", "reported")),
        caption=f"and {more:,} more; the report names them" if more > 0 else None,
    )
    for one in shown:
        before, after = (text or "nothing" for text in (one.former, one.reported))
        table.add_row(escape(one.thing_name), str(one.verdict), escape(before), escape(after))
    console.print(table)


def _rounds_table(result: DeploymentResult) -> Table:
    """Only the statuses that occurred get a column, so that the table fits 80 characters."""
    seen = [
        status
        for status in SHOWN_STATUSES
        if status is ExecutionStatus.SUCCEEDED
        or any(round_result.counts.get(status) for round_result in result.rounds)
    ]
    table = plain_table(
        Column("round", justify="right", no_wrap=True),
        Column("job", no_wrap=True),
        *number_columns(*map(status_word, seen), "took", "p50", "p99", "max"),
        title=f"job {escape(result.job_id)} on {result.things:,} things",
        caption="p50, p99, max: seconds of download",
        gap=2 if len(seen) <= _ROOMY else 1,
    )
    for round_result in result.rounds:
        table.add_row(*_round_cells(round_result, seen))
    return table


def _round_cells(result: RoundResult, statuses: list[ExecutionStatus]) -> list[str]:
    counts = [
        f"[{STATUS_STYLES[status] if result.counts.get(status) else 'dim'}]"
        f"{result.counts.get(status, 0):,}[/]"
        for status in statuses
    ]
    download = result.download_seconds
    return [
        str(result.round),
        f"[{'green' if result.is_success else 'red'}]{escape(result.status)}[/]",
        *counts,
        f"{result.duration_seconds:.1f} s",
        *(
            "-" if seconds is None else f"{seconds:.2f}"
            for seconds in (download.p50, download.p99, download.max)
        ),
    ]


def _failures_table(result: RoundResult, name: str) -> Table:
    unsuccessful = result.unsuccessful
    shown = unsuccessful[:_LISTED_FAILURES]
    more = len(unsuccessful) - len(shown)
    table = plain_table(
        *("thing", "status", "reason"),
        title=f"{name}things that did not succeed",
        caption=f"and {more:,} more" if more else None,
    )
    for outcome in shown:
        # A reason comes from a device: text, never markup.
        table.add_row(
            escape(outcome.thing_name),
            result.status_words(outcome),
            escape(result.reason_words(outcome)) or "[dim]-[/]",
        )
    return table

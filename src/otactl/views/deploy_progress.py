"""What a person sees while a deployment runs: a bar for the job, and the counts by status.

On a terminal the bar is redrawn in place. Elsewhere (a pipe, a CI log) a line with the time is
written whenever something changed, and one each minute otherwise, because CI servers end silent
builds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from otactl.deploy.observer import Moment, Observer, StepMoment
from otactl.deploy.step import AwaitGate, AwaitJob, EndWaves, Step
from otactl.model.outcome import RoundResult
from otactl.model.snapshot import JobCounts, JobDescription, JobSnapshot
from otactl.model.status import ExecutionStatus
from otactl.monitor.pace import PaceMeter, estimate
from otactl.rules.rollout import MINUTE_MS
from otactl.views.foreign_text import clean, escape
from otactl.views.wording import (
    STATUS_STYLES,
    eta_words,
    log_time,
    over_words,
    percentage,
    status_word,
)

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_SHOWN_DIGITS = 12


def describe_counts(counts: JobCounts) -> str:
    """The counts that are not zero, as rich markup: ``3 succeeded, 1 in progress``."""
    parts = [
        f"[{STATUS_STYLES[status]}]{counts[status]:,} {status_word(status)}[/]"
        for status in STATUS_STYLES
        if counts[status]
    ]
    return ", ".join(parts) or "[dim]nothing notified yet[/]"


def shorten(text: str) -> str:
    """The text with SHA-256 digests cut to their first digits, which people can compare."""
    return _DIGEST.sub(lambda match: f"{match[0][:_SHOWN_DIGITS]}…", text)


class DeployProgress(Observer):
    """Shows a deployment's progress. Use as a context manager.

    Args:
        console: Standard error, so that standard output has only results.
        things: How many things each round is for.
    """

    def __init__(
        self, console: Console, *, rounds: int, things: int, now_ms: Callable[[], int]
    ) -> None:
        self._console = console
        self._rounds = rounds
        self._things = things
        self._name = ""
        self._bar: Progress | None = None
        self._now_ms = now_ms
        self._pace = PaceMeter()
        self._last_line = ""
        self._last_line_ms = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_bar()

    def on_step(self, moment: StepMoment) -> None:
        """Show what is being done, and what was undone."""
        step = moment.step
        if isinstance(step, AwaitJob | AwaitGate):
            if moment.moment is Moment.BEGUN:
                self._pace = PaceMeter()
                self._things = step.things
                self._name = f"round {step.round} of {self._rounds}"
                if isinstance(step, AwaitGate):
                    self._name = f"wave {step.name} ({step.round} of {self._rounds})"
                self._begin_bar(self._name, step.things)
            elif isinstance(step, AwaitGate) and moment.moment is Moment.DONE:
                self._end_bar()
        elif moment.moment is Moment.DONE:
            self._end_bar()
            self._line(f"[green]✓[/] {escape(shorten(step.title))}")
        elif moment.deleted and step.resource is not None:
            self._line(f"[dim]- deleted {escape(shorten(step.resource))}[/]")

    def on_progress(self, step: Step, done: int, of: int) -> None:
        """Show the progress of a long step."""
        if isinstance(step, AwaitJob | AwaitGate | EndWaves):
            # The bar is the job's; now the result of each thing is read, which takes time.
            self._update(counts=f"[dim]reading {done:,} of {of:,} things[/]")
            return
        if self._bar is None:
            self._begin_bar(clean(shorten(step.title)), of)
        self._update(completed=done, total=of)

    def on_snapshot(self, round_number: int, snapshot: JobSnapshot) -> None:
        """Move the job's bar."""
        if snapshot.job is None:
            return
        counts = snapshot.job.counts
        total = max(self._things, counts.total)
        self._update(completed=counts.terminal, total=total, counts=describe_counts(counts))
        self._pace.note(snapshot.at_ms, notified=counts.total, finished=counts.terminal)
        if not self._console.is_interactive:
            done = f"{over_words(counts, self._things)} ({percentage(counts.terminal, total)})"
            self._line(
                f"{self._name or f'round {round_number} of {self._rounds}'}: {done}:"
                f" {describe_counts(counts)}",
                suffix=self._time_left(snapshot.job, snapshot.at_ms, total),
            )

    def _time_left(self, job: JobDescription, at_ms: int, total: int) -> str:
        left = estimate(
            self._pace.pace(at_ms),
            remaining=total - job.counts.terminal,
            unnotified=total - job.counts.total,
            rollout=job.configuration.rollout,
            notified=job.counts.total,
            succeeded=job.counts[ExecutionStatus.SUCCEEDED],
        )
        return f"; {eta_words(left)} left" if left else ""

    def on_round(self, result: RoundResult) -> None:
        """Keep the finished bar on the screen, with the result of the round."""
        counts = describe_counts(JobCounts(result.counts))
        if result.not_reached:
            counts += f", {result.not_reached:,} not reached"
        self._update(completed=sum(result.counts.values()), total=result.named, counts=counts)
        self._end_bar()

    def on_pause(self, reason: str, seconds: float) -> None:
        """Show that AWS cannot be reached."""
        self._line(f"[yellow]waiting {seconds:g} s:[/] {escape(reason)}")

    def on_note(self, message: str) -> None:
        """Show it on its own line."""
        self._line(escape(message))

    def _begin_bar(self, description: str, total: int) -> None:
        if not self._console.is_interactive:
            return
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[counts]}"),
            console=self._console,
        )
        self._bar.add_task(description, total=total, counts="")
        self._bar.start()

    def _update(self, **fields: Any) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], **fields)

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = None

    def _line(self, markup: str, suffix: str = "") -> None:
        """Write a line, but the same one again only after a minute, as a sign of life."""
        now_ms = self._now_ms()
        if markup == self._last_line and now_ms - self._last_line_ms < MINUTE_MS:
            return
        self._last_line, self._last_line_ms = markup, now_ms
        when = "" if self._console.is_interactive else f"[dim]{log_time(now_ms)}[/] "
        self._console.print(f"{when}{markup}{suffix}", soft_wrap=True)

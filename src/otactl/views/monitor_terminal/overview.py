"""One job on a terminal, as lines: readable without colour and in 80 columns.

Colour only repeats what words and characters say. What devices report is untrusted text: control
characters and markup in it have no effect.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from otactl.model.progress import AlarmState
from otactl.model.snapshot import JobDescription, JobSnapshot
from otactl.model.status import ExecutionStatus
from otactl.model.wave import GateStatus
from otactl.views.foreign_text import clean
from otactl.views.outcome import Tone, outcome_of
from otactl.views.wording import (
    GATE_STYLES,
    SHOWN_STATUSES,
    STATUS_STYLES,
    abort_words,
    clock_time,
    counts_words,
    deletion_words,
    duration,
    eta_words,
    executions_mark,
    followed_words,
    job_word,
    over_words,
    pace_words,
    percentage,
    percentile_words,
    rollout_words,
    status_word,
    things_words,
    unnotified_words,
)

S = ExecutionStatus
#: The bar's characters, from done to not begun; they differ without colour too.
_BAR = (
    ("█", "green", (S.SUCCEEDED,)),
    ("X", "red", (S.FAILED, S.TIMED_OUT, S.REJECTED)),
    ("x", "yellow", (S.CANCELED, S.REMOVED)),
    ("▒", "cyan", (S.IN_PROGRESS,)),
    ("░", "dim", (S.QUEUED,)),
)
#: The colours of an outcome; the words beside them say the same.
TONES = {Tone.RUNNING: "", Tone.GOOD: "green", Tone.BAD: "red"}
_LABEL_WIDTH = 11
_BAR_WIDTH = 40
_NAMED_SILENT = 3


def overview(job_id: str, snapshot: JobSnapshot | None) -> list[Text]:
    """A job as lines, the most important first."""
    if snapshot is None:
        return [_headline(job_id, "", "looking")]
    if snapshot.job is None:
        return [_headline(job_id, "", _absence(snapshot)), *_note(snapshot)]
    job = snapshot.job
    return [
        _headline(job_id, *_status(snapshot, job), style=_tone_style(snapshot)),
        *_note(snapshot),
        _bar(snapshot, job),
        _counts(snapshot, job),
        Text(),
        *_facts(snapshot, job),
        *(
            _fact("follow", f"{thing.thing_name} {followed_words(thing)}")
            for thing in snapshot.followed
        ),
        *_rounds(snapshot),
        *_failures(snapshot),
    ]


def summary_line(job_id: str, snapshot: JobSnapshot) -> Text:
    """A job in one line, for logs and for the list of several jobs."""
    job = snapshot.job
    if job is None:
        return Text(f"{job_id}: {_absence(snapshot)}{_noted(snapshot)}")
    return Text.assemble(
        f"{job_id} ",
        (_status(snapshot, job)[0], _tone_style(snapshot)),
        f" {_over(snapshot, job)}: ",
        _counts(snapshot, job),
        (_noted(snapshot), "yellow"),
    )


def _over(snapshot: JobSnapshot, job: JobDescription) -> str:
    return over_words(job.counts, snapshot.things, is_rolling_out=job.rolling_out)


def _absence(snapshot: JobSnapshot) -> str:
    """Why a job has no data."""
    return "there is no such job" if snapshot.polled_ms else "not known yet"


def _noted(snapshot: JobSnapshot) -> str:
    return f" ({clean(snapshot.note)})" if snapshot.note else ""


def _tone_style(snapshot: JobSnapshot) -> str:
    """The colour of a job that has ended; none while it runs."""
    outcome = outcome_of(snapshot)
    return TONES[outcome.tone] if outcome is not None and outcome.is_over else ""


def _headline(job_id: str, status: str, location: str, style: str = "") -> Text:
    return Text.assemble(
        (f"{job_id}  ", "bold"), (status, f"bold {style}".rstrip()), (f"  {location}", "dim")
    )


def _status(snapshot: JobSnapshot, job: JobDescription) -> tuple[str, str]:
    rounds = snapshot.rounds
    words = job_word(snapshot)
    if rounds is not None and rounds.planned > 1:
        words += f"  round {rounds.current} of {rounds.planned}"
    location = f"{snapshot.source.value}, {clock_time(snapshot.at_ms)} UTC"
    ended_ms = job.completed_at_ms or snapshot.at_ms
    if job.created_at_ms:
        verb = "took" if job.completed_at_ms else "running"
        location += f", {verb} {duration((ended_ms - job.created_at_ms) / 1000)}"
    return words, location


def _note(snapshot: JobSnapshot) -> Iterator[Text]:
    if snapshot.note:
        yield Text(f"! {clean(snapshot.note)}", style="yellow")
    if words := deletion_words(snapshot):
        yield Text(f"! {words}", style="yellow")
    job = snapshot.job
    if job is not None and job.comment:
        yield Text(f"! {clean(job.comment)}", style="yellow")


def _bar(snapshot: JobSnapshot, job: JobDescription) -> Text:
    counts = job.counts
    total = max(snapshot.things or 0, counts.total)
    parts = [sum(counts[status] for status in statuses) for _, _, statuses in _BAR]
    line = Text("[")
    for (sign, style, _), cells in zip(
        (*_BAR, (" ", "", ())), _cells([*parts, total - sum(parts)]), strict=True
    ):
        line.append(sign * cells, style=style)
    line.append("]")
    outcome = outcome_of(snapshot)
    if outcome is not None and outcome.is_over:
        line.append(f" {outcome.words}", style=TONES[outcome.tone])
    else:
        share = percentage(counts.terminal, total)
        line.append(f" {_over(snapshot, job)}, {share}")
    return line


def _cells(parts: list[int]) -> list[int]:
    """How many cells of the bar each part gets: together all, and each that is not 0 at least one.

    One failure in a million must be visible.
    """
    total = sum(parts)
    if not total:
        return [0] * (len(parts) - 1) + [_BAR_WIDTH]
    cells = [max(round(_BAR_WIDTH * part / total), 1 if part else 0) for part in parts]
    # The largest part can give or take what rounding left.
    cells[parts.index(max(parts))] += _BAR_WIDTH - sum(cells)
    return cells


def _counts(snapshot: JobSnapshot, job: JobDescription) -> Text:
    line = Text()
    for status in SHOWN_STATUSES:
        if job.counts[status]:
            line.append(
                f"{job.counts[status]:,} {status_word(status)}, ", style=STATUS_STYLES[status]
            )
    if snapshot.unnotified:
        line.append(f"{snapshot.unnotified:,} {unnotified_words(snapshot)}, ", style="dim")
    if not line:
        return Text("nothing notified yet", style="dim")
    line.right_crop(2)
    if mark := executions_mark(job.counts.total, snapshot.things):
        line.append(f" (of {job.counts.total:,}{mark} on {things_words(snapshot.things or 0)})")
    return line


def _fact(label: str, words: str, style: str = "") -> Text:
    return Text.assemble((f"{label:<{_LABEL_WIDTH}}", "dim"), (words, style))


def _facts(snapshot: JobSnapshot, job: JobDescription) -> Iterator[Text]:
    is_over = job.completed_at_ms is not None or snapshot.gone
    if not is_over:
        yield _fact("pace", pace_words(snapshot.pace))
        yield _fact("ends in", eta_words(snapshot.eta))
    if snapshot.download_seconds.count:
        yield _fact("download", percentile_words(snapshot.download_seconds, "s"))
    if snapshot.retries.max:
        yield _fact("resent", percentile_words(snapshot.retries, "requests"))
    elif snapshot.retries.count:
        yield _fact("resent", f"no request ({things_words(snapshot.retries.count)})")
    if snapshot.gate is not None:
        yield from _gate(snapshot.gate)
    if not is_over:
        yield from _policy(snapshot)
    for alarm in snapshot.alarms:
        style = "bold red" if alarm.state is AlarmState.ALARM else ""
        yield _fact("alarm", clean(f"{alarm.name} {alarm.state.value}"), style)
    if snapshot.silent_count:
        named = ", ".join(
            f"{thing.thing_name} {duration(thing.silent_seconds)}"
            for thing in snapshot.silent[:_NAMED_SILENT]
        )
        words = f"{snapshot.silent_count:,} in progress and silent: {named}"
        yield _fact("silent", words, "yellow")


def _gate(gate: GateStatus) -> Iterator[Text]:
    words = f"{gate.verdict}: {'; '.join(gate.reasons)}"
    yield _fact("gate", clean(words), GATE_STYLES[gate.verdict])
    if gate.version_words:
        yield _fact("versions", clean(gate.version_words))
    if gate.question is not None:
        yield _fact("", "a approve  x reject  p pause  P continue", "bold")


def _policy(snapshot: JobSnapshot) -> Iterator[Text]:
    if snapshot.rollout is not None:
        yield _fact("rollout", rollout_words(snapshot.rollout))
    for criterion in snapshot.abort:
        near = criterion.missing_failures is not None and criterion.failed > 0
        yield _fact("abort", abort_words(criterion), "yellow" if near else "")


def _rounds(snapshot: JobSnapshot) -> Iterator[Text]:
    if snapshot.rounds is None:
        return
    for done in snapshot.rounds.done:
        words = f"{done.status} in {duration(done.duration_seconds)}: {counts_words(done.counts)}"
        yield _fact(f"round {done.round}", words)


def _failures(snapshot: JobSnapshot) -> Iterator[Text]:
    if not snapshot.failures:
        return
    yield Text()
    yield Text("failures by reason", style="bold")
    for group in snapshot.failures:
        yield Text.assemble(
            (f"{group.count:>7,} {status_word(group.status):<9} ", STATUS_STYLES[group.status]),
            clean(group.reason),
            (f"  {', '.join(group.examples[:2])}", "dim"),
        )

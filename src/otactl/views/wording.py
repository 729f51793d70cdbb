"""How durations, times, counts and statuses are written for people, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from otactl.model.progress import (
    AbortProgress,
    Eta,
    FollowedThing,
    Pace,
    Percentiles,
    RolloutProgress,
)
from otactl.model.snapshot import JobCounts, JobSnapshot
from otactl.model.status import ENDED_JOB_STATUSES, ExecutionStatus
from otactl.model.wave import Verdict
from otactl.views.foreign_text import clean

#: The order in which statuses are shown: good, under way, bad.
SHOWN_STATUSES = (
    ExecutionStatus.SUCCEEDED,
    ExecutionStatus.IN_PROGRESS,
    ExecutionStatus.QUEUED,
    ExecutionStatus.FAILED,
    ExecutionStatus.TIMED_OUT,
    ExecutionStatus.REJECTED,
    ExecutionStatus.CANCELED,
    ExecutionStatus.REMOVED,
)
#: Their colours on a terminal; words beside them say the same.
STATUS_STYLES = {
    ExecutionStatus.QUEUED: "dim",
    ExecutionStatus.IN_PROGRESS: "cyan",
    ExecutionStatus.SUCCEEDED: "green",
    ExecutionStatus.FAILED: "red",
    ExecutionStatus.REJECTED: "red",
    ExecutionStatus.TIMED_OUT: "red",
    ExecutionStatus.CANCELED: "yellow",
    ExecutionStatus.REMOVED: "yellow",
}
GATE_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WAIT: "cyan",
    Verdict.INCONCLUSIVE: "yellow",
}

_MINUTE = 60
_HOUR = 3600
_DAY = 86_400
#: An estimate below the first number, in seconds, is rounded to a multiple of the second number.
_ROUGH_STEPS = (
    (30, 1),
    (_MINUTE, 5),
    (3 * _MINUTE, 10),
    (2 * _HOUR, _MINUTE),
    (_DAY, 10 * _MINUTE),
    (float("inf"), _HOUR),
)
#: The lowest percentage that is shown unless it is nothing, and the highest unless it is all.
_HARDLY, _NEARLY = 0.1, 99.9


def status_word(status: ExecutionStatus) -> str:
    """A status in lower case: ``timed out``."""
    return status.value.lower().replace("_", " ")


def counts_words(counts: Mapping[ExecutionStatus, int]) -> str:
    """The counts that are not zero: ``3 succeeded, 1 in progress``."""
    return ", ".join(
        f"{counts[status]:,} {status_word(status)}"
        for status in SHOWN_STATUSES
        if counts.get(status)
    )


def job_word(snapshot: JobSnapshot) -> str:
    """A job's status; DELETED only if it was deleted before it ended."""
    job = snapshot.job
    if job is None:
        return ""
    return "DELETED" if snapshot.gone and job.status not in ENDED_JOB_STATUSES else job.status.value


def deletion_words(snapshot: JobSnapshot) -> str:
    """That a job was deleted; empty if not. To delete a job that has ended is normal."""
    if not snapshot.gone or snapshot.job is None:
        return ""
    if snapshot.job.status in ENDED_JOB_STATUSES:
        return "the job is over and was deleted"
    return "the job was deleted; this is how it was last seen"


def unnotified_words(snapshot: JobSnapshot) -> str:
    """The words for things without an execution: after the job's end, none will be created."""
    job = snapshot.job
    is_over = snapshot.gone or (job is not None and job.status in ENDED_JOB_STATUSES)
    return "never notified" if is_over else "not notified yet"


def over_words(counts: JobCounts, things: int | None, *, is_rolling_out: bool = False) -> str:
    """The progress of a job: ``2 of 3 finished``; in executions, if things were retried.

    AWS counts executions (aws-facts A5): of three things of which one failed four times, six. While
    it notifies more things and their number is unknown, those notified are not all.
    """
    total = max(things or 0, counts.total)
    so_far = " notified so far" if things is None and is_rolling_out else ""
    return (
        f"{counts.terminal:,} of {total:,}{executions_mark(counts.total, things)}{so_far} finished"
    )


def executions_mark(count: int, things: int | None) -> str:
    """`` executions`` if the count is higher than the number of things, else nothing."""
    return " executions" if things and count > things else ""


def things_words(count: int) -> str:
    """A number of things: ``1 thing``, ``2,000 things``."""
    return "1 thing" if count == 1 else f"{count:,} things"


def rounds_words(count: int) -> str:
    """A number of rounds: ``1 round``, ``2 rounds``."""
    return f"{count} round" if count == 1 else f"{count} rounds"


def duration(seconds: float) -> str:
    """A duration in its two largest units: ``3 min 20 s``, ``2 h 5 min``, ``4 d 3 h``."""
    whole = round(max(0.0, seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, unit: int, name: str, smaller: int, smaller_name: str) -> str:
    first, rest = divmod(whole, unit)
    second = rest // smaller
    return f"{first} {name} {second} {smaller_name}" if second else f"{first} {name}"


def estimated(seconds: float) -> str:
    """An estimated duration: rounded to its significant digits."""
    step = next(step for limit, step in _ROUGH_STEPS if seconds < limit)
    return duration(round(seconds / step) * step)


def percentage(part: int, whole: int) -> str:
    """A share in percent; 0 only when it is nothing, 100 only when it is all."""
    if not whole:
        return "0%"
    share = 100 * part / whole
    if 0 < share < _HARDLY:
        return f"<{_HARDLY}%"
    if share > _NEARLY and part < whole:
        return f"{_NEARLY}%"
    return f"{share:.1f}%" if 0 < share < 1 or 99 < share < 100 else f"{share:.0f}%"  # noqa: PLR2004 - rounding would make it 100


def figure(number: float | None) -> str:
    """A number that devices reported: three significant digits, or a dash."""
    if number is None:
        return "-"
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:.3g}"  # noqa: PLR2004 - three digits


def clock_time(at_ms: int) -> str:
    """A time of day, UTC: ``14:03:22``."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%H:%M:%S}"


def log_time(at_ms: int) -> str:
    """A time for a log, UTC: ``2027-03-01 14:03:22 UTC``."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def instant(at_ms: int | None) -> str:
    """A time as ISO 8601 in UTC, to the second; empty when there is none."""
    if not at_ms:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def eta_words(eta: Eta | None) -> str:
    """The remaining time: ``about 12 min (10 min to 15 min)``."""
    if eta is None:
        return "not known yet"
    return f"about {estimated(eta.likely_seconds)} ({eta_range(eta)})"


def eta_range(eta: Eta) -> str:
    """The range of the remaining time, nine times out of ten: ``10 min to 15 min``."""
    low = estimated(eta.low_seconds)
    if eta.high_seconds is None:
        return f"{low} or more"
    high = estimated(eta.high_seconds)
    return low if low == high else f"{low} to {high}"


def pace_words(pace: Pace | None) -> str:
    """How fast it goes: ``50 notified, 43 finished per minute (last 5 min)``."""
    if pace is None:
        return "not known yet"
    return (
        f"{figure(round(pace.notified_per_minute, 1))} notified,"
        f" {figure(round(pace.finished_per_minute, 1))} finished per minute"
        f" (last {duration(pace.window_seconds)})"
    )


def rollout_words(rollout: RolloutProgress) -> str:
    """How fast AWS notifies, and when the rate grows: ``at most 50 a minute; 20 more …``."""
    words = f"at most {rollout.rate_per_minute:,} a minute"
    if rollout.missing_for_raise is None:
        return words
    counted = "that succeed" if rollout.counts_successes else "notified"
    return (
        f"{words}, up to {rollout.maximum_per_minute:,};"
        f" {rollout.missing_for_raise:,} more {counted} raise it"
    )


def abort_words(abort: AbortProgress) -> str:
    """How far a criterion is from cancelling: ``FAILED at 5% …: 1.6%, 22 more in a row would``."""
    kind = abort.failure_type.value.replace("_", " ")
    share = f"{abort.percentage:.1f}"
    if abort.percentage < abort.threshold_percentage <= float(share) or (
        abort.failed and not float(share)
    ):
        # Not rounded to the threshold that is not reached, nor to nothing.
        share = f"{abort.percentage:.4f}"
    words = f"{kind} at {abort.threshold_percentage:g}%: now {share}%"
    if abort.missing_failures == 0:
        return f"{words}; met, AWS cancels the job"
    if abort.missing_failures is None:
        return f"{words}; can no longer be met"
    return f"{words}; {abort.missing_failures:,} more in a row would cancel it"


def percentile_words(numbers: Percentiles, unit: str) -> str:
    """Percentiles in one line; empty when nothing was reported."""
    if not numbers.count:
        return ""
    return (
        f"p50 {figure(numbers.p50)}, p90 {figure(numbers.p90)}, p99 {figure(numbers.p99)},"
        f" max {figure(numbers.max)} {unit} ({things_words(numbers.count)})"
    )


def followed_words(thing: FollowedThing) -> str:
    """What a followed thing is doing: ``in progress, downloading block 12 of 94, 3 s ago``."""
    if thing.status is None:
        return "has no execution of this job yet"
    words = [status_word(thing.status)]
    if thing.step:
        blocks = (
            f" block {thing.received_blocks:,} of {thing.total_blocks:,}"
            if thing.received_blocks is not None and thing.total_blocks
            else ""
        )
        words.append(f"{clean(thing.step)}{blocks}")
    if thing.connected is not None:
        words.append("connected" if thing.connected else "NOT CONNECTED")
    if thing.heard:
        words.append(clean(thing.heard))
    if thing.silent_after_seconds is not None and not thing.status.is_terminal:
        words.append(f"last update {duration(thing.silent_after_seconds)} ago")
    return ", ".join(words)

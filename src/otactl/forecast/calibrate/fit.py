"""Fits a fleet profile to past executions.

One group is fitted, from these data:

| quantity | from |
|---|---|
| online | first attempts that started within two minutes |
| never | first attempts still QUEUED when the report was written |
| start delay, check-in | the delays below and above those two minutes, as measured |
| bandwidth | image size over the ``downloadTime`` that devices reported; of FreeRTOS agents, |
| | which report none, over the time from start to end |
| install time | from start to end, less the download, of what succeeded |
| failure, rejection, silence | how started first attempts ended; TIMED_OUT counts as silence |
| repeat failure | how attempts ended that followed a failure of the same thing |

Not known from executions, and left at their defaults: whether a failure came before or after the
installation, and how the share online varies through the day.

Confidence intervals are of 95%. Shares: Wilson's score interval, which holds for small counts too.
Quantiles: order statistics, which assume nothing about the distribution.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from otactl.errors import UserMistake
from otactl.forecast.calibrate.record import ExecutionRecord, PastDeployment
from otactl.forecast.distribution import LARGEST, Distribution, between, constant
from otactl.forecast.profile import FleetProfile, Group
from otactl.model.status import ExecutionStatus
from otactl.rules.abort import EXECUTED
from otactl.rules.comparison.compare import Z_975, wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value, its 95% confidence interval, and the number of observations behind it."""

    value: float
    low: float
    high: float
    count: int


def share(part: int, whole: int) -> Estimate | None:
    """A share with Wilson's interval; None without observations."""
    if whole <= 0:
        return None
    low, high = wilson(part, whole)
    return Estimate(value=part / whole, low=low, high=high, count=whole)


def quantile_estimate(observed: Sequence[float], part: float) -> Estimate | None:
    """A quantile with the interval of its order statistics; None without observations.

    The number of observations below the true quantile is binomial, so the interval runs between
    the order statistics at its own 2.5% and 97.5% quantiles (by the normal approximation).
    """
    if not observed:
        return None
    ordered = sorted(observed)
    count = len(ordered)
    spread = Z_975 * math.sqrt(count * part * (1 - part))
    low = max(0, math.floor(count * part - spread) - 1)
    high = min(count - 1, math.ceil(count * part + spread))
    return Estimate(value=between(ordered, part), low=ordered[low], high=ordered[high], count=count)


#: A thing that starts within this time was connected when it was notified.
ONLINE_SECONDS = 120
#: Number of equally spaced quantiles that represent the measured values.
QUANTILES = 21
#: Shares are whole multiples of a billionth: as many digits as ``profile_text`` writes.
_SHARE_STEPS = 10**9
#: Measured values have this many digits after the point; a slower download would have speed 0.
_DIGITS = 3
_SLOWEST = 10.0**-_DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fitted profile and the certainty of its numbers.

    Attributes:
        estimates: By the name of the profile's key; a distribution by its median and 95th
            percentile, ``bandwidth_bytes_per_second.median``.
        notes: What could not be fitted, and why.
    """

    profile: FleetProfile
    estimates: dict[str, Estimate]
    notes: tuple[str, ...]


def fit(past: PastDeployment) -> Fit:
    """Fit a profile.

    Raises:
        UserMistake: There is nothing to fit it to.
    """
    if not past.executions:
        raise UserMistake("the report holds no executions, so there is nothing to fit a profile to")
    fitter = _Fitter(past)
    return fitter.fit()


class _Fitter:
    def __init__(self, past: PastDeployment) -> None:
        self._past = past
        self._first = [e for e in past.executions if e.execution_number == 1]
        if not self._first:
            # A report may have last attempts only.
            self._first = list(past.executions)
        self._estimates: dict[str, Estimate] = {}
        self._notes: list[str] = []
        if past.undated:
            self._notes.append(f"{past.undated} executions without queuedAt are left out")
        if past.is_running:
            self._notes.append(
                "the job was still running: what was slow is missing, and what was only waiting "
                "counts as never connecting"
            )
        self._values: dict[str, object] = {}

    def fit(self) -> Fit:
        self._connection()
        self._speed()
        self._endings()
        self._repeats()
        profile = FleetProfile(
            image_bytes=self._past.image_bytes, group=(Group.model_validate(self._values),)
        )
        return Fit(profile=profile, estimates=self._estimates, notes=tuple(self._notes))

    def _connection(self) -> None:
        delays = [e.start_delay_seconds for e in self._first if e.start_delay_seconds is not None]
        unseen = sum(e.status is ExecutionStatus.QUEUED for e in self._first)
        waited = sum(_was_away(e) for e in self._first if e.started_at_ms is None)
        prompt = [delay for delay in delays if delay <= ONLINE_SECONDS]
        late = [delay for delay in delays if delay > ONLINE_SECONDS]
        self._share("never", unseen, len(delays) + unseen)
        # `online` is a share of the things that connect again.
        self._share("online", len(prompt), len(delays) + waited - unseen)
        self._distribution("start_delay_seconds", prompt)
        self._distribution("check_in_seconds", late)

    def _speed(self) -> None:
        succeeded = [e for e in self._past.executions if e.status is ExecutionStatus.SUCCEEDED]
        found = [e for e in self._past.executions if e.download_seconds]
        image_bytes = self._past.image_bytes
        if image_bytes is not None:
            plausible = [e for e in found if _is_plausible(image_bytes, e.download_seconds or 0.0)]
            if left_out := len(found) - len(plausible):
                self._notes.append(f"{left_out} download times are implausible and left out")
            found = plausible
        if image_bytes is None:
            self._notes.append(
                "the size of the image is not known, so the bandwidth is assumed: give it with "
                "--image-bytes"
            )
        elif not found:
            self._notes.append("no device reported its downloadTime, so the bandwidth is assumed")
        else:
            if agents := sum(not e.measured_download for e in found):
                self._notes.append(
                    f"{agents} devices report no downloadTime, as FreeRTOS agents do: the time from"
                    " start to end is used instead, so the bandwidth includes install, reboot and"
                    " test too"
                )
            speeds = [image_bytes / e.download_seconds for e in found if e.download_seconds]
            self._distribution("bandwidth_bytes_per_second", speeds)
        rest = [
            max(0.0, e.working_seconds - e.download_seconds)
            for e in succeeded
            if e.working_seconds is not None and e.download_seconds
        ]
        if rest:
            self._distribution("install_seconds", rest)
            self._values["reboot_seconds"] = constant(0)

    def _endings(self) -> None:
        started = [e for e in self._first if e.status in EXECUTED]
        for key, status in (
            ("failure_rate", ExecutionStatus.FAILED),
            ("rejection_rate", ExecutionStatus.REJECTED),
            ("silence_rate", ExecutionStatus.TIMED_OUT),
        ):
            self._share(key, sum(e.status is status for e in started), len(started))
        if not any(e.status is ExecutionStatus.TIMED_OUT for e in started):
            running = sum(e.status is ExecutionStatus.IN_PROGRESS for e in self._first)
            if running:
                self._notes.append(
                    f"{running} executions are still IN_PROGRESS: whether they are silent is not "
                    "known yet"
                )

    def _repeats(self) -> None:
        by_thing: dict[tuple[int, str], list[ExecutionRecord]] = {}
        for execution in self._past.executions:
            by_thing.setdefault((execution.round, execution.thing_name), []).append(execution)
        again = [
            later
            for attempts in by_thing.values()
            for earlier, later in itertools.pairwise(
                sorted(attempts, key=lambda execution: execution.execution_number)
            )
            if earlier.status is ExecutionStatus.FAILED and later.status in EXECUTED
        ]
        if again:
            failed = sum(e.status is ExecutionStatus.FAILED for e in again)
            self._share("repeat_failure_rate", failed, len(again))

    def _share(self, key: str, part: int, whole: int) -> None:
        found = share(part, whole)
        if found is None:
            self._notes.append(f"the report has no data on {key}, so it is assumed")
            return
        self._estimates[key] = found
        # Rounded down, so that the shares of all endings together never exceed 1.
        self._values[key] = part * _SHARE_STEPS // whole / _SHARE_STEPS

    def _distribution(self, key: str, observed: Sequence[float]) -> None:
        if not observed:
            self._notes.append(f"the report has no data on {key}, so it is assumed")
            return
        for name, part in (("median", 0.5), ("p95", 0.95)):
            found = quantile_estimate(observed, part)
            if found is not None:
                self._estimates[f"{key}.{name}"] = found
        ordered = sorted(observed)
        points = min(QUANTILES, len(ordered))
        if ordered[0] == ordered[-1]:
            self._values[key] = constant(ordered[0])
            return
        self._values[key] = Distribution(
            values=tuple(
                round(between(ordered, location / (points - 1)), _DIGITS)
                for location in range(points)
            )
        )


def _is_plausible(image_bytes: int, download_seconds: float) -> bool:
    """Whether a profile can hold the speed: devices write what they like as their downloadTime."""
    return _SLOWEST <= image_bytes / download_seconds <= LARGEST


def _was_away(execution: ExecutionRecord) -> bool:
    """Whether a thing that never started was certainly not connected when it was notified."""
    if execution.status is ExecutionStatus.QUEUED:
        return True
    ended = execution.updated_at_ms
    if execution.status is not ExecutionStatus.CANCELED or ended is None:
        return False
    return ended - execution.queued_at_ms > ONLINE_SECONDS * 1000

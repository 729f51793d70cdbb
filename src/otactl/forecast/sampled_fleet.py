"""A fleet drawn from a profile.

Each thing has a group, is connected or not when it is notified, downloads at a speed of its own,
and has one outcome per attempt: it succeeds, reports a failure before or after installing, rejects,
or goes silent before or after installing. The group sizes are exact; which thing is in which group
is drawn, since the order in which the service notifies things is not known.

Assumptions besides the profile:

- A thing that failed, rejected or ran out of time is connected: its retry starts after the start
  delay. One that went silent with the old image comes back like a thing that was not connected;
  one that went silent with the new image is gone.
- A thing downloads at the same speed in every attempt.
- A failure before installing is reported when the download is over.
- Over a stream a thing gets at most 512 KiB/s (aws-facts A9, per connection).
- A thing that reports SUCCEEDED and comes back dark is gone from that report on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otactl.forecast.attempts import FAILED, NEVER, REJECTED, SUCCEEDED, Attempts, Codes, Integers
from otactl.forecast.distribution import Distribution, Form
from otactl.forecast.profile import HOURS_PER_DAY, STREAM_BYTES_PER_SECOND, FleetProfile, Group


def draw(
    distribution: Distribution, count: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """N independent draws."""
    match distribution.form:
        case Form.CONSTANT:
            return np.full(count, distribution.constant)
        case Form.UNIFORM:
            return generator.uniform(distribution.low or 0.0, distribution.high or 0.0, count)
        case Form.EXPONENTIAL:
            return generator.exponential(distribution.mean or 0.0, count)
        case Form.LOGNORMAL:
            drawn = generator.standard_normal(count)
            drawn *= distribution.sigma
            np.exp(drawn, out=drawn)
            drawn *= distribution.median or 0.0
            return drawn
        case Form.MEASURED:
            values = np.asarray(distribution.values, dtype=np.float64)
            location = generator.random(count) * (len(values) - 1)
            below = location.astype(np.int64)
            above = np.minimum(below + 1, len(values) - 1)
            return values[below] + (location - below) * (values[above] - values[below])


def draw_ms(
    seconds: Distribution, count: int, generator: np.random.Generator
) -> NDArray[np.int64] | np.int64:
    """N durations in whole milliseconds; one number if they are all the same."""
    if seconds.form is Form.CONSTANT:
        return np.int64(round((seconds.constant or 0.0) * 1000))
    drawn = draw(seconds, count, generator)
    drawn *= 1000
    return as_ms(drawn)


def as_ms(milliseconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Durations in whole milliseconds, limited so that times do not overflow; changed in place."""
    np.minimum(milliseconds, 1e15, out=milliseconds)
    return np.rint(milliseconds, out=milliseconds).astype(np.int64)


HOUR_MS = 3_600_000

#: The outcomes, in the order of their shares; SUCCEEDED has the rest.
_REJECTS, _FAILS_EARLY, _FAILS_LATE, _SILENT_EARLY, _SILENT_LATE, _SUCCEEDS = range(6)
_REPORTED = np.array([REJECTED, FAILED, FAILED, FAILED, FAILED, SUCCEEDED], dtype=np.int8)


class SampledFleet:
    """Things drawn from a profile, the same ones for the same generator.

    Args:
        profile: The fleet.
        things: Size of the fleet.
        image_bytes: Size of the image they download.
        generator: The source of the draws; each run has its own.
        by_url: Whether the image comes by presigned URL instead of by stream.
        connected: Number of things known to be connected at the beginning: they are notified
            first, and the others come back later. None: as the profile says.
    """

    def __init__(
        self,
        profile: FleetProfile,
        things: int,
        image_bytes: int,
        generator: np.random.Generator,
        *,
        by_url: bool = False,
        connected: int | None = None,
    ) -> None:
        self._by_url = by_url
        self._connected = connected
        self._profile = profile
        self.things = things
        self._image_bytes = image_bytes
        self._generator = generator
        self._groups = _assigned(profile, things, generator)

    def first(self, start: int, queued_ms: Integers) -> Attempts:
        """The first attempts of the things from ``start`` on."""
        count = len(queued_ms)
        group = self._groups[start : start + count]
        attempts = _blank(np.arange(start, start + count), group, queued_ms)
        for index, chosen in self._by_group(group):
            self._draw_first(self._profile.group[index], attempts, chosen)
        return attempts

    def again(self, earlier: Attempts, ended: Codes, queued_ms: Integers) -> Attempts:
        """The next attempts of things that failed or ran out of time."""
        attempts = _blank(earlier.thing, earlier.group, queued_ms)
        for index, chosen in self._by_group(earlier.group):
            self._draw_again(self._profile.group[index], attempts, chosen, earlier, ended)
        return attempts

    def _by_group(self, group: Codes) -> list[tuple[int, slice | Integers]]:
        if len(self._profile.group) == 1:
            return [(0, slice(None))]
        present = (
            (index, np.flatnonzero(group == index)) for index in range(len(self._profile.group))
        )
        return [(index, chosen) for index, chosen in present if len(chosen)]

    def _draw_first(self, group: Group, attempts: Attempts, chosen: slice | Integers) -> None:
        queued = attempts.queued_ms[chosen]
        count, generator = len(queued), self._generator
        started = queued + draw_ms(group.start_delay_seconds, count, generator)
        luck = generator.random(count)
        gone = luck < group.never
        is_offline = luck >= group.never + (1 - group.never) * self._online(group, queued)
        if self._connected is not None:
            is_offline = attempts.thing[chosen] >= self._connected
            gone &= is_offline
        offline = np.flatnonzero(is_offline)
        started[offline] += draw_ms(group.check_in_seconds, len(offline), generator)
        started[gone] = NEVER
        attempts.gone[chosen] = gone
        attempts.started_ms[chosen] = started
        attempts.download_ms[chosen] = self._download_ms(group, count)
        self._draw_outcome(group, attempts, chosen, group.failure_rate)

    def _draw_again(
        self,
        group: Group,
        attempts: Attempts,
        chosen: slice | Integers,
        earlier: Attempts,
        ended: Codes,
    ) -> None:
        queued = attempts.queued_ms[chosen]
        count, generator = len(queued), self._generator
        started = queued + draw_ms(group.start_delay_seconds, count, generator)
        silent = earlier.reports_after_ms[chosen] >= NEVER
        came_back = np.flatnonzero(silent)
        started[came_back] += draw_ms(group.check_in_seconds, len(came_back), generator)
        gone = earlier.gone[chosen] | (silent & (earlier.breaks_after_ms[chosen] < NEVER))
        started[gone] = NEVER
        attempts.gone[chosen] = gone
        attempts.started_ms[chosen] = started
        attempts.download_ms[chosen] = earlier.download_ms[chosen]
        repeat = (
            group.failure_rate if group.repeat_failure_rate is None else group.repeat_failure_rate
        )
        failure_rate = np.where(ended[chosen] == FAILED, repeat, group.failure_rate)
        self._draw_outcome(group, attempts, chosen, failure_rate)

    def _draw_outcome(
        self,
        group: Group,
        attempts: Attempts,
        chosen: slice | Integers,
        failure_rate: np.ndarray | float,
    ) -> None:
        download = attempts.download_ms[chosen]
        count, generator = len(download), self._generator
        outcome = _outcomes(group, failure_rate, generator.random(count))
        installed = download + draw_ms(group.install_seconds, count, generator)
        back = installed + draw_ms(group.reboot_seconds, count, generator)
        silent = (outcome == _SILENT_EARLY) | (outcome == _SILENT_LATE)
        reports = np.where(outcome == _FAILS_EARLY, download, back)
        reports[outcome == _REJECTS] = 0
        reports[silent] = NEVER
        breaks = np.full(count, NEVER)
        np.copyto(breaks, back, where=outcome == _FAILS_LATE)
        np.copyto(breaks, installed, where=outcome == _SILENT_LATE)
        if group.old_rate or group.dark_rate:
            luck = np.where(outcome == _SUCCEEDS, generator.random(count), 1.0)
            attempts.unproven[chosen] = luck < group.old_rate + group.dark_rate
            np.copyto(breaks, back, where=luck < group.dark_rate)
        download[outcome == _REJECTS] = 0
        attempts.reported[chosen] = _REPORTED[outcome]
        attempts.reports_after_ms[chosen] = reports
        attempts.breaks_after_ms[chosen] = breaks
        attempts.download_ms[chosen] = download

    def _download_ms(self, group: Group, count: int) -> Integers:
        speed = draw(group.bandwidth_bytes_per_second, count, self._generator)
        if not self._by_url:
            np.minimum(speed, STREAM_BYTES_PER_SECOND, out=speed)
        return np.maximum(1, as_ms(self._image_bytes * 1000 / speed))

    def _online(self, group: Group, queued_ms: Integers) -> np.ndarray | float:
        shares = group.online_shares
        if len(set(shares)) == 1:
            return shares[0]
        hour = (queued_ms + round(self._profile.start_hour * HOUR_MS)) // HOUR_MS
        return np.asarray(shares)[hour % HOURS_PER_DAY]


def _outcomes(group: Group, failure_rate: np.ndarray | float, luck: np.ndarray) -> Codes:
    """The outcome of each draw, by the cumulated shares of the outcomes."""
    late, broken = group.failure_after_install, group.silence_after_install
    outcome = (luck >= group.rejection_rate).astype(np.int8)
    edge: np.ndarray | float = group.rejection_rate
    for share in (
        failure_rate * (1 - late),
        failure_rate * late,
        group.silence_rate * (1 - broken),
        group.silence_rate * broken,
    ):
        edge = edge + share
        outcome += luck >= edge
    return outcome


def _assigned(profile: FleetProfile, things: int, generator: np.random.Generator) -> Codes:
    """A group for each thing: sizes by largest remainder, order drawn."""
    shares = np.array([group.share for group in profile.group])
    exact = shares / shares.sum() * things
    sizes = np.floor(exact).astype(np.int64)
    largest = np.argsort(sizes - exact, kind="stable")[: things - int(sizes.sum())]
    sizes[largest] += 1
    groups = np.repeat(np.arange(len(sizes), dtype=np.int8), sizes)
    if len(sizes) > 1:
        generator.shuffle(groups)
    return groups


def _blank(thing: Integers, group: Codes, queued_ms: Integers) -> Attempts:
    count = len(thing)
    nothing = np.zeros(count, dtype=np.int64)
    return Attempts(
        thing=thing,
        group=group,
        queued_ms=queued_ms,
        started_ms=nothing,
        reports_after_ms=nothing.copy(),
        reported=np.zeros(count, dtype=np.int8),
        download_ms=nothing.copy(),
        breaks_after_ms=nothing.copy(),
        gone=np.zeros(count, dtype=np.bool_),
        unproven=np.zeros(count, dtype=np.bool_),
    )

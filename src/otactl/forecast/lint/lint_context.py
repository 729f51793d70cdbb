"""What the linter checks: a configuration, a fleet, and values computed from the two.

No NumPy: ``deploy`` uses the linter too, and needs only the core. Shares over several distributions
(download, install, reboot) are sums over their quantiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from otactl.forecast.distribution import Distribution
from otactl.forecast.profile import STREAM_BYTES_PER_SECOND, FleetProfile, Group
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.job_configuration import JobConfiguration
from otactl.model.status import FailureType
from otactl.rules.retry import RETRIED_STATUSES
from otactl.rules.rollout import RolloutState, next_release

#: The number of quantiles that represent a distribution.
_DOWNLOAD_QUANTILES = 200
_OTHER_QUANTILES = 12
#: Minutes of a rollout that are computed; ten weeks.
_MOST_MINUTES = 100_000
_MINUTE_SECONDS = 60
#: When this share of the fleet is notified, it is too late to stop a rollout.
NEARLY_ALL = 0.9


@dataclass(frozen=True)
class LintContext:
    """A deployment to a fleet.

    Attributes:
        things: Size of the fleet.
        image_bytes: None if it is not known; download times are not checked then.
    """

    configuration: DeploymentConfiguration
    things: int
    profile: FleetProfile
    image_bytes: int | None

    @property
    def job(self) -> JobConfiguration:
        """The job's policy."""
        return self.configuration.job

    def mean(self, rate: Callable[[Group], float]) -> float:
        """The mean of a rate over all groups, weighted by their shares."""
        groups = self.profile.group
        return sum(g.share * rate(g) for g in groups) / sum(g.share for g in groups)

    def failure_share(self, failure_type: FailureType) -> float:
        """The share of a healthy fleet's executions that a criterion of this type counts."""
        shares = {
            FailureType.FAILED: lambda g: g.failure_rate,
            FailureType.REJECTED: lambda g: g.rejection_rate,
            FailureType.TIMED_OUT: self._timed_out_share,
        }
        wanted = shares.values() if failure_type is FailureType.ALL else [shares[failure_type]]
        return min(1.0, sum(self.mean(share) for share in wanted))

    def _timed_out_share(self, group: Group) -> float:
        minutes = self.job.in_progress_timeout_minutes
        if minutes is None:
            return 0.0
        working = 1 - group.failure_rate - group.rejection_rate - group.silence_rate
        return group.silence_rate + working * self.share_longer(group, minutes * _MINUTE_SECONDS)

    def download_seconds(self, group: Group, share: float) -> float:
        """The time that this share of the group's downloads stays below; 0 if not known."""
        if self.image_bytes is None:
            return 0.0
        speed = group.bandwidth_bytes_per_second.quantile(1 - share)
        if self.job.presigned_url is None:
            speed = min(speed, STREAM_BYTES_PER_SECOND)
        return self.image_bytes / max(speed, 1e-9)

    @cached_property
    def _downloads(self) -> list[tuple[float, float]]:
        """Download times of the whole fleet, ascending, each with the share it represents."""
        points = _middles(_DOWNLOAD_QUANTILES)
        whole = sum(group.share for group in self.profile.group) * len(points)
        return sorted(
            (self.download_seconds(group, point), group.share / whole)
            for group in self.profile.group
            for point in points
        )

    def fleet_download_seconds(self, share: float) -> float:
        """The time that this share of all downloads of the fleet stays below."""
        reached = 0.0
        for seconds, weight in self._downloads:
            reached += weight
            if reached >= share - weight / 2:
                return seconds
        return self._downloads[-1][0]

    @property
    def mean_download_seconds(self) -> float:
        """The mean time of the fleet's downloads."""
        return sum(seconds * weight for seconds, weight in self._downloads)

    def share_downloading_longer(self, group: Group, seconds: float) -> float:
        """The share of the group whose download takes longer."""
        points = _middles(_DOWNLOAD_QUANTILES)
        return sum(self.download_seconds(group, p) > seconds for p in points) / len(points)

    def share_longer(self, group: Group, seconds: float) -> float:
        """The share of the group that takes longer from start to report."""
        rest = [
            install + reboot
            for install, reboot in product(
                _points(group.install_seconds), _points(group.reboot_seconds)
            )
        ]
        downloads = [self.download_seconds(group, p) for p in _middles(_DOWNLOAD_QUANTILES)]
        longer = sum(download + more > seconds for download in downloads for more in rest)
        return longer / (len(downloads) * len(rest))

    def working_seconds(self, share: float) -> float:
        """From start to report, the sum of this quantile of each quantity; an estimate."""
        return self.mean(
            lambda g: (
                self.download_seconds(g, share)
                + g.install_seconds.quantile(share)
                + g.reboot_seconds.quantile(share)
            )
        )

    @cached_property
    def typical_seconds(self) -> float:
        """From the notification to the report of a median thing that is connected."""
        started = self.mean(lambda g: g.start_delay_seconds.quantile(0.5))
        return started + self.working_seconds(0.5)

    @cached_property
    def online_share(self) -> float:
        """The share of things that are connected, as a mean over the day."""
        return self.mean(lambda g: sum(g.online_shares) / len(g.online_shares))

    def retries_of(self, failure_type: FailureType) -> int:
        """The number of retries of a thing that fails this way every time."""
        return sum(
            criterion.number_of_retries
            for criterion in self.job.retry_criteria
            if failure_type.statuses <= RETRIED_STATUSES[criterion.failure_type]
        )

    @cached_property
    def notified_by_minute(self) -> list[int]:
        """Things notified when each minute has begun, if all goes well.

        Successes follow the notification by the typical time, for the share that is connected.
        """
        lag = max(1, round(self.typical_seconds / _MINUTE_SECONDS + 0.5))
        totals: list[int] = []
        notified = 0
        while notified < self.things and len(totals) < _MOST_MINUTES:
            ended = totals[len(totals) - lag] if len(totals) >= lag else 0
            state = RolloutState(
                waiting=self.things - notified,
                notified=notified,
                succeeded=int(ended * self.online_share),
            )
            notified += next_release(self.job.rollout, state)
            totals.append(notified)
        return totals

    @property
    def rollout_minutes(self) -> int:
        """Minutes until every thing is notified."""
        totals = self.notified_by_minute
        rest = self.things - totals[-1]
        if not rest:
            return len(totals) - 1
        # Too long to compute to the end: the rest is notified at the rate reached.
        return len(totals) - 1 + -(-rest // (totals[-1] - totals[-2]))

    @property
    def notified_before_results(self) -> int:
        """Things notified before a typical one has finished; at a rising rate, in a minute."""
        rollout = self.job.rollout
        rises = rollout is not None and rollout.exponential_rate is not None
        return self.notified_by_minute[0] if rises else self.notified_after(self.typical_seconds)

    @property
    def is_unstaged(self) -> bool:
        """Whether nearly everything is notified before the first result."""
        return self.notified_before_results >= NEARLY_ALL * self.things

    def notified_after(self, seconds: float) -> int:
        """Things notified after N seconds."""
        totals = self.notified_by_minute
        return totals[min(len(totals) - 1, int(seconds // _MINUTE_SECONDS))]

    def seconds_until_executed(self, count: int) -> float | None:
        """When N executions have ended, if all goes well; None if there are fewer."""
        for minute, notified in enumerate(self.notified_by_minute):
            if notified * self.online_share >= count:
                return minute * _MINUTE_SECONDS + self.typical_seconds
        return None

    def notified_when_executed(self, count: int) -> int:
        """Things notified when N executions have ended; all of them if there are fewer."""
        seconds = self.seconds_until_executed(count)
        return self.things if seconds is None else self.notified_after(seconds)


def _middles(count: int) -> list[float]:
    return [(location + 0.5) / count for location in range(count)]


def _points(distribution: Distribution) -> list[float]:
    return sorted({distribution.quantile(share) for share in _middles(_OTHER_QUANTILES)})

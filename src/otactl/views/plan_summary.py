"""A deployment in five lines: targets, rate, abort, timeout, cost.

`otactl plan` and the question of `otactl deploy` begin with them, because they decide how much harm
a bad image can do. The same as fields for ``--output json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otactl.forecast.cost import Bill
from otactl.model.arn import Arn
from otactl.model.job_configuration import AbortCriterion, JobConfiguration, Rollout
from otactl.model.json_output import deployment as json_deployment
from otactl.model.json_output.shaping import shaped
from otactl.model.members import members_of
from otactl.model.quoting import first_names
from otactl.model.status import TargetSelection
from otactl.rules.rollout import DEFAULT_MAXIMUM_PER_MINUTE
from otactl.views.wording import rounds_words, things_words

_NAMED_GROUPS = 3
_CENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """The settings that a user confirms before a deployment.

    Attributes:
        things: Things the deployment is for, members of groups included.
        listed: Things the thing list names one by one.
        groups: ARNs of the thing groups it names.
        account: Twelve digits.
        waves: Whether it is done in waves, whose groups no thing joins later.
    """

    things: int
    listed: int
    groups: tuple[str, ...]
    account: str
    region: str
    rounds: int
    job: JobConfiguration
    cost: Bill
    waves: bool = False

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """A name and a sentence for each line, in order."""
        return (
            ("targets", self._targets()),
            ("rate", self._rate()),
            ("abort", abort_criteria_words(self.job.abort_criteria)),
            ("timeout", _timeout_words(self.job.in_progress_timeout_minutes)),
            ("cost", _cost_words(self.cost)),
        )

    def to_fields(self) -> json_deployment.Summary:
        """The same for scripts; null means AWS's own default."""
        job, bill = self.job, self.cost
        return {
            "targets": shaped(
                json_deployment.SummaryTargets, self, selection=job.target_selection.value
            ),
            "rate": None if job.rollout is None else members_of(job.rollout),
            "abort": members_of(job.abort_criteria),
            "timeout": {"inProgressMinutes": job.in_progress_timeout_minutes},
            "cost": shaped(
                json_deployment.SummaryCost,
                bill,
                items={name: round(usd, 6) for name, usd in bill.items.items()},
                pricesRead=bill.prices_read.isoformat(),
            ),
        }

    def _targets(self) -> str:
        names = [Arn.parse(arn).resource.partition("/")[2] for arn in self.groups]
        parts = [things_words(self.things)]
        if names:
            named = first_names(names, _NAMED_GROUPS)
            word = "group" if len(names) == 1 else "groups"
            parts.append(f"{self.listed:,} listed, the rest of {word} {named}")
        if self.job.target_selection is TargetSelection.CONTINUOUS:
            windows = self.job.scheduling and self.job.scheduling.maintenance_windows
            later = "CONTINUOUS: those that join later too"
            parts.append("CONTINUOUS, in maintenance windows" if self.waves and windows else later)
        if self.rounds > 1:
            parts.append(rounds_words(self.rounds))
        return "; ".join((*parts, f"account {self.account}, {self.region}"))

    def _rate(self) -> str:
        words = rate_words(self.job.rollout)
        schedule = self.job.scheduling
        if schedule is not None and schedule.start_time is not None:
            words += f"; begins at {schedule.start_time} UTC"
        return words


def rate_words(rollout: Rollout | None) -> str:
    """How fast things are notified: ``at most 50 things a minute``."""
    if rollout is None:
        return f"no limit of its own: AWS notifies up to {DEFAULT_MAXIMUM_PER_MINUTE:,} a minute"
    rate = rollout.exponential_rate
    if rate is None:
        return f"at most {rollout.maximum_per_minute:,} things a minute"
    criteria = rate.rate_increase_criteria
    count = criteria.number_of_succeeded_things or criteria.number_of_notified_things or 0
    counted = "succeeded" if criteria.number_of_succeeded_things else "notified"
    return (
        f"{rate.base_rate_per_minute:,} things a minute, times {rate.increment_factor:g} for every"
        f" {count:,} {counted}, at most {rollout.maximum_per_minute:,} a minute"
    )


def abort_criteria_words(criteria: Sequence[AbortCriterion]) -> str:
    """What cancels the job: ``FAILED: 20% of at least 10 executed things``."""
    if not criteria:
        return "never by itself: no abort criterion is switched on"
    return "; ".join(
        f"{criterion.failure_type.value}: {criterion.threshold_percentage:g}%"
        f" of at least {criterion.min_number_of_executed_things:,} executed things"
        for criterion in criteria
    )


def _timeout_words(minutes: int | None) -> str:
    if minutes is None:
        return "none: a thing that falls silent stays in progress"
    return f"a thing in progress for {minutes:,} min is TIMED_OUT"


def _cost_words(cost: Bill) -> str:
    usd = cost.total
    amount = f"about USD {usd:,.2f}" if usd >= _CENT else "less than USD 0.01"
    return (
        f"{amount} if every thing succeeds at its first attempt"
        f" (executions: {cost.executions:,}; metered messages: {cost.messages:,};"
        f" prices of {cost.prices_read:%B %Y}; `otactl forecast` has the rest)"
    )

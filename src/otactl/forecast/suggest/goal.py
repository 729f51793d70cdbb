"""The goal of a suggestion, and the suggestion."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from otactl.forecast.band import Band
from otactl.forecast.ensemble import Scenario
from otactl.model.job_configuration import AbortCriterion, JobConfiguration, Rollout
from otactl.model.json_output import forecast as json_forecast
from otactl.model.json_output.shaping import shaped


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A rollout that is quick with a good image, and stops in time with a bad one.

    Attributes:
        within_seconds: A healthy fleet has finished by then, 19 times in 20.
        max_bricked: A bad image bricks at most this many things, 19 times in 20.
        failure_rate: Share of attempts that fail with the bad image.
        finish_percent: Share of the fleet that must finish.
        false_alarm: Highest probability that a healthy fleet trips the abort.
    """

    within_seconds: float
    max_bricked: int
    failure_rate: float
    finish_percent: float = 95.0
    false_alarm: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A rollout and an abort criterion together."""

    rollout: Rollout
    criterion: AbortCriterion

    def applied(self, job: JobConfiguration) -> JobConfiguration:
        """The job with this rollout and this criterion, otherwise unchanged."""
        return replace(job, rollout=self.rollout, abort_criteria=(self.criterion,))

    def to_ini(self) -> str:
        """The sections of a ``dev.ini`` with this setting."""
        rate, kind = self.rollout.exponential_rate, self.criterion.failure_type
        lines = [
            "[DEFAULT]",
            "useJobExecutionsRolloutConfig = True",
            "useAbortConfig = True",
            "",
            "[JOB_EXECUTE_ROLLOUT_CONFIG]",
            f"maximumPerMinute = {self.rollout.maximum_per_minute}",
            f"useExponentialRateCfg = {rate is not None}",
        ]
        if rate is not None:
            successes = rate.rate_increase_criteria.number_of_succeeded_things
            lines += [
                "",
                "[EXP_RATE_CONFIG]",
                f"baseRatePerMinute = {rate.base_rate_per_minute}",
                f"incrementFactor = {rate.increment_factor:g}",
                "useRateIncreaseCriteria = True",
                "",
                "[INCREASE_CRITERIA]",
                f"numberOfSucceededThings = {successes}",
            ]
        lines += [
            "",
            "[ABORT_CONFIG]",
            "useAllSubsection = True",
            "",
            f"[ABORT_CONFIG_TYPE_{kind}]",
            f"failureType = {kind}",
            f"thresholdPercentage = {self.criterion.threshold_percentage:g}",
            f"minNumberOfExecutedThings = {self.criterion.min_number_of_executed_things}",
        ]
        return "\n".join(lines) + "\n"

    def to_fields(self) -> json_forecast.Setting:
        """The setting for ``--output json``, by the keys of a ``dev.ini``."""
        rate = self.rollout.exponential_rate
        if rate is None:
            return shaped(json_forecast.Setting, self)
        return shaped(
            json_forecast.Setting,
            self,
            baseRatePerMinute=rate.base_rate_per_minute,
            incrementFactor=rate.increment_factor,
            numberOfSucceededThings=rate.rate_increase_criteria.number_of_succeeded_things,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOff:
    """One point of the curve: the time, and the number of things that a bad image bricks.

    Attributes:
        finished_seconds: Until a healthy fleet has finished, estimated.
        bricked: Things that a bad image bricks, over the runs.
    """

    setting: Setting
    finished_seconds: float
    bricked: Band


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The setting found, or why there is none.

    Attributes:
        setting: None if no setting meets the goal.
        binds: Why no setting meets the goal, in a sentence; empty with a setting.
        finished_seconds: Until a healthy fleet has finished, with the setting.
        bricked: Things that a bad image bricks, with the setting.
        false_alarm: Probability that a healthy fleet trips the criterion.
        curve: The trade-off, the quickest first.
    """

    goal: Goal
    setting: Setting | None = None
    binds: str = ""
    finished_seconds: Band | None = None
    bricked: Band | None = None
    false_alarm: float | None = None
    curve: tuple[TradeOff, ...] = field(default=())

    def to_fields(self) -> json_forecast.Suggestion:
        """The suggestion for ``--output json``."""
        ini = None if self.setting is None else self.setting.to_ini()
        return shaped(json_forecast.Suggestion, self, found=self.setting is not None, ini=ini)


def healthy(scenario: Scenario, setting: Setting, runs: int) -> Scenario:
    """The scenario with a setting and the profile's own failure rate."""
    return replace(scenario, job=setting.applied(scenario.job), runs=runs)


def bad(scenario: Scenario, setting: Setting, goal: Goal, runs: int) -> Scenario:
    """The scenario with a setting and the bad image."""
    return replace(
        scenario,
        job=setting.applied(scenario.job),
        profile=scenario.profile.with_failure_rate(goal.failure_rate),
        runs=runs,
    )

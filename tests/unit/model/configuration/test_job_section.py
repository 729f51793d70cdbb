"""Rollout, abort, timeout, retry and schedule: what each key becomes and what AWS would refuse."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import configuration_of, dev_ini, found, problems_of, section

from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    MaintenanceWindow,
    RateIncreaseCriteria,
    RetryCriterion,
    Rollout,
    Scheduling,
)
from otactl.model.status import FailureType


def rollout_ini(
    *,
    maximum: str = "100",
    base: str = "10",
    factor: str = "2.0",
    use_criteria: str = "True",
    notified: str | None = "15",
    succeeded: str | None = None,
) -> str:
    return dev_ini(
        section(
            "JOB_EXECUTE_ROLLOUT_CONFIG", maximumPerMinute=maximum, useExponentialRateCfg="True"
        ),
        section(
            "EXP_RATE_CONFIG",
            baseRatePerMinute=base,
            incrementFactor=factor,
            useRateIncreaseCriteria=use_criteria,
        ),
        section(
            "INCREASE_CRITERIA", numberOfNotifiedThings=notified, numberOfSucceededThings=succeeded
        ),
        useJobExecutionsRolloutConfig="True",
    )


def constant_rate_ini(**keys: str | None) -> str:
    rollout = section("JOB_EXECUTE_ROLLOUT_CONFIG", **keys)
    return dev_ini(rollout, useJobExecutionsRolloutConfig="True")


def abort_ini(*sections: str, **switches: str) -> str:
    return dev_ini(section("ABORT_CONFIG", **switches), *sections, useAbortConfig="True")


def retry_ini(*sections: str, use_timeout: str = "False", **retries: str) -> str:
    return dev_ini(
        section("RETRY_CONFIG", **retries),
        *sections,
        useRetryConfig="True",
        useTimeoutConfig=use_timeout,
    )


def schedule_ini(*sections: str, selection: str = "CONTINUOUS", **keys: str) -> str:
    return dev_ini(
        section("SCHEDULING_CONFIG", **keys),
        *sections,
        useSchedulingConfig="True",
        targetSelection=selection,
    )


class TestRollout:
    @pytest.mark.parametrize("maximum", [1, 1000])
    def test_maximum_per_minute_alone_is_a_constant_rate(self, maximum: int):
        text = constant_rate_ini(maximumPerMinute=str(maximum))

        assert configuration_of(text).job.rollout == Rollout(maximum_per_minute=maximum)

    @pytest.mark.parametrize("maximum", ["0", "1001", "2.5", "9" * 500])
    def test_maximum_per_minute_keeps_to_what_was_measured(self, maximum: str):
        (problem,) = problems_of(constant_rate_ini(maximumPerMinute=maximum))

        assert problem.key == "maximumPerMinute"
        assert "a whole number from 1 to 1000" in problem.message

    def test_maximum_per_minute_is_required(self):
        # An empty rollout configuration is refused by the service (aws-facts B).
        assert found(constant_rate_ini()) == [
            ("error", "JOB_EXECUTE_ROLLOUT_CONFIG", "maximumPerMinute", "missing-key")
        ]

    def test_use_exponential_rate_cfg_off_ignores_the_section(self):
        text = constant_rate_ini(maximumPerMinute="5", useExponentialRateCfg="False")

        assert configuration_of(text + "\n[EXP_RATE_CONFIG]\nx = y\n").job.rollout == Rollout(
            maximum_per_minute=5
        )

    def test_use_exponential_rate_cfg_on_needs_the_section(self):
        text = constant_rate_ini(maximumPerMinute="5", useExponentialRateCfg="True")

        assert found(text) == [
            ("error", "JOB_EXECUTE_ROLLOUT_CONFIG", "useExponentialRateCfg", "missing-section")
        ]

    def test_an_exponential_rate_carries_all_its_keys(self):
        assert configuration_of(rollout_ini()).job.rollout == Rollout(
            maximum_per_minute=100,
            exponential_rate=ExponentialRate(
                base_rate_per_minute=10,
                increment_factor=2.0,
                rate_increase_criteria=RateIncreaseCriteria(number_of_notified_things=15),
            ),
        )

    def test_base_rate_per_minute_must_be_below_the_maximum(self):
        assert found(rollout_ini(base="99")) == []
        for base in ("100", "101"):
            (problem,) = problems_of(rollout_ini(base=base))
            assert (problem.key, problem.code) == ("baseRatePerMinute", "requires")
            assert "M2" in str(problem.hint)

    @pytest.mark.parametrize("factor", ["1.1", "5", "5.0", "2.50"])
    def test_increment_factor_takes_one_digit_behind_the_point(self, factor: str):
        rollout = configuration_of(rollout_ini(factor=factor)).job.rollout

        assert rollout is not None
        assert rollout.exponential_rate is not None
        assert rollout.exponential_rate.increment_factor == float(factor)

    @pytest.mark.parametrize(
        ("factor", "code"),
        [
            ("1.55", "decimals"),
            ("1.0", "range"),
            ("5.1", "range"),
            ("1,5", "number"),
            ("nan", "number"),
            ("inf", "number"),
            ("-2", "range"),
            ("2e0", "number"),
            (".5", "number"),
        ],
    )
    def test_increment_factor_refuses_what_the_service_refuses(self, factor: str, code: str):
        assert found(rollout_ini(factor=factor)) == [
            ("error", "EXP_RATE_CONFIG", "incrementFactor", code)
        ]

    def test_use_rate_increase_criteria_must_be_true(self):
        (problem,) = problems_of(rollout_ini(use_criteria="False"))

        assert (problem.key, problem.code) == ("useRateIncreaseCriteria", "requires")
        assert "M3" in str(problem.hint)

    def test_number_of_notified_things_is_the_criterion(self):
        rollout = configuration_of(rollout_ini(notified="1000", succeeded="None")).job.rollout

        assert rollout is not None
        assert rollout.exponential_rate is not None
        criteria = rollout.exponential_rate.rate_increase_criteria
        assert criteria == RateIncreaseCriteria(number_of_notified_things=1000)

    def test_number_of_succeeded_things_is_the_criterion(self):
        rollout = configuration_of(rollout_ini(notified="", succeeded="123")).job.rollout

        assert rollout is not None
        assert rollout.exponential_rate is not None
        criteria = rollout.exponential_rate.rate_increase_criteria
        assert criteria == RateIncreaseCriteria(number_of_succeeded_things=123)

    def test_both_criteria_are_refused_as_the_service_refuses_them(self):
        (problem,) = problems_of(rollout_ini(notified="15", succeeded="123"))

        assert (problem.section, problem.code) == ("INCREASE_CRITERIA", "exclusive")
        assert "M1" in str(problem.hint)

    def test_no_criterion_at_all_is_refused(self):
        assert found(rollout_ini(notified=None, succeeded=None)) == [
            ("error", "INCREASE_CRITERIA", "numberOfNotifiedThings", "requires")
        ]


class TestAbort:
    def test_each_type_becomes_a_criterion(self):
        types = ("FAILED", "REJECTED", "TIMED_OUT")
        sections = [
            section(
                f"ABORT_CONFIG_TYPE_{failure_type}",
                failureType=failure_type,
                thresholdPercentage="10.99",
                minNumberOfExecutedThings=str(number),
            )
            for number, failure_type in enumerate(types, start=1)
        ]
        text = abort_ini(
            *sections,
            useFailedSubsection="True",
            useRejectedSubsection="True",
            useTimedOutSubsection="True",
        )

        assert configuration_of(text).job.abort_criteria == tuple(
            AbortCriterion(
                failure_type=FailureType(failure_type),
                threshold_percentage=10.99,
                min_number_of_executed_things=number,
            )
            for number, failure_type in enumerate(types, start=1)
        )

    def test_use_all_subsection_wins_over_the_other_types(self):
        text = abort_ini(
            section(
                "ABORT_CONFIG_TYPE_ALL", thresholdPercentage="11.0", minNumberOfExecutedThings="1"
            ),
            section("ABORT_CONFIG_TYPE_FAILED", nonsense="x"),
            useAllSubsection="True",
            useFailedSubsection="True",
        )

        (criterion,) = configuration_of(text).job.abort_criteria
        assert criterion.failure_type is FailureType.ALL

    @pytest.mark.parametrize(
        ("switch", "failure_type"),
        [
            ("useAllSubsection", "ALL"),
            ("useFailedSubsection", "FAILED"),
            ("useRejectedSubsection", "REJECTED"),
            ("useTimedOutSubsection", "TIMED_OUT"),
        ],
    )
    def test_a_type_that_is_switched_on_needs_its_section(self, switch: str, failure_type: str):
        problems = problems_of(abort_ini(**{switch: "True"}))

        assert [(problem.key, problem.code) for problem in problems] == [
            (switch, "missing-section")
        ]
        assert f"[ABORT_CONFIG_TYPE_{failure_type}]" in problems[0].message

    def test_one_type_at_least_must_be_on(self):
        assert found(abort_ini(useAllSubsection="False")) == [
            ("error", "ABORT_CONFIG", "useAllSubsection", "requires")
        ]

    def test_failure_type_can_only_be_the_sections_own(self):
        text = abort_ini(
            section(
                "ABORT_CONFIG_TYPE_FAILED",
                failureType="REJECTED",
                thresholdPercentage="5",
                minNumberOfExecutedThings="1",
            ),
            useFailedSubsection="True",
        )

        assert found(text) == [("error", "ABORT_CONFIG_TYPE_FAILED", "failureType", "requires")]

    @pytest.mark.parametrize(
        ("percentage", "code"),
        [("0", "range"), ("0.00", "range"), ("100.01", "range"), ("10.999", "decimals")],
    )
    def test_threshold_percentage_refuses_what_the_service_refuses(
        self, percentage: str, code: str
    ):
        text = abort_ini(
            section(
                "ABORT_CONFIG_TYPE_ALL",
                thresholdPercentage=percentage,
                minNumberOfExecutedThings="1",
            ),
            useAllSubsection="True",
        )

        assert found(text) == [("error", "ABORT_CONFIG_TYPE_ALL", "thresholdPercentage", code)]

    @pytest.mark.parametrize("percentage", ["0.01", "100", "10.90", "10.9900"])
    def test_threshold_percentage_takes_two_digits_behind_the_point(self, percentage: str):
        text = abort_ini(
            section(
                "ABORT_CONFIG_TYPE_ALL",
                thresholdPercentage=percentage,
                minNumberOfExecutedThings="1",
            ),
            useAllSubsection="True",
        )

        (criterion,) = configuration_of(text).job.abort_criteria
        assert criterion.threshold_percentage == float(percentage)

    @pytest.mark.parametrize("things", ["0", "-1", "2147483648", "1.0"])
    def test_min_number_of_executed_things_is_at_least_one(self, things: str):
        text = abort_ini(
            section(
                "ABORT_CONFIG_TYPE_ALL", thresholdPercentage="5", minNumberOfExecutedThings=things
            ),
            useAllSubsection="True",
        )

        assert [key for _, _, key, _ in found(text)] == ["minNumberOfExecutedThings"]

    def test_an_abort_on_time_outs_that_cannot_happen_is_warned_about(self):
        text = abort_ini(
            section(
                "ABORT_CONFIG_TYPE_TIMED_OUT",
                thresholdPercentage="5",
                minNumberOfExecutedThings="1",
            ),
            useTimedOutSubsection="True",
        )

        assert found(text) == [("warning", "ABORT_CONFIG_TYPE_TIMED_OUT", "failureType", "never")]


class TestTimeout:
    @pytest.mark.parametrize("minutes", [1, 10080])
    def test_in_progress_timeout_is_a_minute_to_seven_days(self, minutes: int):
        text = dev_ini(
            section("TIMEOUT_CONFIG", inProgressTimeoutInMinutes=str(minutes)),
            useTimeoutConfig="True",
        )

        assert configuration_of(text).job.in_progress_timeout_minutes == minutes

    @pytest.mark.parametrize("minutes", ["0", "10081"])
    def test_in_progress_timeout_outside_of_it_is_refused(self, minutes: str):
        text = dev_ini(
            section("TIMEOUT_CONFIG", inProgressTimeoutInMinutes=minutes), useTimeoutConfig="True"
        )

        assert found(text) == [("error", "TIMEOUT_CONFIG", "inProgressTimeoutInMinutes", "range")]


class TestRetry:
    timeout = section("TIMEOUT_CONFIG", inProgressTimeoutInMinutes="60")

    def test_retries_of_all_failures_stand_alone(self):
        assert configuration_of(retry_ini(numberOfRetriesAll="2")).job.retry_criteria == (
            RetryCriterion(failure_type=FailureType.ALL, number_of_retries=2),
        )
        assert found(retry_ini(numberOfRetriesAll="2", numberOfRetriesFailed="1")) == [
            ("error", "RETRY_CONFIG", "numberOfRetriesAll", "exclusive")
        ]

    def test_retries_of_failed_and_timed_out_become_two_criteria(self):
        text = retry_ini(
            self.timeout,
            use_timeout="True",
            numberOfRetriesFailed="4",
            numberOfRetriesTimedOut="6",
        )

        assert configuration_of(text).job.retry_criteria == (
            RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=4),
            RetryCriterion(failure_type=FailureType.TIMED_OUT, number_of_retries=6),
        )

    def test_retries_are_ten_together(self):
        text = retry_ini(
            self.timeout,
            use_timeout="True",
            numberOfRetriesFailed="5",
            numberOfRetriesTimedOut="6",
        )

        assert found(text) == [("error", "RETRY_CONFIG", "numberOfRetriesAll", "range")]

    def test_retries_of_timed_out_need_a_timeout(self):
        assert found(retry_ini(numberOfRetriesTimedOut="1")) == [
            ("error", "RETRY_CONFIG", "numberOfRetriesTimedOut", "requires")
        ]

    @pytest.mark.parametrize("retries", ["11", "-1"])
    def test_retries_are_zero_to_ten(self, retries: str):
        assert [key for _, _, key, _ in found(retry_ini(numberOfRetriesFailed=retries))] == [
            "numberOfRetriesFailed"
        ]

    def test_an_empty_retry_section_is_refused(self):
        assert found(retry_ini()) == [("error", "RETRY_CONFIG", "numberOfRetriesAll", "requires")]


class TestSchedule:
    window = section(
        "MAINTENANCE_WINDOW_Monday", startTime="cron(0 2 ? * MON *)", durationInMinutes="60"
    )

    def test_start_time_gets_the_t_the_service_asks_for(self):
        text = schedule_ini(selection="SNAPSHOT", startTime="2027-03-01 02:00")

        assert configuration_of(text).job.scheduling == Scheduling(start_time="2027-03-01T02:00")

    def test_end_time_and_end_behavior_are_carried(self):
        text = schedule_ini(
            startTime="2027-03-01T02:00", endTime="2027-03-01T02:30", endBehavior="FORCE_CANCEL"
        )

        assert configuration_of(text).job.scheduling == Scheduling(
            start_time="2027-03-01T02:00", end_time="2027-03-01T02:30", end_behavior="FORCE_CANCEL"
        )

    @pytest.mark.parametrize(
        "moment", ["2027-02-30 02:00", "2027-03-01", "2027-03-01T02:00:00Z", "tomorrow"]
    )
    def test_start_time_must_be_a_moment(self, moment: str):
        assert found(schedule_ini(startTime=moment)) == [
            ("error", "SCHEDULING_CONFIG", "startTime", "form")
        ]

    def test_a_moment_long_past_is_refused_as_a_mistake(self):
        text = schedule_ini(startTime="0001-01-01 00:00", endTime="2027-03-01 02:00")

        assert found(text) == [("error", "SCHEDULING_CONFIG", "endTime", "range")]

    @pytest.mark.parametrize("end", ["2027-03-01 02:29", "2029-03-01 02:00", "2026-01-01 00:00"])
    def test_end_time_is_half_an_hour_to_two_years_behind_the_start(self, end: str):
        text = schedule_ini(startTime="2027-03-01 02:00", endTime=end)

        assert found(text) == [("error", "SCHEDULING_CONFIG", "endTime", "range")]

    def test_end_behavior_without_end_is_warned_about(self):
        text = schedule_ini(startTime="2027-03-01 02:00", endBehavior="CANCEL")

        assert found(text) == [("warning", "SCHEDULING_CONFIG", "endBehavior", "never")]

    def test_a_schedule_must_lie_ahead_of_now(self):
        text = schedule_ini(startTime="2027-03-01 02:00", endTime="2027-03-02 02:00")
        half_past_one = 1803864600000  # 2027-03-01T01:30:00Z
        one_minute = 60_000

        assert found(text, now_ms=half_past_one) == []
        assert found(text, now_ms=half_past_one + one_minute) == [
            ("error", "SCHEDULING_CONFIG", "startTime", "range")
        ]
        assert found(text, now_ms=half_past_one - 366 * 24 * 60 * one_minute) == [
            ("error", "SCHEDULING_CONFIG", "startTime", "range")
        ]

    def test_maintenance_window_list_names_sections(self):
        text = schedule_ini(self.window, maintenanceWindowList="Monday")

        assert configuration_of(text).job.scheduling == Scheduling(
            maintenance_windows=(
                MaintenanceWindow(start_time="cron(0 2 ? * MON *)", duration_minutes=60),
            )
        )
        assert found(schedule_ini(maintenanceWindowList="Monday")) == [
            ("error", "SCHEDULING_CONFIG", "maintenanceWindowList", "missing-section")
        ]

    def test_maintenance_windows_are_for_continuous_jobs(self):
        text = schedule_ini(self.window, selection="SNAPSHOT", maintenanceWindowList="Monday")

        assert found(text) == [("error", "SCHEDULING_CONFIG", "maintenanceWindowList", "requires")]

    def test_window_start_time_is_a_cron_expression_of_six_fields(self):
        window = self.window.replace("cron(0 2 ? * MON *)", "cron(0 2 * * *)")

        assert found(schedule_ini(window, maintenanceWindowList="Monday")) == [
            ("error", "MAINTENANCE_WINDOW_Monday", "startTime", "form")
        ]

    @pytest.mark.parametrize(
        ("cron", "keys", "opens"),
        [
            ("0 2 30 2 ? *", {}, False),
            ("0 2 ? * MON 2026", {}, False),
            ("0 2 29 2 ? *", {}, True),  # 2028 is a leap year
            ("0 2 1 4 ? *", {}, True),
            ("0 2 1 4 ? *", {"endTime": "2027-04-01 01:59"}, False),
            ("0 2 1 4 ? *", {"endTime": "2027-04-01 02:00"}, False),  # the rollout is over
            ("0 2 1 4 ? *", {"endTime": "2027-04-01 02:01"}, True),
            ("0 2 2 3 ? *", {"startTime": "2027-03-03 02:00"}, True),  # a year later
            ("0 2 2 3 ? 2027", {"startTime": "2027-03-02 02:59"}, True),  # still open
            ("0 2 2 3 ? 2027", {"startTime": "2027-03-02 03:00"}, False),
            ("0 2 2 3 ? 2027", {"startTime": "2027-03-03 02:00"}, False),
        ],
    )
    def test_a_window_that_never_opens_is_refused(
        self, cron: str, keys: dict[str, str], *, opens: bool
    ):
        window = self.window.replace("0 2 ? * MON *", cron)
        text = schedule_ini(window, maintenanceWindowList="Monday", **keys)
        first_of_march = 1803859200000  # 2027-03-01T00:00:00Z
        refusal = [("error", "MAINTENANCE_WINDOW_Monday", "startTime", "never")]

        assert found(text, now_ms=first_of_march) == ([] if opens else refusal)

    def test_an_end_that_is_over_is_said_once_not_for_each_window(self):
        text = schedule_ini(self.window, maintenanceWindowList="Monday", endTime="2027-02-01 02:00")

        assert found(text, now_ms=1803859200000) == [
            ("error", "SCHEDULING_CONFIG", "endTime", "range")
        ]

    @pytest.mark.parametrize(
        ("key", "moment"),
        [
            ("startTime", "9999-12-31 23:59"),
            ("endTime", "9999-12-31 23:59"),
            ("endTime", "0001-01-01 00:00"),
        ],
    )
    @pytest.mark.parametrize("cron", ["0 2 ? * MON *", "0 2 30 2 ? *"])
    def test_the_first_and_last_moments_there_are_are_mistakes_like_others(
        self, key: str, moment: str, cron: str
    ):
        window = self.window.replace("0 2 ? * MON *", cron)
        text = schedule_ini(window, maintenanceWindowList="Monday", **{key: moment})

        assert ("error", "SCHEDULING_CONFIG", key, "range") in found(text, now_ms=1803859200000)

    @pytest.mark.parametrize("minutes", ["0", "1431"])
    def test_window_duration_in_minutes_is_less_than_a_day(self, minutes: str):
        window = self.window.replace("= 60", f"= {minutes}")

        assert found(schedule_ini(window, maintenanceWindowList="Monday")) == [
            ("error", "MAINTENANCE_WINDOW_Monday", "durationInMinutes", "range")
        ]

    def test_an_empty_schedule_is_refused(self):
        assert found(schedule_ini()) == [("error", "SCHEDULING_CONFIG", "startTime", "requires")]

"""Deadlines of started executions."""

from otactl.rules.timeout import deadline_ms, is_over, is_overdue


def test_the_in_progress_timer_runs_from_the_start() -> None:
    assert deadline_ms(1_000, 2) == 121_000
    assert deadline_ms(1_000, None) is None


def test_the_earlier_of_the_two_timers_decides() -> None:
    assert deadline_ms(0, 10, step_started_at_ms=60_000, step_timeout_minutes=3) == 240_000
    assert deadline_ms(0, 3, step_started_at_ms=60_000, step_timeout_minutes=9) == 180_000
    assert deadline_ms(0, None, step_started_at_ms=5, step_timeout_minutes=1) == 60_005


def test_minus_one_discards_the_step_timer() -> None:
    assert deadline_ms(0, None, step_started_at_ms=0, step_timeout_minutes=-1) is None
    assert deadline_ms(0, 4, step_started_at_ms=0, step_timeout_minutes=-1) == 240_000


def test_a_report_at_the_deadline_is_in_time_and_the_service_may_be_a_minute_late() -> None:
    assert not is_over(100, 100)
    assert is_over(101, 100)
    assert not is_over(10**15, None)
    assert not is_overdue(60_100, 100)
    assert is_overdue(60_101, 100)

"""Reports are sent until answered, in step with the service's version, and never doubled."""

from __future__ import annotations

from itertools import count

import pytest

from otactl.device.effect import Effect, SendUpdate
from otactl.device.event import UpdateRejected
from otactl.device.job import Job
from otactl.device.report import Report
from otactl.device.reporter import Reporter, Verdict
from otactl.device.retry import RetryTimer
from otactl.model.status import ExecutionStatus

JOB = Job(job_id="j", execution_number=2, version_number=5)
DONE = Report(ExecutionStatus.SUCCEEDED, {"sha256": "ab"})


def _progress(blocks: int) -> Report:
    return Report(ExecutionStatus.IN_PROGRESS, {"receivedBlocks": str(blocks)})


def _reporter(pace_ms: int = 1000) -> Reporter:
    numbers = count(1)
    reporter = Reporter(RetryTimer(1000, 60_000, 0), lambda: f"t{next(numbers)}", pace_ms)
    reporter.begin(JOB, 0)
    return reporter


def _sent(effects: list[Effect]) -> SendUpdate:
    (update,) = effects
    assert isinstance(update, SendUpdate)
    return update


def _rejected(
    token: str, code: str, status: ExecutionStatus | None = None, version: int | None = None
) -> UpdateRejected:
    return UpdateRejected(token, code, status, version)


def test_progress_keeps_its_pace_and_the_latest_wins() -> None:
    reporter = _reporter()
    reporter.report(_progress(1))
    assert reporter.send_due(10) == []
    assert reporter.next_deadline_ms == 1000
    reporter.report(_progress(2))

    update = _sent(reporter.send_due(1000))

    assert update.report == _progress(2)
    assert (update.expected_version, update.execution_number) == (5, 2)


def test_the_final_report_waits_for_no_pace() -> None:
    reporter = _reporter()
    reporter.report(_progress(1))
    reporter.report(DONE)

    assert _sent(reporter.send_due(10)).report == DONE


def test_the_version_rises_with_every_accepted_report() -> None:
    reporter = _reporter(pace_ms=0)
    reporter.report(_progress(1))
    assert reporter.accepted(_sent(reporter.send_due(0)).token) is Verdict.OPEN
    reporter.report(DONE)
    update = _sent(reporter.send_due(0))

    assert update.expected_version == 6
    assert reporter.accepted(update.token) is Verdict.DELIVERED
    assert reporter.next_deadline_ms is None


def test_an_unanswered_final_report_is_sent_again_unchanged() -> None:
    reporter = _reporter()
    reporter.report(DONE)
    first = _sent(reporter.send_due(0))
    assert reporter.send_due(999) == []

    assert _sent(reporter.send_due(1000)) == first
    assert _sent(reporter.send_due(3000)) == first
    assert reporter.accepted(first.token) is Verdict.DELIVERED


def test_unanswered_progress_gives_way_to_what_came_after_it() -> None:
    reporter = _reporter(pace_ms=0)
    reporter.report(_progress(1))
    first = _sent(reporter.send_due(0))
    reporter.report(_progress(9))

    second = _sent(reporter.send_due(1000))

    assert second.report == _progress(9)
    assert second.token != first.token
    assert reporter.accepted(first.token) is Verdict.OPEN


def test_only_one_report_is_under_way() -> None:
    reporter = _reporter(pace_ms=0)
    reporter.report(_progress(1))
    _sent(reporter.send_due(0))
    reporter.report(DONE)

    assert reporter.send_due(500) == []


def test_a_version_mismatch_is_resynchronised_at_once() -> None:
    reporter = _reporter()
    reporter.report(DONE)
    first = _sent(reporter.send_due(0))

    verdict = reporter.rejected(
        _rejected(first.token, "VersionMismatch", ExecutionStatus.IN_PROGRESS, 8), 10
    )

    assert verdict is Verdict.OPEN
    second = _sent(reporter.send_due(10))
    assert second.expected_version == 8
    # The first one's refusal may arrive twice; it says nothing about the second.
    assert second.token != first.token
    stale = _rejected(first.token, "VersionMismatch", ExecutionStatus.IN_PROGRESS, 8)
    assert reporter.rejected(stale, 20) is Verdict.OPEN
    assert reporter.send_due(20) == []


def test_a_mismatch_that_teaches_nothing_makes_the_device_ask() -> None:
    reporter = _reporter()
    reporter.report(DONE)
    update = _sent(reporter.send_due(0))

    assert reporter.rejected(_rejected(update.token, "VersionMismatch"), 10) is Verdict.UNSURE
    assert reporter.send_due(11) == []

    reporter.synchronise(9)
    assert reporter.next_deadline_ms is not None
    assert _sent(reporter.send_due(reporter.next_deadline_ms)).expected_version == 9


def test_a_job_made_anew_under_the_same_id_is_not_ours() -> None:
    reporter = _reporter()
    reporter.report(DONE)
    update = _sent(reporter.send_due(0))

    answer = _rejected(update.token, "VersionMismatch", ExecutionStatus.QUEUED, 1)

    assert reporter.rejected(answer, 10) is Verdict.GONE
    assert reporter.send_due(10**6) == []


@pytest.mark.parametrize("code", ["InvalidStateTransition", "TerminalStateReached"])
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (ExecutionStatus.SUCCEEDED, Verdict.DELIVERED),
        (ExecutionStatus.TIMED_OUT, Verdict.GONE),
        (None, Verdict.GONE),
    ],
)
def test_the_execution_has_ended_by_our_report_or_otherwise(
    code: str, status: ExecutionStatus | None, verdict: Verdict
) -> None:
    reporter = _reporter()
    reporter.report(DONE)
    update = _sent(reporter.send_due(0))

    assert reporter.rejected(_rejected(update.token, code, status, 7), 10) is verdict


def test_an_end_that_follows_a_repeated_report_is_its_own_doing() -> None:
    # The service said no more than that it is over; the first transmission must have counted.
    reporter = _reporter()
    reporter.report(DONE)
    _sent(reporter.send_due(0))
    reporter.suspend()
    update = _sent(reporter.send_due(100))

    answer = _rejected(update.token, "TerminalStateReached")

    assert reporter.rejected(answer, 200) is Verdict.DELIVERED


def test_a_deleted_job_is_gone_however_often_it_was_told() -> None:
    reporter = _reporter()
    reporter.report(DONE)
    _sent(reporter.send_due(0))
    update = _sent(reporter.send_due(1000))

    assert reporter.rejected(_rejected(update.token, "ResourceNotFound"), 1100) is Verdict.GONE


def test_a_busy_service_is_asked_later() -> None:
    reporter = _reporter()
    reporter.report(DONE)
    update = _sent(reporter.send_due(0))

    assert reporter.rejected(_rejected(update.token, "RequestThrottled"), 10) is Verdict.OPEN
    assert reporter.send_due(1000) == []
    assert _sent(reporter.send_due(2010)) == update


def test_a_report_the_service_cannot_read_is_sent_without_details() -> None:
    reporter = _reporter()
    reporter.report(DONE)
    update = _sent(reporter.send_due(0))

    reporter.rejected(_rejected(update.token, "InvalidRequest"), 10)

    assert _sent(reporter.send_due(2010)).report == Report(ExecutionStatus.SUCCEEDED)


def test_a_lost_connection_keeps_the_final_report_and_nothing_older() -> None:
    reporter = _reporter(pace_ms=0)
    reporter.report(_progress(1))
    _sent(reporter.send_due(0))
    reporter.report(DONE)
    reporter.suspend()

    assert _sent(reporter.send_due(10)).report == DONE
    assert reporter.has_sent_final

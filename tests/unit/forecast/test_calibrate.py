"""Calibration recovers what made the executions, within the intervals it gives."""

from __future__ import annotations

import json

import pytest
from tests.support.forecasting import records

from otactl.errors import UserMistake
from otactl.forecast.calibrate.fit import fit, quantile_estimate, share
from otactl.forecast.calibrate.profile_text import profile_text
from otactl.forecast.calibrate.record import ExecutionRecord, PastDeployment, parse_report
from otactl.forecast.profile import FleetProfile, Group, parse_profile
from otactl.model.job_configuration import JobConfiguration, RetryCriterion
from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus, FailureType
from otactl.views.snapshot_fields import execution_fields

S = ExecutionStatus
IMAGE_BYTES = 1_000_000
TRUTH = Group(
    online=0.8,
    never=0.03,
    start_delay_seconds={"low": 1, "high": 30},
    check_in_seconds={"low": 600, "high": 7200},
    bandwidth_bytes_per_second={"median": 80_000, "p5": 20_000},
    install_seconds={"mean": 40},
    reboot_seconds={"low": 0, "high": 0},
    failure_rate=0.08,
    rejection_rate=0.03,
    silence_rate=0.02,
    repeat_failure_rate=0.6,
)
JOB = JobConfiguration(
    in_progress_timeout_minutes=600,
    retry_criteria=(RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=2),),
)
#: What each key of the profile really is.
TRUE_VALUES = {
    "online": 0.8,
    "never": 0.03,
    "failure_rate": 0.08,
    "rejection_rate": 0.03,
    "silence_rate": 0.02,
    "repeat_failure_rate": 0.6,
    "start_delay_seconds.median": 15.5,
    "check_in_seconds.median": 3900,
    "bandwidth_bytes_per_second.median": 80_000,
    "install_seconds.median": TRUTH.install_seconds.quantile(0.5),
    "install_seconds.p95": TRUTH.install_seconds.quantile(0.95),
}


def past(seed: int, things: int = 1500) -> PastDeployment:
    profile = FleetProfile(group=(TRUTH,))
    executions = records(JOB, profile, things, seed=seed, image_bytes=IMAGE_BYTES)
    return PastDeployment(executions=executions, image_bytes=IMAGE_BYTES)


def test_every_rate_is_recovered_within_its_confidence_interval() -> None:
    trials = 60
    held = dict.fromkeys(TRUE_VALUES, 0)
    for seed in range(trials):
        estimates = fit(past(seed)).estimates
        for name, true in TRUE_VALUES.items():
            held[name] += estimates[name].low <= true <= estimates[name].high
    # 95% intervals: of 60 trials 57 are expected, and fewer than 52 come once in 400.
    assert min(held.values()) >= 52, held


def test_a_forecast_with_the_fitted_profile_is_one_of_the_same_fleet() -> None:
    fitted = fit(past(1, things=20_000)).profile.group[0]
    assert fitted.failure_rate == pytest.approx(0.08, abs=0.01)
    for key in ("bandwidth_bytes_per_second", "install_seconds", "check_in_seconds"):
        for part in (0.1, 0.5, 0.9):
            true = getattr(TRUTH, key).quantile(part)
            assert getattr(fitted, key).quantile(part) == pytest.approx(true, rel=0.15)


def test_the_written_profile_reads_back_as_what_was_fitted() -> None:
    found = fit(past(3))
    text = profile_text(found, source="a test")
    again = parse_profile(text, file_name="profile.toml").group[0]
    fitted = found.profile.group[0]
    assert again.failure_rate == pytest.approx(fitted.failure_rate, rel=1e-4)
    assert again.bandwidth_bytes_per_second.quantile(0.5) == pytest.approx(
        fitted.bandwidth_bytes_per_second.quantile(0.5), rel=1e-3
    )
    assert "95% confidence" in text


def test_shares_have_intervals_even_when_nothing_or_everything_was_seen() -> None:
    none, every = share(0, 50), share(50, 50)
    assert none is not None
    assert every is not None
    assert (none.value, none.low) == (0, 0)
    assert 0.05 < none.high < 0.1
    assert (every.value, every.high) == (1, 1)
    assert share(0, 0) is None
    assert quantile_estimate([], 0.5) is None


def test_what_is_not_known_is_assumed_and_said() -> None:
    lone = ExecutionRecord(thing_name="a", status=S.SUCCEEDED, queued_at_ms=0, started_at_ms=1000)
    found = fit(PastDeployment(executions=(lone,)))
    assert any("--image-bytes" in note for note in found.notes)
    assert found.profile.group[0].bandwidth_bytes_per_second == Group().bandwidth_bytes_per_second


def test_an_abort_s_canceled_executions_tell_who_was_away() -> None:
    def canceled(after_ms: int) -> ExecutionRecord:
        return ExecutionRecord(
            thing_name=f"t{after_ms}", status=S.CANCELED, queued_at_ms=0, updated_at_ms=after_ms
        )

    prompt = ExecutionRecord(
        thing_name="p", status=S.SUCCEEDED, queued_at_ms=0, started_at_ms=1000, updated_at_ms=9000
    )
    # Cancelled ten seconds after it was queued says nothing; after ten minutes it was away.
    found = fit(PastDeployment(executions=(prompt, canceled(10_000), canceled(600_000))))
    assert found.estimates["online"].value == pytest.approx(0.5)


def test_a_report_is_read_and_what_is_wrong_with_it_is_said() -> None:
    fields = {
        "imageBytes": 5,
        "executions": [
            {"thing": "a", "status": "FAILED", "queuedAt": 7, "startedAt": None, "more": 1}
        ],
    }
    found = parse_report(json.dumps(fields), file_name="r.json")
    assert found.image_bytes == 5
    assert found.executions[0].status is S.FAILED
    for text, words in [
        ("nonsense", "not JSON"),
        ("{}", "no list of executions"),
        ('{"executions": [3]}', "executions[0] is not an object"),
        ('[{"thing": "a", "status": "LOST", "queuedAt": 1}]', "executions[0]"),
        ('[{"thing": "a", "status": "FAILED", "queuedAt": "noon"}]', "epoch milliseconds"),
        (
            '[{"thing": "a", "status": "FAILED", "queuedAt": 1, "executionNumber": 0}]',
            "must be 1 to",
        ),
    ]:
        with pytest.raises(UserMistake) as refused:
            parse_report(text, file_name="r.json")
        assert words in str(refused.value)


def test_a_report_of_otactl_is_what_is_read() -> None:
    outcome = ThingOutcome(
        thing_name="a",
        status=S.FAILED,
        execution_number=2,
        queued_at_ms=5,
        started_at_ms=10,
        updated_at_ms=99,
        status_details={"downloadTime": "1.5"},
    )
    fields = execution_fields(outcome) | {"round": 3}
    report = {"executions": [fields, fields | {"queuedAt": None}], "running": True}
    found = parse_report(json.dumps(report), file_name="r.json")
    assert found.executions == (
        ExecutionRecord(
            round=3,
            thing_name="a",
            status=S.FAILED,
            execution_number=2,
            queued_at_ms=5,
            started_at_ms=10,
            updated_at_ms=99,
            status_details={"downloadTime": "1.5"},
        ),
    )
    assert len(fit(found).notes) > 2


def test_rounds_are_deployments_of_their_own() -> None:
    def attempt(number: int, status: ExecutionStatus) -> ExecutionRecord:
        return ExecutionRecord(
            round=number, thing_name="a", status=status, queued_at_ms=0, started_at_ms=1
        )

    # The failure of one round and the success of the next are no retry.
    found = fit(PastDeployment(executions=(attempt(1, S.FAILED), attempt(2, S.SUCCEEDED))))
    assert "repeat_failure_rate" not in found.estimates


def test_an_empty_report_fits_nothing() -> None:
    with pytest.raises(UserMistake, match="no executions"):
        fit(PastDeployment(executions=()))


def test_agents_that_report_no_download_time_are_fitted_by_the_whole_execution() -> None:
    def record(name: str, seconds: int) -> ExecutionRecord:
        return ExecutionRecord(
            thing_name=name,
            status=S.SUCCEEDED,
            queued_at_ms=0,
            started_at_ms=1_000,
            updated_at_ms=1_000 + seconds * 1_000,
            status_details={"reason": "accepted", "updatedBy": "  v1.0.0"},
        )

    executions = tuple(record(f"t{number}", 10 + number) for number in range(20))
    found = fit(PastDeployment(executions=executions, image_bytes=IMAGE_BYTES))

    (group,) = found.profile.group
    assert group.bandwidth_bytes_per_second.quantile(1.0) == pytest.approx(IMAGE_BYTES / 10, 0.01)
    assert group.install_seconds.quantile(1.0) == 0
    assert any("20 devices report no downloadTime" in note for note in found.notes)


def execution(status: S = S.SUCCEEDED, **details: str) -> dict[str, object]:
    return {
        "thing": "thing-1",
        "status": status.value,
        "queuedAt": 1_000,
        "startedAt": 2_000,
        "lastUpdatedAt": 62_000,
        "statusDetails": details,
    }


@pytest.mark.parametrize("seconds", ["1e-9", "1e9"])
def test_a_download_time_that_no_profile_can_hold_is_left_out_and_said(seconds: str) -> None:
    listed = [execution(downloadTime="10"), execution(downloadTime=seconds)]
    report = json.dumps({"imageBytes": 100_000, "executions": listed})
    found = fit(parse_report(report, file_name="r.json"))
    assert found.profile.group[0].bandwidth_bytes_per_second.constant == 10_000
    assert "1 download times are implausible and left out" in found.notes


def test_a_written_profile_of_a_fleet_that_never_succeeded_can_be_read() -> None:
    listed = [execution(S.FAILED)] * 4 + [execution(S.REJECTED), execution(S.TIMED_OUT)]
    report = json.dumps({"imageBytes": 100_000, "executions": listed})
    text = profile_text(fit(parse_report(report, file_name="r.json")), source="six executions")
    group = parse_profile(text).group[0]
    assert group.failure_rate == pytest.approx(2 / 3)
    assert group.failure_rate + group.rejection_rate + group.silence_rate <= 1

"""What a live check observed stands beside what is assumed, differences and gaps marked."""

from __future__ import annotations

import io

from rich.console import Console

from otactl.operations.live_check.delivery import Delivery
from otactl.operations.live_check.points import Point, not_observed, observation
from otactl.operations.live_check.run import LiveReport
from otactl.views.diagnosis_table import print_live_report

REPORT = LiveReport(
    region="us-east-1",
    deliveries=(
        Delivery(size_bytes=4096, way="stream", is_verified=True, detail="verified, 0.1 s"),
        Delivery(size_bytes=204800, way="URL", is_verified=False, detail="FAILED: no\x1b[2J"),
    ),
    observations=(
        observation(Point.RETRY_DELAY, "0.4 s", agrees=True),
        observation(Point.MISSING_OBJECT, "accepted s3://fw-1/x of 123456789012", agrees=False),
        not_observed(Point.ABORT_REASON, "the budget"),
    ),
    failure="iot:CreateJob would exceed 150 API calls in all",
    calls={"iot:CreateJob": 4, "s3:PutObject": 3},
    seconds=12.3,
    left=("job/x: AWS is still deleting it",),
    private={"ACCOUNT": "123456789012", "BUCKET": "fw-1"},
)


def printed(report: LiveReport) -> list[str]:
    file = io.StringIO()
    print_live_report(Console(file=file, width=200, color_system=None), report)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_agreement_difference_and_gap_are_told_apart() -> None:
    lines = printed(REPORT)

    assert lines[:2] == [
        "\u2713 4 KiB by stream: verified, 0.1 s",
        "\u2717 200 KiB by URL: FAILED: no\ufffd[2J",
    ]
    rows = {line.split()[2]: line.split()[0] for line in lines[3:6]}
    assert rows == {"retry-delay": "\u2713", "missing-object": "!", "abort-reason": "?"}
    assert "refused, 404" in lines[4]
    assert lines[4].endswith("accepted s3://fw-1/x of 123456789012")
    assert lines[5].endswith("not observed: the budget")
    assert lines[-2:] == [
        "ended early: iot:CreateJob would exceed 150 API calls in all",
        "7 API calls, 12 s; not all was removed",
    ]


def test_what_is_sent_in_has_every_observation_and_no_account() -> None:
    fields = REPORT.to_fields()

    assert [each["agrees"] for each in fields["observations"]] == [True, False, None]
    assert fields["observations"][1] == {
        "point": "N6 missing-object",
        "question": "CreateStream on an object that is not there",
        "assumed": "refused, 404",
        "observed": "accepted s3://BUCKET/x of ACCOUNT",
        "agrees": False,
    }
    assert fields["left"] == ["job/x: AWS is still deleting it"]
    assert not REPORT.is_success

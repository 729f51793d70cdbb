"""What stands on the terminal when a deployment is over."""

from __future__ import annotations

import io

from rich.console import Console

from otactl.model.outcome import DeploymentResult, DownloadSeconds, RoundResult, ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.views.result_table import print_result

S = ExecutionStatus


def printed(*outcomes: ThingOutcome, **counts: int) -> str:
    written = io.StringIO()
    result = DeploymentResult(
        deployment_id="20261124T160005Z-ce1d9a",
        job_id="pilot",
        things=100,
        planned_rounds=1,
        rounds=(
            RoundResult(
                round=1,
                status="COMPLETED",
                counts={S[name]: count for name, count in counts.items()},
                duration_seconds=3671.2,
                download_seconds=DownloadSeconds(p50=12.87, p99=113.31, max=113.31),
                outcomes=outcomes,
            ),
        ),
        image_sha256="ab" * 32,
    )
    print_result(Console(file=written, width=80), result)
    return written.getvalue()


def test_four_statuses_fit_80_columns_whole():
    shown = printed(SUCCEEDED=70, FAILED=10, REJECTED=5, TIMED_OUT=15)

    assert "…" not in shown
    for words in ("COMPLETED", "succeeded", "rejected", "timed out", "3671.2 s", "113.31"):
        assert words in shown


def test_what_failed_alike_stands_together_by_name():
    shown = printed(
        ThingOutcome(thing_name="zoo", status=S.FAILED, status_details={"reason": "flash full"}),
        ThingOutcome(thing_name="bar", status=S.REJECTED, status_details={}),
        ThingOutcome(thing_name="ant", status=S.FAILED, status_details={"reason": "[red]x[/]"}),
        FAILED=2,
        REJECTED=1,
    )

    assert shown.index("ant") < shown.index("zoo") < shown.index("bar")
    assert "[red]x[/]" in shown  # what a device reports is text

"""What devices did, for people and for scripts."""

from __future__ import annotations

import io
import json

from rich.console import Console

from otactl.device.behaviour import Behaviour
from otactl.fleet import ThingResult
from otactl.model.status import ExecutionStatus
from otactl.views.fleet_table import MAX_ROWS, print_fleet, print_results, results_fields


def _result(number: int, status: ExecutionStatus | None, reason: str = "") -> ThingResult:
    return ThingResult(
        thing_name=f"t{number}",
        behaviour=Behaviour.SUCCEED,
        job_id="j",
        execution_number=1,
        status=status,
        reason=reason,
        sha256=None,
        download_ms=1250,
        received_blocks=10,
        retries=0,
    )


def _print(results: list[ThingResult]) -> str:
    written = io.StringIO()
    print_results(Console(file=written, width=100), results)
    return written.getvalue()


def test_endings_are_counted_and_what_failed_is_named() -> None:
    text = _print(
        [_result(1, ExecutionStatus.SUCCEEDED), _result(2, ExecutionStatus.FAILED, "[red]x")]
    )

    assert "t2" in text
    assert "[red]x" in text
    assert "t1" not in text


def test_a_large_failure_does_not_flood_the_terminal() -> None:
    text = _print([_result(n, ExecutionStatus.FAILED, "r") for n in range(1000)])

    assert len(text.splitlines()) < MAX_ROWS + 12
    assert f"and {1000 - MAX_ROWS} more" in text


def test_no_job_at_all_is_said() -> None:
    assert _print([]) == "no job reached a device\n"


def test_scripts_get_every_field() -> None:
    fields = results_fields(
        [_result(1, ExecutionStatus.SUCCEEDED), _result(2, None)], things=2, is_idle=True
    )

    assert json.loads(json.dumps(fields))["counts"] == {"SUCCEEDED": 1, "taken away": 1}
    assert [one["status"] for one in fields["results"]] == ["SUCCEEDED", None]
    assert fields["results"][0]["downloadSeconds"] == 1.25


def test_a_fleet_is_listed_with_what_it_runs() -> None:
    written = io.StringIO()
    rows = [
        {"thing": "a", "certificate": "arn", "runs": "0123456789abcdef" * 4},
        {"thing": "b", "certificate": None, "runs": None},
    ]
    print_fleet(Console(file=written, width=80), rows)

    lines = written.getvalue().splitlines()
    assert lines[1].split() == ["a", "yes", "0123456789abcdef0123"]
    assert lines[2].split() == ["b", "missing", "the", "factory", "image"]

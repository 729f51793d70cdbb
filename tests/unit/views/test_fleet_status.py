"""The line about a running fleet."""

from __future__ import annotations

import io
from collections import Counter

from rich.console import Console
from rich.text import Text

from otactl.device.state import Phase
from otactl.fleet import FleetProgress
from otactl.model.status import ExecutionStatus
from otactl.views.fleet_status import FleetStatus, describe


def _progress(
    finished: dict[ExecutionStatus | None, int] | None = None, faults: dict[str, str] | None = None
) -> FleetProgress:
    return FleetProgress(
        things=1000,
        connected=998,
        phases=Counter({Phase.IDLE: 900, Phase.DOWNLOADING: 90, Phase.REPORTING: 10}),
        finished=Counter(finished or {}),
        is_settled=False,
        faults=faults or {},
    )


def test_it_says_what_devices_do_and_how_executions_ended() -> None:
    line = describe(_progress({ExecutionStatus.SUCCEEDED: 5, None: 1, ExecutionStatus.FAILED: 2}))

    assert Text.from_markup(line).plain == (
        "998 of 1,000 devices connected · 90 downloading · 10 reporting · "
        "1 taken away, 2 failed, 5 succeeded"
    )


def test_faults_are_shown_as_text_never_as_markup() -> None:
    line = describe(_progress(faults={"a": "[bold]refused[/bold]", "b": "timeout"}))

    assert "2 cannot connect: [bold]refused[/bold]; timeout" in Text.from_markup(line).plain


def test_a_log_grows_with_what_happened_and_not_with_time() -> None:
    written = io.StringIO()
    with FleetStatus(Console(file=written, width=200)) as status:
        for _ in range(50):
            status.show(_progress())
        for _ in range(50):
            status.show(_progress({ExecutionStatus.SUCCEEDED: 1}))

    assert len(written.getvalue().splitlines()) == 2

"""The hops of ``otactl stack test``: what arrived, what did not, and where nobody is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from otactl.aws.stack_probe import Hop
from otactl.views.stack_status import print_hop


@pytest.mark.parametrize(
    ("hop", "mark"),
    [
        (Hop(name="metric -> alarm", arrived=True, detail="ALARM", seconds=2), "✓"),
        (Hop(name="metric -> alarm", arrived=False, detail="look there"), "✗"),
        # A tick would say that people were told.
        (Hop(name="SNS -> people", arrived=True, detail="nobody is there", is_empty=True), "-"),
    ],
)
def test_a_hop_is_marked_by_what_was_seen(hop: Hop, mark: str) -> None:
    out = io.StringIO()
    print_hop(Console(file=out, width=80, color_system=None), hop)

    assert out.getvalue().startswith(f"{mark} {hop.name}")
    assert hop.detail in out.getvalue()

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console
from tests.support.memory_queue import request_for

from otactl.jobqueue.request import Lease, MalformedRequest
from otactl.jobqueue.state import RequestState
from otactl.operations.queue.request_fields import iso
from otactl.views.request_table import field_lines, request_lines


def test_what_a_stranger_wrote_is_shown_as_it_is_and_not_taken_for_markup() -> None:
    malformed = MalformedRequest(
        order_key="\x1b[31mred", state=RequestState.PENDING, reason="[/] [red]no[/red]", item={}
    )
    screen = io.StringIO()

    Console(file=screen, width=200).print(
        request_lines([(request_for("a"), "correct [DEFAULT] [/nothing]"), (malformed, "")], 0)
    )

    shown = screen.getvalue()
    assert "correct [DEFAULT] [/nothing]" in shown
    assert "[/] [red]no[/red]" in shown
    assert "\x1b[31m" not in shown


def test_an_id_that_is_copied_is_never_folded_and_remarks_stand_below() -> None:
    screen = io.StringIO()

    Console(file=screen, width=20).print(
        request_lines([(request_for("a" * 40), "comes after another one")], 0), soft_wrap=True
    )

    _, request, remark = screen.getvalue().splitlines()
    assert request.split()[0] == request_for("a" * 40).job_id
    assert remark == "    comes after another one"


def test_a_request_is_told_with_its_image_its_age_and_who_has_it() -> None:
    lease = Lease(owner="build-7/12/abc", until_ms=0)
    request = replace(request_for("a"), lease=lease, image_version="2.7.1")
    assert request.added_ms is not None
    screen = io.StringIO()

    Console(file=screen, width=200).print(request_lines([(request, "")], request.added_ms + 90_000))

    heads, line = screen.getvalue().splitlines()
    assert heads.split() == ["request", "state", "targets", "image", "version", "age", "worker"]
    assert request.image.name in line
    assert line.rstrip().endswith("2.7.1    1 min 30 s  build-7/12/abc")


def test_nested_fields_stand_below_their_name_and_empty_ones_are_left_out() -> None:
    fields = {"after": ["a", "b"], "series": {"name": "s", "part": 2}, "owner": None, "things": 0}

    assert field_lines(fields) == [
        "after          a, b",
        "series",
        "    name  s",
        "    part  2",
        "things         0",
    ]


def test_times_are_utc_to_the_millisecond() -> None:
    assert iso(1_795_000_000_123) == "2026-11-18T11:06:40.123Z"
    assert iso(None) is None

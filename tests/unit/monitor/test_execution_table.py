from __future__ import annotations

from dataclasses import replace

import pytest

from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.monitor.execution_table import ExecutionTable
from otactl.monitor.kept_details import KEPT_CHARACTERS, KEPT_DETAILS
from otactl.monitor.table_query import SortBy, TableQuery, select

S = ExecutionStatus


def an_outcome(name="t1", status=S.IN_PROGRESS, number=1, at_ms=1000, **details):
    return ThingOutcome(
        thing_name=name,
        status=status,
        execution_number=number,
        updated_at_ms=at_ms,
        status_details=details,
    )


def test_a_status_never_goes_back():
    table = ExecutionTable()
    table.put(an_outcome(status=S.SUCCEEDED, at_ms=2000), 1)

    assert table.put(an_outcome(status=S.IN_PROGRESS, at_ms=3000), 2) is None
    assert table.get("t1").status is S.SUCCEEDED
    assert table.things == {S.SUCCEEDED: 1}


def test_a_later_attempt_takes_the_place_and_the_earlier_one_still_counts():
    table = ExecutionTable()
    table.put(an_outcome(status=S.FAILED, downloadTime="9"), 1)
    table.put(an_outcome(status=S.SUCCEEDED, number=2, downloadTime="4"), 2)

    assert table.get("t1").status is S.SUCCEEDED
    assert (table.executions(S.FAILED), table.executions(S.SUCCEEDED)) == (1, 1)
    assert dict(table.things) == {S.FAILED: 0, S.SUCCEEDED: 1}
    assert table.downloads() == [4.0]


def test_an_earlier_attempt_told_late_counts_once_however_often_it_is_told():
    table = ExecutionTable()
    table.put(an_outcome(status=S.SUCCEEDED, number=3), 1)
    for _ in range(3):
        table.put(an_outcome(status=S.FAILED, number=1), 2)

    assert table.executions(S.FAILED) == 1
    assert len(table) == 1


def test_an_event_may_be_of_a_later_attempt_than_the_one_that_is_known():
    """The events of the attempts in between were lost, and AWS's events carry no number."""
    table = ExecutionTable()
    table.put(an_outcome(status=S.QUEUED, number=2, at_ms=3000), 1)
    table.put(an_outcome(status=S.SUCCEEDED, at_ms=9000), 2, numbered=False)
    for number, status, at_ms in (
        (1, S.FAILED, 3000),
        (2, S.FAILED, 6000),
        (3, S.SUCCEEDED, 9040),
    ):
        table.put(an_outcome(status=status, number=number, at_ms=at_ms), 3)

    assert (table.executions(S.FAILED), table.executions(S.SUCCEEDED)) == (2, 1)
    assert table.get("t1").execution_number == 3


def test_a_page_without_details_does_not_wipe_what_is_known():
    table = ExecutionTable()
    table.put(an_outcome(status=S.FAILED, reason="flash full"), 1, complete=True)
    table.put(an_outcome(status=S.FAILED), 2)

    assert table.get("t1").reason == "flash full"
    assert list(table.undetailed()) == []


def test_a_failure_from_a_page_waits_for_its_reason():
    table = ExecutionTable()
    table.put(an_outcome(status=S.FAILED), 1)
    assert list(table.undetailed()) == ["t1"]

    table.put(an_outcome(status=S.FAILED, reason="flash full"), 2, complete=True)
    assert list(table.undetailed()) == []


def test_what_a_device_reports_is_cut_to_what_aws_takes():
    table = ExecutionTable()
    details = {f"key{number}": "x" * 5000 for number in range(20)}
    table.put(an_outcome(status=S.FAILED, **details), 1)

    kept = table.get("t1").status_details
    assert len(kept) == 10
    assert all(len(text) == 1024 for text in kept.values())


@pytest.mark.parametrize("text", ["nan", "inf", "-3", "much", "1e308", "1e400", ""])
def test_a_download_time_that_is_no_time_does_not_count(text):
    table = ExecutionTable()
    table.put(an_outcome(status=S.SUCCEEDED, downloadTime=text), 1)
    assert table.downloads() == []


def test_details_are_bounded_and_those_of_failures_stay():
    table = ExecutionTable()
    for number in range(KEPT_DETAILS):
        table.put(an_outcome(f"good{number}", S.SUCCEEDED, downloadTime="1"), 1)
    table.put(an_outcome("late", S.SUCCEEDED, downloadTime="1"), 1)
    table.put(an_outcome("bad", S.FAILED, reason="flash full"), 1)

    assert table.get("bad").reason == "flash full"
    assert table.get("late").status_details == {}
    assert len(table.downloads()) == KEPT_DETAILS + 1


def test_details_as_long_as_aws_takes_are_bounded_too():
    table = ExecutionTable()
    longest = {f"key{number}": "x" * 1024 for number in range(10)}
    for number in range(3000):
        table.put(an_outcome(f"bad{number}", S.FAILED, **longest), 1)

    kept = [table.get(f"bad{number}").status_details for number in range(3000)]
    lengths = [sum(len(key) + len(text) for key, text in each.items()) for each in kept]
    assert lengths[-1] > 10_000
    assert lengths[0] == 0
    assert KEPT_CHARACTERS * 0.9 < sum(lengths) <= KEPT_CHARACTERS


def test_details_that_change_do_not_fill_the_room():
    table = ExecutionTable()
    for number in range(4000):
        table.put(an_outcome("t1", at_ms=number, step=f"{number:01000}"), number)
    table.put(an_outcome("t2", S.SUCCEEDED, step="x" * 1000), 5000)

    assert table.get("t2").status_details == {"step": "x" * 1000}


def test_a_deleted_execution_is_gone():
    table = ExecutionTable()
    table.put(an_outcome(status=S.FAILED, reason="x"), 1)
    table.remove("t1")

    assert table.get("t1") is None
    assert select(table, TableQuery()).total == 0
    assert table.executions(S.FAILED) == 0


def a_table():
    table = ExecutionTable()
    for number in range(25):
        status = S.FAILED if number % 5 == 0 else S.SUCCEEDED
        details = {"reason": "Flash full"} if status is S.FAILED else {}
        table.put(
            an_outcome(f"t{number:02}", status, at_ms=1000 + 10 * (25 - number), **details), 1
        )
    return table


def test_a_page_holds_the_things_of_a_status_in_order():
    page = select(a_table(), TableQuery(statuses=frozenset({S.FAILED}), offset=2, limit=2))
    assert page.total == 5
    assert [one.thing_name for one in page.things] == ["t10", "t15"]


def test_search_finds_names_and_reasons_whatever_the_case():
    assert select(a_table(), TableQuery(search="FLASH")).total == 5
    assert select(a_table(), TableQuery(search="T07")).total == 1
    assert select(a_table(), TableQuery(search="nothing")).total == 0


def test_things_are_sorted_by_time_too():
    newest = select(a_table(), TableQuery(sort=SortBy.UPDATED, descending=True, limit=1))
    assert newest.things[0].thing_name == "t00"


def test_a_page_beyond_the_end_is_empty():
    page = select(a_table(), TableQuery(offset=1000))
    assert (page.things, page.total) == ((), 25)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", list(SortBy))
def test_the_pages_put_together_are_the_whole_in_order(sort, descending):
    table = ExecutionTable()
    for number in (each * 211 % 500 for each in range(500)):
        status = S.FAILED if number % 5 == 0 else S.SUCCEEDED
        table.put(an_outcome(f"t{number:03}", status, at_ms=1000 + number % 50), 1)

    found = []
    for offset in range(0, 500, 7):
        query = TableQuery(sort=sort, descending=descending, offset=offset, limit=7)
        found += select(table, query).things

    keys = {
        SortBy.THING: lambda one: one.thing_name,
        SortBy.STATUS: lambda one: (list(S).index(one.status), one.thing_name),
        SortBy.UPDATED: lambda one: one.updated_at_ms,
    }
    assert len({one.thing_name for one in found}) == 500
    in_order = sorted(found, key=keys[sort], reverse=descending)
    assert [keys[sort](one) for one in found] == [keys[sort](one) for one in in_order]


def test_the_download_of_an_agent_is_timed_by_its_report_and_not_by_its_end():
    table = ExecutionTable()
    ready = {"self_test": "ready", "updatedBy": "0x01000000"}
    done = {"reason": "accepted", "updatedBy": "  v1.0.0"}

    table.put(replace(an_outcome(at_ms=31_000, **ready), started_at_ms=1_000), 1)
    table.put(replace(an_outcome(status=S.SUCCEEDED, at_ms=61_000, **done), started_at_ms=1_000), 2)
    # Of this one only the end was seen.
    table.put(replace(an_outcome("t2", S.SUCCEEDED, at_ms=61_000, **done), started_at_ms=1_000), 2)

    assert table.downloads() == [30.0, 60.0]


def test_a_removed_thing_counts_no_more_also_when_its_next_execution_has_come():
    """The job of the next round has the id of the one that was deleted."""
    table = ExecutionTable()
    for name in ("t1", "t2"):
        table.put(an_outcome(name, status=S.SUCCEEDED), 1)
        table.remove(name)
    table.put(an_outcome("t1", status=S.SUCCEEDED), 2)

    assert len(table) == 1
    assert [one.thing_name for one in table.outcomes()] == ["t1"]


@pytest.mark.parametrize("known", [True, False])
def test_an_execution_that_was_counted_before_it_was_listed_counts_once(known):
    table = ExecutionTable()
    if known:
        table.put(an_outcome(), 1)
    table.assume(S.FAILED, 1, at_ms=5000)
    assert table.executions(S.FAILED) == 1

    table.put(an_outcome(status=S.FAILED, at_ms=4000), 6000)
    assert table.executions(S.FAILED) == 1

    table.put(an_outcome("t2", status=S.FAILED, at_ms=6000), 6000)
    assert table.executions(S.FAILED) == 2

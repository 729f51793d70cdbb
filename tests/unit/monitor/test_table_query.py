"""Which things a search finds."""

from __future__ import annotations

from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.monitor.execution_table import ExecutionTable
from otactl.monitor.failure_groups import group_reason
from otactl.monitor.kept_details import KEPT_DETAILS
from otactl.monitor.table_query import TableQuery, select


def test_the_reason_of_a_group_finds_its_things_also_if_the_device_wrote_several_blanks():
    failed = ThingOutcome(
        thing_name="thing-1",
        status=ExecutionStatus.FAILED,
        status_details={"reason": " flash  full:\n no\tspace "},
    )
    table = ExecutionTable()
    table.put(failed, 1, complete=True)
    assert group_reason(failed) == "flash full: no space"
    assert select(table, TableQuery(search=group_reason(failed))).total == 1


def test_a_search_says_when_it_does_not_have_all_reasons():
    table = ExecutionTable()
    for number in range(KEPT_DETAILS + 1):
        failed = ThingOutcome(
            thing_name=f"thing-{number}",
            status=ExecutionStatus.FAILED,
            status_details={"reason": "flash full"},
        )
        if number == KEPT_DETAILS:
            assert not select(table, TableQuery(search="flash", limit=1)).lacks_reasons
        table.put(failed, 1, complete=True)
    found = select(table, TableQuery(search="flash", limit=1))
    assert (found.total, found.lacks_reasons) == (KEPT_DETAILS, True)
    assert not select(table, TableQuery(limit=1)).lacks_reasons

"""Which things a search finds."""

from __future__ import annotations

from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.monitor.execution_table import ExecutionTable
from otactl.monitor.failure_groups import group_reason
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

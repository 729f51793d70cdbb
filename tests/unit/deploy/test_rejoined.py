"""A thing that gets a CONTINUOUS job again counts once, by its last execution."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.unit.deploy.conftest import MemoryClock, MemoryJobs

from otactl.deploy.outcome_collector import collect_outcomes
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts
from otactl.model.status import ExecutionStatus

FAILED, SUCCEEDED = ExecutionStatus.FAILED, ExecutionStatus.SUCCEEDED
#: By thing, the status of each of its executions, the first one first.
RUNS = {
    "again": (SUCCEEDED, SUCCEEDED),
    "worse": (SUCCEEDED, FAILED),
    "better": (FAILED, SUCCEEDED),
    "both": (SUCCEEDED, FAILED, SUCCEEDED),
}


class Rejoined(MemoryJobs):
    """Lists several executions for each thing, the newest first or last."""

    newest_first = True

    def executions(self, job_id, status=None):
        found = [
            ThingOutcome(thing_name=name, status=each, execution_number=number)
            for name, runs in RUNS.items()
            for number, each in enumerate(runs, start=1)
            if status in (None, each)
        ]
        yield from reversed(found) if self.newest_first else found

    def execution(self, job_id, thing_name):
        runs = RUNS[thing_name]
        return ThingOutcome(thing_name=thing_name, status=runs[-1], execution_number=len(runs))


@pytest.mark.parametrize("newest_first", [True, False])
def test_each_thing_counts_once_by_its_last_execution(newest_first):
    jobs = Rejoined(MemoryClock())
    jobs.newest_first = newest_first
    counts = Counter(status for runs in RUNS.values() for status in runs)

    found = collect_outcomes(
        jobs,
        "job",
        JobCounts(counts),
        may_repeat=True,
        may_rejoin=True,
        detail_limit=10,
        on_progress=lambda _done, _of: None,
        keep=lambda _part: None,
    )

    assert found.counts == {SUCCEEDED: 3, FAILED: 1}
    assert sorted(one.thing_name for one in found.outcomes) == sorted(RUNS)

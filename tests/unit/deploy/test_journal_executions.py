"""The executions of a round outlive the job: they are in the journal, each once."""

from __future__ import annotations

from otactl.deploy.journal import Journal
from otactl.deploy.journal_file import connect_writing
from otactl.deploy.outcome_collector import collect_outcomes
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts
from otactl.model.status import ExecutionStatus

S = ExecutionStatus


class ListedJobs:
    """The executions of one job, and what each thing reported."""

    def __init__(self, executions, details):
        self._executions = executions
        self._details = details
        self.listed = []

    def executions(self, job_id, status=None):
        self.listed.append(status)
        return iter([one for one in self._executions if status in (None, one.status)])

    def execution(self, job_id, thing_name):
        last = [one for one in self._executions if one.thing_name == thing_name][-1]
        return ThingOutcome(
            thing_name=thing_name,
            status=last.status,
            execution_number=last.execution_number,
            status_details=self._details.get(thing_name, {}),
        )


def an_execution(name, status, number=1):
    return ThingOutcome(
        thing_name=name,
        status=status,
        execution_number=number,
        queued_at_ms=1000,
        started_at_ms=2000,
        updated_at_ms=3000 + number,
    )


def counts_of(executions):
    counts: dict[ExecutionStatus, int] = {}
    for one in executions:
        counts[one.status] = counts.get(one.status, 0) + 1
    return JobCounts(counts)


def collect(executions, details, keep, *, detail_limit=10):
    jobs = ListedJobs(executions, details)
    found = collect_outcomes(
        jobs,
        "job",
        counts_of(executions),
        may_repeat=True,
        detail_limit=detail_limit,
        on_progress=lambda _done, _of: None,
        keep=keep,
    )
    return jobs, found


def empty_journal(folder):
    path = folder / "j.sqlite"
    return Journal(path, *connect_writing(path))


def test_every_attempt_is_kept_and_details_come_to_it_later(tmp_path):
    executions = [
        *(an_execution(f"t{number:03}", S.SUCCEEDED) for number in range(600)),
        an_execution("mended", S.FAILED, 1),
        an_execution("mended", S.SUCCEEDED, 2),
        an_execution("broken", S.FAILED, 1),
        an_execution("broken", S.FAILED, 2),
    ]
    details = {"broken": {"reason": "flash full"}, "t000": {"downloadTime": "2"}}
    journal = empty_journal(tmp_path)

    jobs, found = collect(executions, details, lambda part: journal.enter_executions(1, part))

    kept = {(one.thing_name, one.execution_number): one for one in journal.executions(1)}
    assert kept.keys() == {(one.thing_name, one.execution_number) for one in executions}
    assert kept["broken", 2].status_details == {"reason": "flash full"}
    assert kept["broken", 2].queued_at_ms == 1000
    assert kept["t000", 1].status_details == {"downloadTime": "2"}
    assert jobs.listed == [S.FAILED, S.SUCCEEDED]
    assert found.counts == {S.SUCCEEDED: 601, S.FAILED: 1}
    assert found.outcomes[0].thing_name == "broken"
    journal.close()


def test_a_round_that_is_collected_again_after_a_crash_keeps_each_execution_once(tmp_path):
    executions = [an_execution(f"t{number}", S.SUCCEEDED) for number in range(3)]
    journal = empty_journal(tmp_path)
    for _ in range(2):
        collect(
            executions,
            {"t0": {"downloadTime": "2"}},
            lambda part: journal.enter_executions(1, part),
        )

    assert len(list(journal.executions(1))) == 3
    assert next(journal.executions(1)).status_details == {"downloadTime": "2"}
    assert list(journal.executions(2)) == []
    journal.close()


def test_a_journal_of_an_older_otactl_has_no_executions(tmp_path):
    journal = empty_journal(tmp_path)
    journal._database.write("DROP TABLE execution")

    assert list(journal.executions(1)) == []
    journal.close()

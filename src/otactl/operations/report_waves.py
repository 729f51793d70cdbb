"""What a report says of waves: each wave is a part of its own, with what its gate said.

The journal keeps a wave's executions from the end on; before that, and while a wave has things
that have not ended, its job is asked.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from otactl.deploy.journal import Journal, Phase, StepState
from otactl.deploy.ownership import owner
from otactl.deploy.step import CreateJob
from otactl.errors import OtactlError
from otactl.operations.report_content import ReportContent, RoundContent
from otactl.operations.report_source import as_of_journal, service_round

if TYPE_CHECKING:
    from otactl.aws.jobs import IotJobs


def open_wave_jobs(path: Path, content: ReportContent) -> dict[int, str]:
    """The jobs, by the number of their wave, that may say more than the journal."""
    settled = {each.round for each in content.rounds if each.is_settled}
    with closing(Journal.read(path)) as journal:
        if journal.phase is Phase.CLEANING:
            return {}
        return {
            step.round: step.job_id
            for step in journal.plan.steps
            if isinstance(step, CreateJob)
            and step.round not in settled
            and journal.state(step.key) not in (None, StepState.UNDONE)
        }


def with_wave_jobs(
    content: ReportContent, job_ids: dict[int, str], jobs: IotJobs, *, details: int
) -> ReportContent:
    """The same report with the waves that have not ended as AWS has them now.

    The jobs are from ``open_wave_jobs``; the details of N things of each are asked one by one.
    """
    rounds = {each.round: each for each in content.rounds}
    is_running = content.is_running
    try:
        for number, job_id in job_ids.items():
            job = jobs.describe(job_id)
            if job is None or owner(job.description) != content.deployment_id:
                continue
            found = service_round(jobs, job, number, details)
            rounds[number] = _merged(rounds.get(number), found)
            is_running = is_running or job.is_unfinished
    except OtactlError as error:
        return as_of_journal(content, f"AWS could not be asked: {error}")
    ordered = tuple(rounds[number] for number in sorted(rounds))
    return replace(content, rounds=ordered, is_running=is_running)


def _merged(known: RoundContent | None, found: RoundContent) -> RoundContent:
    """What the service says now, with the details that the journal has already."""
    if known is None:
        return found
    details = {
        (one.thing_name, one.execution_number): one.status_details for one in known.executions
    }
    executions = tuple(
        replace(
            one,
            status_details=one.status_details
            or details.get((one.thing_name, one.execution_number), {}),
        )
        for one in found.executions
    )
    reached = {one.thing_name for one in executions}
    missing = tuple(name for name in known.not_reached_things if name not in reached)
    return replace(
        found,
        executions=executions,
        not_reached=known.not_reached - len(known.not_reached_things) + len(missing),
        not_reached_things=missing,
        stopped=known.stopped,
    )

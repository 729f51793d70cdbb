"""Gathers the content of a report: from the journal if possible, else from the service.

After clean-up only the journal is left; it keeps every execution of every finished round or wave.
A running round or wave, and a job without a journal, are read from the service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from otactl.aws.jobs import IotJobs
from otactl.deploy.decision_file import DecisionFile
from otactl.deploy.journal import Journal, Phase, StepState
from otactl.deploy.ownership import owner
from otactl.deploy.recorded_result import wave_results
from otactl.deploy.step import UploadImage
from otactl.errors import OtactlError, UserMistake
from otactl.model.identifier import require_job_id
from otactl.model.members import members_of
from otactl.model.outcome import RoundResult, ThingOutcome
from otactl.model.snapshot import JobDescription
from otactl.model.status import ExecutionStatus, JobStatus, TargetSelection
from otactl.operations.report_content import ReportContent, RoundContent


def journal_content(path: Path, made_ms: int) -> ReportContent:
    """A report from a journal alone; AWS is not called."""
    with closing(Journal.read(path)) as journal:
        return _content(journal, path, made_ms)


def _content(journal: Journal, path: Path, made_ms: int) -> ReportContent:
    plan, about = journal.plan, journal.about
    created = next(iter(plan.jobs.values()), None)
    image = next((step for step in plan.setup if isinstance(step, UploadImage)), None)
    rounds = tuple(_journal_round(journal, result) for result in journal.rounds)
    short = [each.round for each in rounds if len(each.executions) < sum(each.counts.values())]
    notes: tuple[str, ...] = ()
    if short:
        listed = ", ".join(str(number) for number in short)
        notes = (f"Not every execution of round {listed} is known one by one.",)
    if plan.rollback_of:
        notes += (f"It rolls back deployment {plan.rollback_of}, to version {plan.image_version}.",)
    if journal.rollbacks:
        notes += (f"It was rolled back by {', '.join(journal.rollbacks)}.",)
    return ReportContent(
        job_id=plan.job_id,
        made_ms=made_ms,
        created_ms=journal.created_ms,
        rounds=rounds,
        planned_rounds=len(plan.rounds),
        things=plan.things,
        deployment_id=plan.deployment_id,
        source=str(about.get("file", plan.source)),
        region=plan.region,
        account=plan.account,
        is_rehearsal=bool(about.get("rehearsal")),
        is_running=journal.phase is Phase.RUNNING and not journal.failure,
        failure=journal.failure or "",
        image_sha256=plan.image_sha256,
        image_bytes=None if image is None else image.size_bytes,
        document=created.document if created else "",
        policy=members_of(created.configuration) if created else {},
        api_calls=journal.calls,
        notes=notes,
        waves=wave_results(journal),
        decisions=DecisionFile(path).read(),
        left_out=journal.left_out,
        versions=tuple(
            one
            for number in range(1, len(plan.rounds) + 1)
            for one in journal.versions(number).values()
            if one.ended_ms and one.verdict is not None
        ),
        expected_version="" if plan.verify is None else plan.verify.expected_version,
    )


def _journal_round(journal: Journal, result: RoundResult) -> RoundContent:
    executions = tuple(journal.executions(result.round)) or result.outcomes
    return RoundContent(
        round=result.round,
        status=result.status,
        executions=executions,
        counts=result.counts,
        duration_seconds=result.duration_seconds,
        not_reached=result.not_reached,
        not_reached_things=result.not_reached_things,
    )


def kept_job_round(path: Path) -> int | None:
    """The round whose job may have changed since the journal's last poll; None if none.

    A job deleted at clean-up cannot change. A kept one can, if an execution was not terminal at the
    last poll, or if it is CONTINUOUS and things may have joined since.
    """
    with closing(Journal.read(path)) as journal:
        if journal.phase is Phase.RUNNING or not journal.rounds:
            return None
        last = _journal_round(journal, journal.rounds[-1])
        created = journal.plan.jobs[last.round]
        if journal.state(created.key) is StepState.UNDONE:
            return None
        is_continuous = created.configuration.target_selection is TargetSelection.CONTINUOUS
        return last.round if is_continuous or not last.is_settled else None


def with_kept_job(content: ReportContent, jobs: IotJobs, *, details: int) -> ReportContent:
    """The report of a deployment that ended with its job kept; the last round is read from AWS.

    The details of at most N things are queried one by one.
    """
    last = content.rounds[-1]
    try:
        job = jobs.describe(content.job_id)
        if job is None or job.is_being_deleted or owner(job.description) != content.deployment_id:
            return as_of_journal(content, "its job is gone")
        now = service_round(jobs, job, last.round, details)
    except OtactlError as error:
        return as_of_journal(content, f"AWS could not be queried: {error}")
    is_running = job.is_unfinished and job.counts.pending > 0
    rounds = (*content.rounds[:-1], _merged(last, now))
    return replace(content, rounds=rounds, is_running=is_running)


def as_of_journal(content: ReportContent, why: str) -> ReportContent:
    """The same report, with a note that unfinished things may have changed since."""
    if not content.rounds:
        note = f"What has begun is not known: {why}."
        return replace(content, notes=(*content.notes, note))
    last = content.rounds[-1]
    open_things = [one for one in last.last_executions() if not one.status.is_terminal]
    count = len(open_things) + last.not_reached
    if not count:
        return content
    at_ms = max((one.updated_at_ms or 0 for one in last.executions), default=0)
    moment = datetime.fromtimestamp((at_ms or content.created_ms) / 1000, UTC)
    note = (
        f"As of {moment:%Y-%m-%d %H:%M} UTC {count:,} things had not ended; their status since"
        f" then is not known: {why}."
    )
    return replace(content, notes=(*content.notes, note))


def with_running_round(content: ReportContent, jobs: IotJobs, *, details: int) -> ReportContent:
    """The same report with the running round, read from the service.

    The details of at most N things are queried one by one.
    """
    number = len(content.rounds) + 1
    if number > content.planned_rounds:
        return content
    try:
        job = jobs.describe(content.job_id)
        if job is None or owner(job.description) != content.deployment_id:
            return content
        running = service_round(jobs, job, number, details)
    except OtactlError as error:
        note = f"The running round could not be read from AWS: {error}"
        return replace(content, notes=(*content.notes, note))
    return replace(content, rounds=(*content.rounds, running))


def service_content(
    jobs: IotJobs, job_id: str, *, details: int, region: str, made_ms: int
) -> ReportContent:
    """A report of a job without a journal on this machine.

    Raises:
        UserMistake: The job does not exist, or the id is invalid.
    """
    require_job_id(job_id)
    job = jobs.describe(job_id)
    if job is None:
        raise UserMistake(
            f"there is no job {job_id}, and no journal of one on this machine",
            hint="`otactl history` lists the deployments of this machine",
        )
    found = service_round(jobs, job, 1, details)
    account = job.targets[0].split(":")[4] if job.targets else ""
    return ReportContent(
        job_id=job_id,
        made_ms=made_ms,
        created_ms=job.created_at_ms,
        rounds=(found,),
        things=len(found.last_executions()),
        region=region,
        account=account,
        is_running=job.completed_at_ms is None,
        failure=_failure(job),
        document=_document(jobs, job_id),
        policy=members_of(job.configuration),
    )


def _failure(job: JobDescription) -> str:
    """Why a job ended before its time; the things that it reached may all have succeeded."""
    if job.status is JobStatus.COMPLETED or job.is_closed_settled:
        return ""
    is_canceled = job.status is JobStatus.CANCELED
    return job.comment or ("the job was cancelled" if is_canceled else "")


def service_round(jobs: IotJobs, job: JobDescription, number: int, details: int) -> RoundContent:
    """Every execution of a job, with the details of at most ``details`` things."""
    executions: dict[tuple[str, int], ThingOutcome] = {
        (one.thing_name, one.execution_number): one
        for status in ExecutionStatus
        if job.counts[status]
        for one in jobs.executions(job.job_id, status)
    }
    content = RoundContent(
        round=number, status=job.status.value, executions=tuple(executions.values()), counts={}
    )
    for name in islice(_by_priority(content), details):
        found = jobs.execution(job.job_id, name)
        if found is not None:
            executions[found.thing_name, found.execution_number] = found
    ended_ms = job.completed_at_ms
    content = replace(
        content,
        executions=tuple(executions[key] for key in sorted(executions)),
        duration_seconds=None if ended_ms is None else (ended_ms - job.created_at_ms) / 1000,
    )
    return replace(content, counts=Counter(one.status for one in content.last_executions()))


def _by_priority(content: RoundContent) -> Iterator[str]:
    """Things in the order in which to query their details: failures first, queued ones never."""
    last = content.last_executions()
    good = (ExecutionStatus.SUCCEEDED, ExecutionStatus.QUEUED)
    yield from (one.thing_name for one in last if one.status not in good)
    yield from (one.thing_name for one in last if one.status is ExecutionStatus.SUCCEEDED)


def _document(jobs: IotJobs, job_id: str) -> str:
    """The job document; empty if it cannot be read."""
    try:
        return jobs.document(job_id)
    except OtactlError:
        return ""


def open_wave_jobs(path: Path, content: ReportContent) -> dict[int, str]:
    """The jobs, by wave number, that may have changed since the journal's last poll."""
    settled = {each.round for each in content.rounds if each.is_settled}
    with closing(Journal.read(path)) as journal:
        if journal.phase is Phase.CLEANING:
            return {}
        return {
            number: step.job_id
            for number, step in journal.plan.jobs.items()
            if number not in settled and journal.state(step.key) not in (None, StepState.UNDONE)
        }


def with_wave_jobs(
    content: ReportContent, job_ids: dict[int, str], jobs: IotJobs, *, details: int
) -> ReportContent:
    """The same report with unfinished waves read from AWS.

    Jobs are from ``open_wave_jobs``; details of at most N things of each are queried one by one.
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
        return as_of_journal(content, f"AWS could not be queried: {error}")
    ordered = tuple(rounds[number] for number in sorted(rounds))
    return replace(content, rounds=ordered, is_running=is_running)


def _merged(known: RoundContent | None, found: RoundContent) -> RoundContent:
    """The service's round, with the details that the journal already has."""
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
    )

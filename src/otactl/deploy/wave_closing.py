"""What ``cleanUpCfg = False`` leaves open for things that were offline, and how it is closed.

Jobs of waves stay until ``openDays`` after the last verdict. Then what is still open is cancelled
without force, and a wave's group is deleted once nothing of its job is queued or in progress.
Everything here may be repeated, and touches only what carries the deployment's id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from otactl.deploy.ownership import is_ours, own_job
from otactl.errors import AwsRefused
from otactl.model.open_jobs import OpenJobs, OpenWave
from otactl.model.reason_code import CLOSE_REASON_CODE, SETTLED_REASON_CODE
from otactl.model.status import OPEN_JOB_STATUSES

if TYPE_CHECKING:
    from otactl.deploy.journal import Journal
    from otactl.deploy.plan import Plan
    from otactl.deploy.ports import Jobs, Registry
    from otactl.model.snapshot import JobDescription

_DAY_MS = 86_400_000


def open_until_ms(plan: Plan, journal: Journal) -> int:
    """When ``openDays`` are over, epoch milliseconds by AWS's clock."""
    last_ms = max((status.at_ms for status in journal.gates), default=0)
    return last_ms + plan.open_days * _DAY_MS


def left_open(journal: Journal) -> OpenJobs | None:
    """What a deployment in waves that has ended left open, by its results; None if nothing."""
    plan = journal.plan
    waves = tuple(
        OpenWave(job_id=wave.job_id, group_name=wave.group_name)
        for result in journal.rounds
        for wave in plan.waves[result.round - 1 : result.round]
        if result.status in OPEN_JOB_STATUSES
    )
    if plan.clean_up or not waves:
        return None
    return OpenJobs(deployment_id=plan.deployment_id, region=plan.region, waves=waves)


def left_by_rollbacks(
    deployment_id: str, journals: Iterable[Journal]
) -> tuple[OpenJobs, int] | None:
    """What the rollbacks of a deployment left open, and until when; None if nothing.

    Args:
        deployment_id: The deployment that was taken back.
        journals: Its rollbacks' are among them.
    """
    waves, until_ms, region = list[OpenWave](), 0, ""
    for journal in journals:
        left = left_open(journal) if journal.plan.rollback_of == deployment_id else None
        if left is not None:
            waves += [replace(wave, deployment_id=left.deployment_id) for wave in left.waves]
            until_ms, region = max(until_ms, open_until_ms(journal.plan, journal)), left.region
    if not waves:
        return None
    return OpenJobs(deployment_id=deployment_id, region=region, waves=tuple(waves)), until_ms


def cancel_open(jobs: Jobs, job_id: str, deployment_id: str, reason_code: str) -> None:
    """Cancel a job of a deployment without force, if it is open."""
    job = own_job(jobs, job_id, deployment_id)
    if job is None or job.status not in OPEN_JOB_STATUSES:
        return
    comment = f"otactl deployment {deployment_id} ended"
    if reason_code == SETTLED_REASON_CODE:
        comment = f"every thing of this wave of otactl deployment {deployment_id} ended"
    try:
        jobs.cancel(job_id, reason_code=reason_code, comment=comment)
    except AwsRefused:
        found = own_job(jobs, job_id, deployment_id)
        if found is not None and found.status in OPEN_JOB_STATUSES:
            raise


def is_open(job: JobDescription | None) -> bool:
    """Whether a thing may still take the job, or is at work on it."""
    return job is not None and (job.status in OPEN_JOB_STATUSES or bool(job.counts.pending))


def close(left: OpenJobs, jobs: Jobs, registry: Registry) -> int:
    """Cancel what is open, and delete the groups of waves that nothing is pending of.

    Returns:
        How many things are still queued, as AWS cancels 1,000 a minute, or in progress.
    """
    pending = 0
    for wave in left.waves:
        deployment_id = wave.deployment_id or left.deployment_id
        cancel_open(jobs, wave.job_id, deployment_id, CLOSE_REASON_CODE)
        job = own_job(jobs, wave.job_id, deployment_id)
        if job is not None and is_open(job):
            pending += max(1, job.counts.pending)
        elif wave.group_name:
            description = registry.group_description(wave.group_name)
            if is_ours(description, deployment_id):
                registry.delete_group(wave.group_name)
    return pending

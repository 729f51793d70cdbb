"""The end of a deployment in waves, and of what ``cleanUpCfg = False`` leaves open after it.

When a gate failed or a person rejected, every open job of the deployment is cancelled without
force, also those of earlier waves: an offline thing of the first wave must not install a bad image
next week. AWS cancels 1,000 executions a minute, so it is over only when none is QUEUED; things
IN_PROGRESS get the same time as after an abort (``abortWaitMinutes``).

Without clean-up, jobs of waves stay open for offline things, until ``openDays`` after the last
verdict. Then open jobs are cancelled without force, and a wave's group is deleted once no execution
of its job is queued or in progress. Everything here may be repeated, and changes only what has the
deployment's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from otactl.deploy.journal import Journal
from otactl.deploy.outcome_collector import collect_outcomes
from otactl.deploy.ownership import is_ours, own_job
from otactl.deploy.plan import Plan
from otactl.deploy.ports import Jobs, Registry, Services
from otactl.deploy.step import CreateThingGroup, EndWaves, Step, StepContext
from otactl.deploy.step.job import NAMED_MISSING
from otactl.deploy.wave_verify import VersionVerifier
from otactl.errors import AwsRefused
from otactl.model.outcome import SETTLED, DownloadSeconds, RoundResult
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import (
    CLOSE_REASON_CODE,
    GATE_REASON_CODE,
    OPEN_JOB_STATUSES,
    SETTLED_REASON_CODE,
    ExecutionStatus,
)
from otactl.model.wave import OpenJobs, OpenWave, Verdict

_DAY_MS = 86_400_000
_STOPPED = "stopped"


def open_until_ms(plan: Plan, journal: Journal) -> int:
    """When ``openDays`` are over, epoch milliseconds by AWS's clock."""
    last_ms = max((status.at_ms for status in journal.gates), default=0)
    return last_ms + plan.open_days * _DAY_MS


def left_open(journal: Journal) -> OpenJobs | None:
    """What an ended deployment in waves left open, by its results; None if nothing."""
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
    """What the rollbacks of a deployment left open, and until when; None if nothing."""
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
    """Whether a thing may still start the job, or has it in progress."""
    return job is not None and (job.status in OPEN_JOB_STATUSES or bool(job.counts.pending))


def close(left: OpenJobs, jobs: Jobs, registry: Registry) -> int:
    """Cancel what is open, and delete the groups of waves without pending executions.

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


class WaveEnding:
    """Ends one deployment in waves.

    Args:
        verifier: Needs the groups until verification is over; None without verification.
    """

    def __init__(
        self,
        journal: Journal,
        services: Services,
        *,
        verifier: VersionVerifier | None = None,
        now_ms: Callable[[], int],
        undo: Callable[[Step], None],
    ) -> None:
        self._plan = plan = journal.plan
        self._journal = journal
        self._services = services
        self._verifier = verifier if verifier is not None and verifier.is_on else None
        self._now_ms = now_ms
        self._undo = undo
        self._jobs = plan.jobs
        self._groups = {
            step.wave: step for step in plan.steps if isinstance(step, CreateThingGroup)
        }

    def end(self, context: StepContext) -> list[RoundResult]:
        """End the waves. Returns the result of each wave that began and has none yet."""
        reason_code = self._reason_code()
        if reason_code is not None:
            self.stop(context, reason_code)
        begun = self._numbers()
        if self._verifier is None:
            self.release_groups()
        if reason_code == GATE_REASON_CODE:
            # A group that was filled for a wave that never began.
            names = {self._plan.waves[number - 1].name for number in begun}
            for name, group in self._groups.items():
                if name not in names:
                    self._undo(group)
        (end,) = (step for step in self._plan.closing if isinstance(step, EndWaves))
        recorded = {result.round for result in self._journal.rounds}
        return [
            self._result(context, number, end.detail_limit)
            for number in begun
            if number not in recorded and "refused" not in self._record(number)
        ]

    def stop(self, context: StepContext, reason_code: str) -> None:
        """Cancel every open job without force, and wait until nothing is queued any more."""
        self._journal.instant(_STOPPED, self._now_ms())
        self.cancel(reason_code)
        self._await_all(context)

    def release_groups(self) -> None:
        """Delete the groups of the waves that began and have nothing open."""
        for number in self._numbers():
            self.release_group(number, self._services.jobs.describe(self._jobs[number].job_id))

    def release_group(self, number: int, job: JobDescription | None, *, ended: int = 0) -> None:
        """Delete the group of a wave as soon as nothing of its job or its versions is open.

        ``ended`` counts the wave's ended things; AWS's own counts are of attempts.
        """
        group = self._groups.get(self._plan.waves[number - 1].name)
        if group is not None and not is_open(job) and not self._is_verifying(number, ended):
            self._undo(group)

    def _is_verifying(self, number: int, ended: int) -> bool:
        """Whether the fleet index will be searched by the group again."""
        if self._verifier is None:
            return False
        judged = sum(1 for one in self._verifier.things(number).values() if one.ended_ms)
        return judged < ended or bool(self._verifier.open_things(number))

    def _numbers(self) -> list[int]:
        """The waves that began: whose job was created, or refused."""
        return [
            number
            for number, step in self._jobs.items()
            if self._journal.record(step.key) is not None
        ]

    def _record(self, number: int) -> Mapping[str, object]:
        return self._journal.record(self._jobs[number].key) or {}

    def _reason_code(self) -> str | None:
        """Why open jobs are cancelled, or None if they stay open for stragglers."""
        if any(status.verdict is Verdict.FAIL for status in self._journal.gates):
            return GATE_REASON_CODE
        is_over = self._now_ms() >= open_until_ms(self._plan, self._journal)
        return CLOSE_REASON_CODE if self._plan.clean_up or is_over else None

    def cancel(self, reason_code: str) -> None:
        """Cancel every open job without force."""
        for number in self._jobs:
            # A job whose creation was not recorded may exist too.
            self._cancel(number, reason_code)

    def _cancel(self, number: int, reason_code: str) -> None:
        job_id, deployment_id = self._jobs[number].job_id, self._plan.deployment_id
        cancel_open(self._services.jobs, job_id, deployment_id, reason_code)

    def close_settled(self, number: int) -> None:
        """Cancel the CONTINUOUS job of a wave whose things have all ended, without force.

        It would never complete, and would go to things that join the wave's group.
        """
        self._cancel(number, SETTLED_REASON_CODE)

    def _await_all(self, context: StepContext) -> None:
        """Wait until nothing is QUEUED, and nothing IN_PROGRESS or its time is over."""
        stopped_for = context.span(_STOPPED)
        is_notified = False
        while True:
            counts = [job.counts for step in self._jobs.values() if (job := step.find(context))]
            queued = sum(each[ExecutionStatus.QUEUED] for each in counts)
            at_work = sum(each[ExecutionStatus.IN_PROGRESS] for each in counts)
            is_late = stopped_for() >= self._plan.abort_wait_seconds * 1000
            if not queued and (not at_work or is_late):
                return
            if not is_notified:
                is_notified = True
                context.on_note(
                    f"every job of the deployment is cancelled; {queued:,} things are still queued,"
                    f" {at_work:,} in the middle of the update"
                )
            context.on_progress(0, queued + at_work)
            self._services.clock.sleep(self._services.poll_seconds)

    def _result(self, context: StepContext, number: int, detail_limit: int) -> RoundResult:
        step = self._jobs[number]
        job = self._services.jobs.describe(step.job_id)
        collected = collect_outcomes(
            self._services.jobs,
            step.job_id,
            job.counts if job else JobCounts(),
            may_repeat=step.configuration.may_repeat,
            detail_limit=detail_limit,
            on_progress=context.on_progress,
            keep=partial(context.on_executions, number),
            # Things that others added to the wave's group do not belong to the wave.
            only=frozenset(self._journal.wave_things(number)) if step.is_continuous else None,
        )
        missing = () if job is None else tuple(context.not_reached(number))
        began_ms = job.created_at_ms if job else 0
        status = job.status.value if job else "DELETED"
        if job is not None and job.is_closed_settled:
            status = SETTLED
        return RoundResult(
            round=number,
            status=status,
            counts=collected.counts,
            duration_seconds=max(0, self._now_ms() - began_ms) / 1000 if job else 0,
            download_seconds=DownloadSeconds.of(collected.outcomes),
            outcomes=collected.outcomes,
            not_reached=len(missing),
            not_reached_things=missing[:NAMED_MISSING],
            stopped=self._journal.find_instant(_STOPPED) is not None,
            began_late=tuple(dict.fromkeys(self._began_late(number))),
        )

    def _began_late(self, number: int) -> Iterator[str]:
        """Things that began after the stop: AWS had notified them already."""
        stopped_ms = self._journal.find_instant(_STOPPED)
        if stopped_ms is None:
            return
        # The journal has all executions; the result has only a sample of those that succeeded.
        for one in self._journal.executions(number):
            if (one.started_at_ms or 0) > stopped_ms:
                yield one.thing_name

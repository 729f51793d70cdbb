"""The job: created, watched to its end, and deleted again at clean-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import Any, ClassVar, Literal

from pydantic import TypeAdapter

from otactl.deploy.consent import Consent
from otactl.deploy.ending import Ending, ending_of
from otactl.deploy.outcome_collector import collect_outcomes
from otactl.deploy.ownership import describe_ours, is_ours, not_ours, own_job
from otactl.deploy.ports import CreateJobRequest
from otactl.deploy.step.base import Calls, Record, Step, StepContext
from otactl.deploy.step.job_deletion import delete_and_wait, wait_until_gone
from otactl.errors import AwsRefused
from otactl.model.arn import Arn
from otactl.model.job_configuration import JobConfiguration
from otactl.model.limits import PAGE
from otactl.model.outcome import DownloadSeconds, RoundResult
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import TargetSelection

ROUND_RESULT: TypeAdapter[RoundResult] = TypeAdapter(RoundResult)

#: Early ends, after which executions in progress may continue.
_STOPPED = (Ending.ABORTED, Ending.CANCELED, Ending.STOPPED_BY_ALARM)
#: The most things without an execution that the result names.
NAMED_MISSING = 250

#: AWS is eventually consistent: a job just created may be unknown to the next call for a moment.
SETTLING_MS = 10_000


class CreateJob(Step):
    """Create the job of one round."""

    kind: Literal["create-job"] = "create-job"
    round: int
    job_id: str
    targets: tuple[str, ...]
    document: str
    configuration: JobConfiguration
    tags: Mapping[str, str]
    things: int = 0
    own_group: str = ""
    wave: str = ""

    #: Only a job of ours that has ended is deleted; the step waits until it is gone.
    undo_calls: ClassVar[Calls] = {"iot:DescribeJob": 3, "iot:DeleteJob": 1}
    check_calls: ClassVar[Calls] = {"iot:DescribeJob": 1}

    @property
    def key(self) -> str:
        """Each round, or each wave, has its own job."""
        return f"wave-{self.wave}/job" if self.wave else f"round-{self.round}/job"

    @property
    def title(self) -> str:
        count = len(self.targets)
        return f"create job {self.job_id} for {count} target{'s' if count != 1 else ''}"

    @property
    def resource(self) -> str:
        return f"job/{self.job_id}"

    @property
    def calls(self) -> Calls:
        """The creation; before it the members of groups are listed, to know their names."""
        groups = len(self._groups)
        if not groups:
            return {"iot:CreateJob": 1}
        pages = groups + self.things // PAGE
        return {"iot:ListThingsInThingGroup": pages, "iot:CreateJob": 1}

    @property
    def _groups(self) -> tuple[str, ...]:
        """The listed groups whose members a SNAPSHOT job takes; without the deployment's own."""
        if self.is_continuous:
            return ()
        names = (Arn.parse(arn) for arn in self.targets)
        return tuple(
            arn.resource_name
            for arn in names
            if arn.resource_type == "thinggroup" and arn.resource_name != self.own_group
        )

    def do(self, context: StepContext) -> Record:
        request = CreateJobRequest(
            job_id=self.job_id,
            targets=self.targets,
            document=self.document,
            description=describe_ours(
                context.deployment_id,
                f"wave {self.wave}" if self.wave else f"round {self.round}",
            ),
            configuration=self.configuration,
            tags=self.tags,
        )
        if self._groups:
            if context.has_members(self.round) and self._is_created(context, request):
                # It has the members that were noted before it was made, by a process killed since.
                return {"created_ms": context.services.now_ms()}
            members = map(context.services.registry.things_in_group, self._groups)
            context.on_members(self.round, chain.from_iterable(members))
        try:
            context.services.jobs.create(request)
        except AwsRefused as refusal:
            if self._has_no_time(refusal):
                return {"refused": refusal.reason}
            if not refusal.is_conflict:
                raise
            self._settle_conflict(context, request, refusal)
        return {"created_ms": context.services.now_ms()}

    def _is_created(self, context: StepContext, request: CreateJobRequest) -> bool:
        found = self.find(context)
        return (
            found is not None
            and found.description == request.description
            and not found.is_being_deleted
        )

    def _has_no_time(self, refusal: AwsRefused) -> bool:
        """Whether AWS refused a wave's job because its schedule would end too soon (facts A6)."""
        scheduling = self.configuration.scheduling
        has_end = scheduling is not None and scheduling.end_time is not None
        return bool(self.wave) and has_end and refusal.code == "InvalidRequestException"

    def _settle_conflict(
        self, context: StepContext, request: CreateJobRequest, refusal: AwsRefused
    ) -> None:
        """The id is in use: by this same job, whose answer was lost, or by an earlier round's.

        Rounds share the id, and AWS may still be deleting the job of the one before.
        """
        found = context.services.jobs.describe(self.job_id)
        if found is not None and not is_ours(found.description, context.deployment_id):
            raise not_ours("job", self.job_id, found.description) from refusal
        if found is not None and found.is_being_deleted:
            wait_until_gone(context.services, self.job_id)
        elif found is not None and found.description == request.description:
            return
        context.services.jobs.create(request)

    def undo(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Delete it if it is ours and the consent allows it, and wait until it is gone."""
        found = self.find(context)
        if found is None:
            return False
        consent = context.consent
        if consent is Consent.ENDED and self.is_continuous:
            consent = Consent.SETTLED
        delete_and_wait(context.services, found, consent)
        return True

    @property
    def is_continuous(self) -> bool:
        """Whether things that join its group get it too; then it never completes."""
        return self.configuration.target_selection is TargetSelection.CONTINUOUS

    def find(self, context: StepContext) -> JobDescription | None:
        """The job, if it exists and this deployment created it."""
        return own_job(context.services.jobs, self.job_id, context.deployment_id)

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Whether a job of this deployment exists and is not being deleted already."""
        found = self.find(context)
        return found is not None and not found.is_being_deleted


class AwaitJob(Step):
    """Watch the job of one round to its end, and collect the result of each thing."""

    kind: Literal["await-job"] = "await-job"
    round: int
    job_id: str
    things: int
    configuration: JobConfiguration
    detail_limit: int
    max_wait_seconds: float | None
    #: How long to wait for things in progress after the job was stopped.
    abort_wait_seconds: float = 0.0

    @property
    def key(self) -> str:
        return f"round-{self.round}/await"

    @property
    def title(self) -> str:
        limit = f", {self.max_wait_seconds:g} s at most" if self.max_wait_seconds else ""
        return f"wait for job {self.job_id} on {self.things:,} things{limit}"

    @property
    def calls(self) -> Calls:
        """The calls after the wait; the number of polls before depends on the job."""
        return {
            "iot:ListJobExecutionsForJob": 1 + self.things // PAGE,
            "iot:DescribeJobExecution": min(self.things, self.detail_limit),
        }

    def do(self, context: StepContext) -> Record:
        """Watch; the record has the round's result and how the job ended."""
        started_ms = context.services.now_ms()
        ending, job = self._watch(context)
        ended_ms = (job and job.completed_at_ms) or context.services.now_ms()
        began_ms = job.created_at_ms if job else started_ms
        is_continuous = self.configuration.target_selection is TargetSelection.CONTINUOUS
        collected = collect_outcomes(
            context.services.jobs,
            self.job_id,
            job.counts if job else JobCounts(),
            may_repeat=self.configuration.may_repeat,
            detail_limit=self.detail_limit if ending is not Ending.DELETED else 0,
            on_progress=context.on_progress,
            keep=partial(context.on_executions, self.round),
            may_rejoin=is_continuous,
        )
        # The executions of a deleted job cannot be listed, so it is unknown which things got it.
        missing = () if ending is Ending.DELETED else tuple(context.not_reached(self.round))
        result = RoundResult(
            round=self.round,
            status=job.status.value if job else ending.value,
            counts=collected.counts,
            duration_seconds=max(0, ended_ms - began_ms) / 1000,
            download_seconds=DownloadSeconds.of(collected.outcomes),
            outcomes=collected.outcomes,
            not_reached=len(missing),
            not_reached_things=missing[:NAMED_MISSING],
            stopped=ending in _STOPPED,
        )
        return {
            "ending": ending.value,
            "comment": job.comment if job else "",
            "result": ROUND_RESULT.dump_python(result, mode="json"),
        }

    def _watch(self, context: StepContext) -> tuple[Ending, JobDescription | None]:
        last: JobDescription | None = None
        stopped_for: Callable[[], int] | None = None
        if not self.things:
            context.on_note(
                f"no thing is in the groups of job {self.job_id} yet; it waits for those that join"
            )
        limit = self.max_wait_seconds if context.has_deadline else None
        for snapshot in context.services.watch.snapshots(self.job_id):
            context.on_snapshot(snapshot)
            waited_ms = context.waited_ms()
            is_late = limit is not None and waited_ms >= limit * 1000
            if snapshot.job is None and (last is not None or waited_ms > SETTLING_MS):
                return Ending.DELETED, None
            last = snapshot.job
            ending = None if last is None else self._ending_of(last)
            if last is not None and ending is not None:
                if self._is_settled(last, ending):
                    return ending, last
                if stopped_for is None:
                    stopped_for = context.span("stopped")
                    context.on_note(self._waiting_note(last))
                if stopped_for() >= self.abort_wait_seconds * 1000 or is_late:
                    return ending, last
            if is_late:
                return Ending.DEADLINE_PASSED, last
        raise AssertionError("a watch never ends by itself")

    def _ending_of(self, job: JobDescription) -> Ending | None:
        return ending_of(
            job,
            things=self.things,
            target_selection=self.configuration.target_selection,
            abort_criteria=self.configuration.abort_criteria,
        )

    def _is_settled(self, job: JobDescription, ending: Ending) -> bool:
        """Whether there is nothing to wait for: after a stop, executions in progress continue."""
        return ending not in _STOPPED or not job.in_progress or not self.abort_wait_seconds

    def _waiting_note(self, job: JobDescription) -> str:
        minutes = self.abort_wait_seconds / 60
        return (
            f"job {self.job_id} was stopped; {job.in_progress:,} things are in the middle of the"
            f" update and are waited for, {minutes:g} minutes at most (abortWaitMinutes)"
        )


def round_result(record: Mapping[str, Any]) -> RoundResult:
    """The round's result, read back from the record of ``AwaitJob``."""
    return ROUND_RESULT.validate_python(record["result"])

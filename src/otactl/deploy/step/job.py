"""The job: created, watched to its end, and deleted again at clean-up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from pydantic import TypeAdapter

from otactl.deploy.consent import Consent
from otactl.deploy.ending import Ending, ending_of
from otactl.deploy.outcome_collector import collect_outcomes
from otactl.deploy.ownership import describe_ours, is_ours, not_ours
from otactl.deploy.ports import JobRequest
from otactl.deploy.step.base import Record, Step, StepContext
from otactl.deploy.step.job_deletion import delete_and_wait, wait_until_gone
from otactl.errors import AwsRefused
from otactl.model.job_configuration import JobConfiguration
from otactl.model.outcome import DownloadSeconds, RoundResult
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import TargetSelection

ROUND_RESULT: TypeAdapter[RoundResult] = TypeAdapter(RoundResult)

#: AWS is eventually consistent: a job just created may be unknown to the next call for a moment.
_SETTLING_MS = 10_000


class CreateJob(Step):
    """Create the job of one round."""

    kind: Literal["create-job"] = "create-job"
    round: int
    job_id: str
    targets: tuple[str, ...]
    document: str
    configuration: JobConfiguration
    tags: Mapping[str, str]

    @property
    def key(self) -> str:
        """Each round has its job."""
        return f"round-{self.round}/job"

    @property
    def title(self) -> str:
        """Which job, for whom."""
        count = len(self.targets)
        return f"create job {self.job_id} for {count} target{'s' if count != 1 else ''}"

    @property
    def resource(self) -> str:
        """The job."""
        return f"job/{self.job_id}"

    @property
    def calls(self) -> Mapping[str, int]:
        """The creation."""
        return {"iot:CreateJob": 1}

    @property
    def undo_calls(self) -> Mapping[str, int]:
        """Only a job of ours that has ended is deleted, and the deletion is waited for."""
        return {"iot:DescribeJob": 3, "iot:DeleteJob": 1}

    def do(self, context: StepContext) -> Record:
        """Create it."""
        request = JobRequest(
            job_id=self.job_id,
            targets=self.targets,
            document=self.document,
            description=describe_ours(context.deployment_id, f"round {self.round}"),
            configuration=self.configuration,
            tags=self.tags,
        )
        try:
            context.services.jobs.create(request)
        except AwsRefused as refusal:
            if not refusal.is_conflict:
                raise
            self._settle_conflict(context, request, refusal)
        return {"created_ms": context.services.clock.now_ms()}

    def _settle_conflict(
        self, context: StepContext, request: JobRequest, refusal: AwsRefused
    ) -> None:
        """The id is taken: by this very job, whose answer was lost, or by that of an earlier round.

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
        """Delete it if it is ours and that is consented to, and wait until it is gone."""
        found = self.find(context)
        if found is None:
            return False
        consent = context.consent
        if consent is Consent.ENDED and self._is_continuous:
            consent = Consent.SETTLED
        delete_and_wait(context.services, found, consent)
        return True

    @property
    def _is_continuous(self) -> bool:
        return self.configuration.target_selection is TargetSelection.CONTINUOUS

    def find(self, context: StepContext) -> JobDescription | None:
        """The job, if there is one and it is this deployment's."""
        found = context.services.jobs.describe(self.job_id)
        if found is None or not is_ours(found.description, context.deployment_id):
            return None
        return found

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Whether a job of this deployment is there and not being deleted already."""
        found = self.find(context)
        return found is not None and not found.is_being_deleted


class AwaitJob(Step):
    """Watch the job of one round to its end, and find out what became of each thing."""

    kind: Literal["await-job"] = "await-job"
    round: int
    job_id: str
    things: int
    configuration: JobConfiguration
    detail_limit: int
    max_wait_seconds: float | None

    @property
    def key(self) -> str:
        """Each round waits for its job."""
        return f"round-{self.round}/await"

    @property
    def title(self) -> str:
        """What is waited for."""
        limit = f", {self.max_wait_seconds:g} s at most" if self.max_wait_seconds else ""
        return f"wait for job {self.job_id} on {self.things:,} things{limit}"

    @property
    def calls(self) -> Mapping[str, int]:
        """What follows the waiting; the ticks before are as many as the job takes."""
        return {
            "iot:ListJobExecutionsForJob": 1 + self.things // 250,
            "iot:DescribeJobExecution": min(self.things, self.detail_limit),
        }

    def do(self, context: StepContext) -> Record:
        """Watch; the record holds the round's result and how the job ended."""
        started_ms = context.services.clock.now_ms()
        ending, job = self._watch(context)
        ended_ms = context.services.clock.now_ms()
        collected = collect_outcomes(
            context.services.jobs,
            self.job_id,
            job.counts if job else JobCounts(),
            may_repeat=bool(self.configuration.retry_criteria)
            or self.configuration.target_selection is TargetSelection.CONTINUOUS,
            detail_limit=self.detail_limit if ending is not Ending.DELETED else 0,
            on_progress=context.on_progress,
            keep=partial(context.on_executions, self.round),
        )
        result = RoundResult(
            round=self.round,
            status=job.status.value if job else ending.value,
            counts=collected.counts,
            duration_seconds=(ended_ms - (job.created_at_ms if job else started_ms)) / 1000,
            download_seconds=DownloadSeconds.of(collected.outcomes),
            outcomes=collected.outcomes,
        )
        return {
            "ending": ending.value,
            "comment": job.comment if job else "",
            "result": ROUND_RESULT.dump_python(result, mode="json"),
        }

    def _watch(self, context: StepContext) -> tuple[Ending, JobDescription | None]:
        last: JobDescription | None = None
        for snapshot in context.services.watch.snapshots(self.job_id):
            context.on_snapshot(snapshot)
            waited_ms = context.waited_ms()
            if snapshot.job is None:
                if last is not None or waited_ms > _SETTLING_MS:
                    return Ending.DELETED, None
            else:
                last = snapshot.job
                ending = ending_of(
                    last,
                    things=self.things,
                    target_selection=self.configuration.target_selection,
                    abort_criteria=self.configuration.abort_criteria,
                )
                if ending is not None:
                    return ending, last
            if self.max_wait_seconds is not None and waited_ms >= self.max_wait_seconds * 1000:
                return Ending.DEADLINE_PASSED, last
        raise AssertionError("a watch never ends by itself")


def round_result(record: Mapping[str, Any]) -> RoundResult:
    """The round's result, read back from the record of ``AwaitJob``."""
    return ROUND_RESULT.validate_python(record["result"])

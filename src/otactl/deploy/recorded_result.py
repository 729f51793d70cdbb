"""The result of a deployment, and how it failed, by the records of its steps in the journal."""

from __future__ import annotations

from collections.abc import Mapping

from otactl.deploy.ending import Ending, failure_of
from otactl.deploy.journal import Journal, Outcome
from otactl.deploy.step import AwaitJob
from otactl.errors import (
    AwsRefused,
    AwsUnreachable,
    CredentialsUnusable,
    DeploymentFailed,
    DeploymentRejected,
    GateFailed,
    GateWaits,
    OtactlError,
    RollbackFailed,
    ThingsFailed,
)
from otactl.model.outcome import RoundResult, WaveResult
from otactl.model.quoting import first_names
from otactl.model.verify import BAD_VERDICTS, VersionResult, version_result
from otactl.model.wave import Verdict

#: The most failed things in the message of a failed deployment; the report has them all.
_NAMED_FAILURES = 10


def outcome_words(journal: Journal) -> str:
    """How a deployment ended, for people; only what is recorded counts."""
    match journal.outcome:
        case None:
            stopped = journal.interruption
            if stopped is None and journal.gates:
                stopped = journal.gates[-1].words
                return f"it has not ended; {stopped}"
            return "it has not ended" + (
                f"; its last process stopped: {stopped}" if stopped else ""
            )
        case Outcome.SUCCEEDED:
            return "it succeeded"
        case Outcome.FAILED:
            return journal.failure or "it failed"
        case Outcome.CLEANED:
            return "it was removed by `otactl clean` before it ended"
        case _:
            return "how it ended is not known"


def recorded_failure(journal: Journal) -> OtactlError | None:
    """The failure with its exit code; None if none is recorded."""
    message = journal.failure
    if message is None:
        return None
    if journal.plan.waves:
        return failure_of_gates(journal) or DeploymentFailed(message)
    rounds = {result.round: result for result in journal.rounds}
    for step in reversed(journal.plan.steps):
        record = journal.record(step.key)
        if isinstance(step, AwaitJob) and record is not None and "ending" in record:
            result = rounds.get(step.round)
            failure = (
                failure_of_round(step, record, result) if result else _failure_of(step, record)
            )
            return failure or failure_of_versions(journal) or DeploymentFailed(message)
    return DeploymentFailed(message)


def failure_of_gates(journal: Journal) -> DeploymentFailed | None:
    """How a deployment in waves failed, by the recorded verdicts; None if it did not.

    If a job ended early, the exit code is that of a deployment with a single job.
    """
    for status in journal.gates:
        if status.verdict is not Verdict.FAIL:
            continue
        later = journal.plan.waves[status.wave :]
        untouched = sum(wave.things for wave in later)
        words = f"{status.words}; {untouched:,} things of later waves were never notified"
        if status.is_rejected:
            return DeploymentRejected(words)
        if journal.plan.rollback_of:
            return RollbackFailed(
                f"rollback of {journal.plan.rollback_of}: {words}",
                hint="a rollback is not rolled back itself; check the things that failed",
            )
        ended = failure_of(Ending(status.ending), journal.plan.job_id) if status.ending else None
        return GateFailed(words) if ended is None else type(ended)(words, hint=ended.hint)
    return None


def failure_of_versions(journal: Journal) -> DeploymentFailed | None:
    """How a deployment without waves failed by the versions that things report; None if not."""
    found = None if journal.plan.waves else versions_of(journal)
    if found is None or not found.bad:
        return None
    bad = [one for one in found.unverified if one.verdict in BAD_VERDICTS]
    names = (f"{one.thing_name} {one.verdict}" for one in bad)
    return ThingsFailed(
        f"{found.bad:,} things succeeded and do not run version {found.expected}",
        first_names(names, _NAMED_FAILURES, total=found.bad),
    )


def failure_of_round(
    step: AwaitJob, record: Mapping[str, object], result: RoundResult
) -> DeploymentFailed | None:
    """How a round failed, by the record of its ``AwaitJob``; None if it succeeded."""
    failure = _failure_of(step, record)
    if failure is not None or result.is_success:
        return failure
    unsuccessful = result.unsuccessful
    if not sum(result.counts.values()):
        return DeploymentFailed(f"round {step.round}: job {step.job_id} reached no thing at all")
    if not unsuccessful:
        return DeploymentFailed(f"round {step.round}: {_not_reached_words(result)}")
    names = ", ".join(
        f"{outcome.thing_name} {result.status_words(outcome)}"
        + (f" ({words})" if (words := result.reason_words(outcome)) else "")
        for outcome in unsuccessful[:_NAMED_FAILURES]
    )
    more = len(unsuccessful) - _NAMED_FAILURES
    return ThingsFailed(
        f"round {step.round}: {len(unsuccessful)} of {result.named} things did not succeed",
        f"{names}{f' and {more} more' if more > 0 else ''}"
        + (f"; {_not_reached_words(result)}" if result.not_reached else ""),
    )


def _failure_of(step: AwaitJob, record: Mapping[str, object]) -> DeploymentFailed | None:
    return failure_of(
        Ending(str(record["ending"])),
        step.job_id,
        comment=str(record.get("comment") or ""),
        max_wait_seconds=step.max_wait_seconds,
    )


def _not_reached_words(result: RoundResult) -> str:
    names = first_names(result.not_reached_things, _NAMED_FAILURES, total=result.not_reached)
    return f"{result.not_reached:,} of {result.named:,} things did not get the job: {names}"


def failure_of_clean_up(error: OtactlError, deployment_id: str) -> OtactlError:
    """The error to report in addition to the deployment's own failure, which stays."""
    hint = f"`otactl resume {deployment_id}` tries again"
    if isinstance(error, AwsRefused):
        return AwsRefused(error.operation, error.code, f"{error.reason} (cleaning up)", hint=hint)
    return CredentialsUnusable(f"{error} (cleaning up)", hint=hint)


def passes_by_itself(error: OtactlError) -> bool:
    """Whether the error passes with time, or when the user signs in again."""
    if isinstance(error, GateWaits | AwsUnreachable | CredentialsUnusable):
        return True
    return isinstance(error, AwsRefused) and error.may_be_about_credentials


def wave_results(journal: Journal) -> tuple[WaveResult, ...]:
    """Every planned wave, in order; none in a deployment without waves."""
    gates = {status.wave: status for status in journal.gates}
    rounds = {result.round: result for result in journal.rounds}
    return tuple(
        WaveResult(
            name=wave.name,
            job_id=wave.job_id,
            things=wave.things,
            gate=gates.get(number),
            result=rounds.get(number),
            versions=versions_of(journal, number),
        )
        for number, wave in enumerate(journal.plan.waves, start=1)
    )


def versions_of(journal: Journal, number: int | None = None) -> VersionResult | None:
    """The versions in a wave or a round, or of all things; None if nothing is verified."""
    plan = journal.plan
    if plan.verify is None:
        return None
    numbers = range(1, len(plan.rounds) + 1) if number is None else (number,)
    things = (one for each in numbers for one in journal.versions(each).values() if one.ended_ms)
    return version_result(plan.verify.expected_version, tuple(things))

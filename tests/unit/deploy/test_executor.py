from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from tests.support.plan import a_plan_with

from otactl.deploy.consent import Consent
from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Outcome, Phase
from otactl.deploy.journal_file import JournalUnusable
from otactl.deploy.observer import Moment, Observer
from otactl.deploy.ownership import describe_ours
from otactl.deploy.ports import CreateJobRequest
from otactl.deploy.step import (
    AddThings,
    AwaitJob,
    CreateJob,
    CreateStream,
    CreateThingGroup,
    UploadImage,
)
from otactl.errors import (
    AwsRefused,
    AwsUnreachable,
    Interrupted,
    JobAborted,
    JobCanceled,
    UserMistake,
)
from otactl.model.job_configuration import JobConfiguration
from otactl.model.status import ExecutionStatus, JobStatus

if TYPE_CHECKING:
    from otactl.deploy.plan import Plan

DEPLOYMENT = "20261123T120000Z-abcdef"
THINGS = [f"arn:aws:iot:eu-central-1:123456789012:thing/t{number}" for number in range(3)]


def a_plan(*, rounds=1, clean_up=True, max_wait_seconds=None, things=THINGS) -> Plan:
    return a_plan_with(
        deployment_id=DEPLOYMENT,
        things=len(things),
        setup=(
            UploadImage(
                bucket="bucket", object_key="firmware/x", path="x", size_bytes=1, sha256="ab" * 32
            ),
            CreateStream(
                stream_id="stream_1",
                file_id=1,
                bucket="bucket",
                object_key="firmware/x",
                role_arn="arn:aws:iam::123456789012:role/stream",
                tags={},
            ),
        ),
        rounds=tuple(
            (
                CreateJob(
                    round=number,
                    job_id="job",
                    targets=tuple(things),
                    document="{}",
                    configuration=JobConfiguration(),
                    tags={},
                ),
                AwaitJob(
                    round=number,
                    job_id="job",
                    things=len(things),
                    configuration=JobConfiguration(),
                    detail_limit=10,
                    max_wait_seconds=max_wait_seconds,
                ),
            )
            for number in range(1, rounds + 1)
        ),
        clean_up=clean_up,
        delay_seconds=5,
    )


def test_rounds_run_one_after_the_other_and_leave_nothing(aws, execute):
    executor = execute(a_plan(rounds=3))

    result = executor.run()

    assert executor.failure is None
    assert result.is_success
    assert [r.counts[ExecutionStatus.SUCCEEDED] for r in result.rounds] == [3, 3, 3]
    assert len(aws.jobs.created) == 3
    assert aws.is_empty
    assert executor.leftovers() == ()


def test_the_download_times_the_devices_report_are_summed_up(execute):
    (round_result,) = execute(a_plan()).run().rounds

    assert round_result.download_seconds.p50 == 2.5
    assert round_result.download_seconds.max == 2.5


def test_without_clean_up_the_job_and_the_stream_stay_and_are_named(aws, execute):
    executor = execute(a_plan(clean_up=False))

    executor.run()

    assert set(aws.jobs.jobs) == {"job"}
    assert executor.leftovers() == ("s3://bucket/firmware/x", "stream/stream_1", "job/job")


def test_a_round_that_fails_skips_the_rest_and_names_things_and_reasons(aws, execute):
    aws.jobs.fates["t1"] = ExecutionStatus.FAILED
    executor = execute(a_plan(rounds=3))

    result = executor.run()

    assert len(result.rounds) == 1
    assert not result.is_success
    assert result.rounds[0].counts == {ExecutionStatus.SUCCEEDED: 2, ExecutionStatus.FAILED: 1}
    assert "t1 FAILED (t1 did not like it)" in str(executor.failure)
    assert aws.is_empty


@pytest.mark.parametrize(
    ("reason_code", "error"), [("ABORT_CANCEL", JobAborted), ("", JobCanceled)]
)
def test_an_abort_and_somebody_elses_cancel_are_told_apart(aws, execute, reason_code, error):
    aws.jobs.status, aws.jobs.reason_code, aws.jobs.comment = (
        JobStatus.CANCELED,
        reason_code,
        "said so",
    )
    executor = execute(a_plan())

    executor.run()

    assert type(executor.failure) is error
    assert "said so" in str(executor.failure)


def test_a_job_deleted_under_our_eyes_ends_the_deployment(aws, execute):
    aws.jobs.status = JobStatus.IN_PROGRESS
    aws.jobs.fates = dict.fromkeys(["t0"], ExecutionStatus.QUEUED)

    class Deleter(Observer):
        def on_snapshot(self, round_number, snapshot):
            aws.jobs.jobs.clear()

    executor = execute(a_plan(), Deleter())

    result = executor.run()

    assert executor.failure is not None
    assert executor.failure.exit_code == 6
    assert result.rounds[0].status == "DELETED"


def test_a_job_that_never_ends_ends_at_max_wait(aws, execute):
    aws.jobs.status = JobStatus.IN_PROGRESS
    aws.jobs.fates = {"t0": ExecutionStatus.QUEUED}
    executor = execute(a_plan(max_wait_seconds=60))

    result = executor.run()

    assert "within 60 seconds" in str(executor.failure)
    assert result.rounds[0].counts[ExecutionStatus.QUEUED] == 1
    # It has not ended: neither it nor what its devices need is deleted unasked.
    assert set(aws.jobs.jobs) == {"job"}
    assert executor.undone == []
    assert "job job has not ended" in str(executor.kept_job)
    executor.clean(Consent.YES)
    assert aws.is_empty


def test_a_stream_of_somebody_else_is_refused_and_left_alone(aws, execute):
    executor = execute(a_plan())
    aws.streams.streams["stream_1"] = type("Other", (), {"description": "mine"})()

    executor.run()

    assert isinstance(executor.failure, UserMistake)
    assert "stream stream_1 exists" in str(executor.failure)
    assert list(aws.streams.streams) == ["stream_1"]
    assert not aws.objects.stored


def test_an_image_another_deployment_uses_is_not_deleted(aws, execute):
    aws.objects.claim("bucket", "firmware/x", "20261122T000000Z-other1")

    execute(a_plan()).run()

    assert list(aws.objects.stored) == [("bucket", "firmware/x")]


def test_an_image_that_otactl_did_not_upload_is_not_deleted(aws, execute):
    aws.objects.put_file("bucket", "firmware/x", "x", sha256="ab" * 32, metadata={})

    execute(a_plan()).run()

    assert list(aws.objects.stored) == [("bucket", "firmware/x")]


def test_ctrl_c_keeps_a_rollout_though_the_file_says_clean_up_until_the_user_says_so(aws, execute):
    aws.jobs.status = JobStatus.IN_PROGRESS
    aws.jobs.fates = {"t0": ExecutionStatus.QUEUED}

    class Impatient(Observer):
        def on_snapshot(self, round_number, snapshot):
            aws.clock.stop = True

    executor = execute(a_plan(), Impatient())

    executor.run()

    assert isinstance(executor.failure, Interrupted)
    assert executor.goes_on
    assert executor.undone == []
    executor.abandon(Consent.ANSWERED)
    assert aws.is_empty
    assert executor.undone == ["job/job", "stream/stream_1", "s3://bucket/firmware/x"]


def test_ctrl_c_in_a_rehearsal_takes_everything_down(aws, execute):
    aws.jobs.status = JobStatus.IN_PROGRESS
    aws.jobs.fates = {"t0": ExecutionStatus.QUEUED}

    class Impatient(Observer):
        def on_snapshot(self, round_number, snapshot):
            aws.clock.stop = True

    executor = execute(a_plan(), Impatient(), is_rehearsal=True)

    executor.run()

    assert isinstance(executor.failure, Interrupted)
    assert not executor.goes_on
    assert aws.is_empty


def test_ctrl_c_before_any_job_leaves_nothing(aws, execute):
    class Impatient(Observer):
        def on_step(self, moment):
            if isinstance(moment.step, CreateStream) and moment.moment is Moment.DONE:
                aws.clock.stop = True

    executor = execute(a_plan(clean_up=False), Impatient())

    executor.run()

    assert isinstance(executor.failure, Interrupted)
    assert not executor.goes_on
    assert aws.is_empty


def test_ctrl_c_without_clean_up_leaves_the_job_running_and_resume_finishes_it(aws, execute):
    aws.jobs.status = JobStatus.IN_PROGRESS
    aws.jobs.fates = {"t0": ExecutionStatus.QUEUED}

    class Impatient(Observer):
        def on_snapshot(self, round_number, snapshot):
            aws.clock.stop = True

    first = execute(a_plan(clean_up=False), Impatient())
    first.run()
    first._journal.close()
    aws.clock.stop, aws.clock.shielded = False, False
    aws.jobs.status, aws.jobs.fates = JobStatus.COMPLETED, {}

    resumed = execute()
    result = resumed.run()

    assert result.is_success
    assert len(aws.jobs.created) == 1
    assert result.api_calls == {"iot:X": 2}


def test_a_lost_network_pauses_and_goes_on(aws, execute):
    failures = iter([True, True, False])
    create = aws.streams.create

    def unreliable(request):
        if next(failures):
            raise AwsUnreachable("iot:CreateStream", "EndpointConnectionError", "no route")
        create(request)

    aws.streams.create = unreliable
    pauses = []

    class Listener(Observer):
        def on_pause(self, reason, seconds):
            pauses.append(seconds)

    result = execute(a_plan(), Listener()).run()

    assert result.is_success
    assert pauses == [1, 2]


def test_when_no_job_was_created_nothing_stays_even_without_clean_up(aws, execute):
    aws.jobs.jobs["job"] = type("Other", (), {"description": "by hand", "targets": THINGS})()

    executor = execute(a_plan(clean_up=False))
    executor.run()

    assert isinstance(executor.failure, UserMistake)
    assert not aws.streams.streams
    assert not aws.objects.stored
    assert list(aws.jobs.jobs) == ["job"]


@pytest.mark.parametrize("moment", [Moment.BEGUN, Moment.AFTER_DO])
@pytest.mark.parametrize("position", range(4))
def test_a_deployment_cut_off_around_any_step_is_cleaned_to_nothing(
    aws, tmp_path, moment, position
):
    # What a killed process leaves is a journal and a cloud; both are made here by a run whose
    # every further write is refused once the moment has come.
    path = tmp_path / f"{DEPLOYMENT}.sqlite"
    journal = Journal.create(path, a_plan(clean_up=True), now_ms=0, about={})
    seen = []

    class Killer(Observer):
        def on_step(self, step_moment):
            if step_moment.moment is moment:
                seen.append(step_moment)
            if len(seen) > position:
                journal.close()

    with pytest.raises(JournalUnusable, match="closed database"):
        Executor(journal, aws.services, Killer(), dict).run()

    reopened = Journal.open(path)
    Executor(reopened, aws.services, Observer(), dict).clean(Consent.ENDED)

    assert aws.is_empty
    assert reopened.phase is Phase.FINISHED
    reopened.close()


@pytest.mark.parametrize(("refusals", "is_deleted"), [(3, True), (10_000, False)])
def test_a_deletion_waits_for_its_turn_among_ten_others_of_the_account(
    aws, execute, refusals, is_deleted
):
    left = iter(range(refusals))
    delete = aws.jobs.delete_job

    def crowded(job_id):
        if next(left, None) is not None:
            raise AwsRefused("iot:DeleteJob", "LimitExceededException", "ten are being deleted")
        delete(job_id)

    aws.jobs.delete_job = crowded
    executor = execute(a_plan())

    result = executor.run()

    assert result.is_success
    assert executor.failure is None
    assert (executor.clean_up_failure is None) is is_deleted
    assert aws.is_empty is is_deleted


#: What an observer is told of six steps and their undoing.
MOMENTS_OF_TWO_ROUNDS = 42


class Killed(BaseException):
    """Nothing that the code could catch or clean up after."""


@pytest.mark.parametrize("deletion_ms", [0, 60_000])
@pytest.mark.parametrize("position", range(MOMENTS_OF_TWO_ROUNDS + 1))
def test_a_deployment_killed_anywhere_is_taken_up_and_creates_each_rounds_own_job(
    aws, execute, position, deletion_ms
):
    aws.jobs.deletion_ms = deletion_ms
    reported = []

    class Killer(Observer):
        def on_step(self, step_moment):
            reported.append(step_moment)
            if len(reported) == position:
                raise Killed

    first = execute(a_plan(rounds=2), Killer(), releases=True)
    with suppress(Killed):
        first.run()
    first._journal.close()
    assert len(reported) == (position or MOMENTS_OF_TWO_ROUNDS)

    result = execute().run()

    assert result.is_success
    assert [each.round for each in result.rounds] == [1, 2]
    assert [request.description for request in aws.jobs.created] == [
        describe_ours(DEPLOYMENT, "round 1"),
        describe_ours(DEPLOYMENT, "round 2"),
    ]
    aws.clock.ms += deletion_ms
    assert aws.jobs.describe("job") is None
    assert aws.is_empty


def test_the_members_of_the_deployments_own_group_are_the_thing_list(aws, execute, tmp_path):
    plan = a_plan()
    group = f"otactl-{DEPLOYMENT}"
    steps = (
        CreateThingGroup(group_name=group),
        AddThings(group_name=group, things=3, concurrency=2),
    )
    executor = execute(plan.model_copy(update={"setup": (*steps, *plan.setup)}))
    executor._journal.enter_targets(THINGS)
    filled = []
    delete = aws.registry.delete_group
    aws.registry.delete_group = lambda name: (
        filled.append(aws.registry.groups[name][1]),
        delete(name),
    )

    executor.run()

    assert filled == [["t0", "t1", "t2"]]
    assert aws.is_empty


def test_the_fingerprint_changes_with_what_is_deployed_and_not_with_when():
    plan = a_plan()
    same = plan.model_copy(update={"deployment_id": "20270101T000000Z-000000"})
    other = plan.model_copy(update={"image_sha256": "00" * 32})

    assert plan.fingerprint == same.fingerprint
    assert plan.fingerprint != other.fingerprint


def test_everything_created_says_whose_it_is(aws, execute):
    execute(a_plan(clean_up=False)).run()

    assert aws.streams.streams["stream_1"].description == describe_ours(DEPLOYMENT)
    assert aws.jobs.jobs["job"].description == describe_ours(DEPLOYMENT, "round 1")


def test_interrupted_while_somebody_else_goes_on_it_leaves_everything_as_it_stands(aws, execute):
    """A worker of the queue that is stopped must not stop a rollout to thousands of things."""

    class Stops(Observer):
        def on_step(self, moment):
            if isinstance(moment.step, CreateJob) and moment.moment is Moment.DONE:
                aws.clock.stop = True

    executor = execute(a_plan(), Stops(), releases=True)
    executor.run()

    assert isinstance(executor.failure, Interrupted)
    assert set(aws.jobs.jobs) == {"job"}
    assert executor.undone == []
    assert executor.leftovers() == ("s3://bucket/firmware/x", "stream/stream_1", "job/job")


class Listener(Observer):
    """Keeps what it is told of steps."""

    def __init__(self):
        self.moments = []

    def on_step(self, moment):
        self.moments.append(moment)

    @property
    def deleted(self):
        return [moment.step.resource for moment in self.moments if moment.deleted]


def test_only_what_was_there_and_ours_alone_is_told_as_deleted(aws, execute):
    """Who reads "deleted" believes it: an image that another deployment needs was not."""
    aws.objects.claims.add(("bucket", "firmware/x", "20261123T110000Z-000000"))
    aws.jobs.jobs["job"] = CreateJobRequest(
        job_id="job",
        targets=tuple(THINGS),
        document="{}",
        description="somebody else's",
        configuration=JobConfiguration(),
        tags={},
    )
    listener = Listener()
    executor = execute(a_plan(), observer=listener)

    executor.run()

    assert isinstance(executor.failure, UserMistake)
    assert listener.deleted == ["stream/stream_1"]


@pytest.mark.parametrize("outcome", [Outcome.CLEANED, Outcome.FAILED])
def test_a_process_killed_just_after_the_outcome_was_recorded_deploys_nothing_more(
    aws, execute, outcome
):
    executor = execute(a_plan())
    executor._journal.enter_outcome(outcome, "" if outcome is Outcome.CLEANED else "refused")

    result = executor.run()

    assert aws.jobs.created == []
    assert executor._journal.phase is Phase.FINISHED
    assert executor._journal.outcome is outcome
    assert not result.goes_on


def test_what_aws_refuses_to_delete_after_an_interruption_is_told_with_a_way_out(aws, execute):
    aws.jobs.takes_ms = 60_000

    class Stopper(Observer):
        def on_snapshot(self, round_number, snapshot):
            aws.clock.stop = True

    executor = execute(a_plan(), Stopper())
    executor.run()
    assert isinstance(executor.failure, Interrupted)

    def refused(_job_id):
        raise AwsRefused("iot:DeleteJob", "AccessDeniedException", "no")

    aws.jobs.delete_job = refused
    executor.abandon(Consent.ANSWERED)

    assert isinstance(executor.failure, Interrupted)
    assert "otactl resume" in executor.clean_up_failure.hint
    assert executor._journal.phase is Phase.CLEANING
